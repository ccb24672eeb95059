"""What was found about readers, remembered until a file of the checkout or a program that answered changes."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import slipway.checks.readers
from slipway.checks.issue import Issue, Severity
from slipway.config.env_readers import Reader
from slipway.engines.remembered import Remembered
from slipway.sources.walk import Walk

_CODE = (Path(slipway.checks.readers.__file__).parent, Path(__file__).parent)


@dataclass(frozen=True, slots=True)
class Answer:
    """What was found, and what it hangs on beside the files: each program's stamp and the npm packages asked for."""

    issues: list[Issue]
    stamps: Mapping[Reader, str] = field(default_factory=dict)
    wanted: Mapping[str, str] = field(default_factory=dict)


Stamps = Callable[[Mapping[str, str], list[Reader]], Mapping[Reader, str]]
"""What returns the stamps of readers as they are now, given the npm packages asked for."""


def remembered(memory: Path, walked: Walk, stamps: Stamps, find: Callable[[], Answer]) -> list[Issue]:
    """Return what `find` found last time for the same files and programs, else what it finds now.

    A memory that cannot be read or written is as good as none. Where a program was not asked nothing is remembered.
    """
    kept = Remembered(memory, walked, walked.files, _CODE)
    known = _answer(kept.load())
    if known is not None and stamps(known.wanted, list(known.stamps)) == known.stamps:
        return known.issues
    found = find()
    if all(issue.id != "readers.not-asked" for issue in found.issues):
        kept.save(asdict(found))
    return found.issues


def _answer(data: Any) -> Answer | None:
    try:
        issues = [replace(Issue(**entry), severity=Severity(entry["severity"])) for entry in data["issues"]]
        return Answer(issues, {Reader(one): text for one, text in data["stamps"].items()}, dict(data["wanted"]))
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
