"""Fault: something wrong in a file a person wrote, with its place and the way out; collected, never one at a time."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from slipway.errors import UsageError


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong: stable `id`, `where` as file:line. `message` never holds a value that could be a secret.

    `fatal` is False where the file can still be read as meant.
    """

    id: str
    where: str
    message: str
    hint: str = ""
    fatal: bool = True

    def __str__(self) -> str:
        return f"{self.where}: {self.message}" + (f" -> {self.hint}" if self.hint else "")


def refuse(faults: Sequence[Fault], what: str) -> None:
    """Raise one `UsageError` that lists every fatal fault; `what` names the thing read. Nothing fatal: return."""
    fatal = [fault for fault in faults if fault.fatal]
    if len(fatal) == 1:
        (only,) = fatal
        raise UsageError(only.message, where=only.where, hint=only.hint)
    if fatal:
        raise UsageError(f"{what} has {len(fatal)} problems", details=tuple(str(fault) for fault in fatal))


def shown(file: Path, root: Path | None = None) -> str:
    """Return `file` as a person writes it: relative to `root` (or the current folder) when it lies inside."""
    base = (root or Path.cwd()).absolute()
    full = file.absolute()
    return str(full.relative_to(base)) if full.is_relative_to(base) else str(full)
