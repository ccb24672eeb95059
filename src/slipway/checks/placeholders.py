"""The rule over values that somebody meant to replace."""

import re
from collections.abc import Iterator

from slipway.checks.facts import Facts, Seen, issue
from slipway.checks.issue import Issue
from slipway.config.references import REFERENCE

# What stands after "your" in a placeholder, so that a name such as Your Music is none: written, and as one says it.
_SPOKEN = "own|secret|key|api|domain|host|user|name|password|token|e?mail|company|project|site"
_WRITTEN = (
    rf"{_SPOKEN}|passwd|smtp|server|database|db|bucket|account|access|client|dsn|url|address|org|organi[sz]ation|id|value"
    "|region|django|redis|postgres|aws|sentry"
)
_PLACEHOLDER = re.compile(
    rf"""
    (?<!ex)(?<!inter)change[-_ ]?(me|this)(?!dia|nt|tal)     # exchange-media.com is a name
    | replace[-_ ]?(with|me|this) | (?<![a-z])fill[-_ ]?in(?![a-z])
    | (?<![a-z0-9])your(
        [-_]({_WRITTEN})
        | [ ]({_SPOKEN})
        | [-_]([a-z0-9]{{1,20}}[-_]){{1,2}}(secret|key|token|password|here|domain)
        | (domain|secret|password|api[-_]?key|key|token|company)
        | [-_]here
      )(?![a-z])
    | (?<![a-z0-9])(?-i:YOUR_[A-Z])
    | (?<![a-z0-9])(?-i:TO[D]O)(?![a-z0-9.]) | ^\s*todo\s*$ | ^\s*(todo:|(?-i:todo)\s)  # todo.app is a name
    | <[a-z _-]+>
    | x{{6,}} | (?<![a-z0-9])x{{4,}}(?![a-z0-9])
    | placeholder | insecure | \bexample\.(com|org|net)\b | \bfoobar\b
    """,
    re.IGNORECASE | re.VERBOSE,
)


def placeholder(facts: Facts) -> Iterator[Issue]:
    """`env.placeholder`: a value that somebody meant to replace, told where it is written and not where it is used."""
    for seen in facts.seen if facts.is_public else ():
        if not seen.setting.variable.constraints.choices and _PLACEHOLDER.search(_as_written(facts, seen)):
            yield issue(seen, "env.placeholder", "still holds a placeholder", "put the real value in")


def _as_written(facts: Facts, seen: Seen) -> str:
    """Return a setting's text without what it refers to, which has a line of its own."""
    text = seen.setting.text.reveal()
    for reader in (*seen.services, None, *facts.config.workspace.services) if seen.setting.parts else ():
        written = facts.config.written(seen.name, reader)
        if written is not None and written.where == seen.setting.where:
            text = written.text
            break
    return REFERENCE.sub(" ", text)
