"""Issue: one finding of a check, in the words of the JSON contract (design §4)."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How bad it is; only errors make a check say no."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True, slots=True)
class Issue:
    """One finding: stable `id`, what it is about (`subject`), `where` as file:line or service, and a way out."""

    id: str
    severity: Severity
    subject: str
    where: str
    message: str
    hint: str = ""

    def as_json(self) -> dict[str, str]:
        """Return the issue in the form of the JSON contract."""
        return {
            "id": self.id,
            "severity": str(self.severity),
            "subject": self.subject,
            "where": self.where,
            "message": self.message,
            "hint": self.hint,
        }


def is_ok(issues: Iterable[Issue], *, strict: bool = False) -> bool:
    """Whether no issue is an error; with `strict` a warning counts as one."""
    bad = {Severity.ERROR, Severity.WARNING} if strict else {Severity.ERROR}
    return all(issue.severity not in bad for issue in issues)


def report(issues: Iterable[Issue]) -> dict[str, object]:
    """Return the JSON document of a check: `{"ok": bool, "issues": [...]}`."""
    listed = list(issues)
    return {"ok": is_ok(listed), "issues": [issue.as_json() for issue in listed]}
