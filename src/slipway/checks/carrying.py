"""What the platform cannot bring to a process, said before a deployment."""

from collections.abc import Iterator

from slipway.checks.facts import Facts
from slipway.checks.issue import Issue, Severity
from slipway.checks.variables import is_told_as_empty
from slipway.release.carried import Uncarried, carry


def uncarried(facts: Facts) -> Iterator[Issue]:
    """`coolify.value`: no text and no flags bring this value unchanged to the process through Coolify."""
    if not facts.is_public:
        return
    for seen in facts.seen:
        if seen.text is None or not seen.services or (seen.text == "" and is_told_as_empty(facts, seen)):
            continue
        answer = carry(seen.name, seen.text)
        if isinstance(answer, Uncarried):
            message = f"Coolify cannot carry this value to {', '.join(seen.services)}: {answer.why}"
            yield Issue("coolify.value", Severity.ERROR, seen.name, seen.setting.where, message, answer.way_out)
