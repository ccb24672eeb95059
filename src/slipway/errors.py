"""The tree of expected errors; each class owns its exit code.

    SlipwayError
    ├── Refused        1  the answer is no: a check found errors, a deploy failed and the old release still serves
    ├── UsageError     2  wrong use or configuration
    ├── Unreachable    3  the world did not answer, nothing was changed
    └── PersonNeeded   4  a person is needed, and the message says for what

An expected error is shown as one message on stderr without a traceback; anything else keeps its traceback, because it
is a defect.
"""


class SlipwayError(Exception):
    """An expected error: what happened, where, and the way out.

    `where` names a place a person can open (`env/production.env:12`, `service api`), `hint` says what to do next,
    `details` are further lines that help (a step's last log lines).
    """

    exit_code: int = 1

    def __init__(self, message: str, *, where: str = "", hint: str = "", details: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.where = where
        self.hint = hint
        self.details = details

    def __str__(self) -> str:
        lines = [f"{self.where}: {self.message}" if self.where else self.message]
        lines += [f"  | {line}" for line in self.details]
        if self.hint:
            lines.append(f"  -> {self.hint}")
        return "\n".join(lines)


class Refused(SlipwayError):
    """The answer is no; whatever served before still serves."""

    exit_code = 1


class UsageError(SlipwayError):
    """Wrong use or configuration; nothing was done."""

    exit_code = 2


class Unreachable(SlipwayError):
    """The world did not answer; nothing was changed."""

    exit_code = 3


class PersonNeeded(SlipwayError):
    """Slipway cannot know which way is right; the message says what a person has to decide or mend."""

    exit_code = 4
