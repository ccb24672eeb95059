"""What was found about readers, remembered by a digest of everything it was found from; no value is kept."""

import contextlib
import hashlib
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slipway.checks.issue import Issue, Severity
from slipway.checks.readers import issues as rules
from slipway.config.env_readers import Reader, Use
from slipway.engines.readers.asking import stamp

if TYPE_CHECKING:
    from slipway.ports import EnvReader

_KEPT = 50


def remembered(
    file: Path,
    uses: list[Use],
    texts: Mapping[str, str],
    readers: Mapping[Reader, "EnvReader"],
    find: Callable[[], list[Issue]],
) -> list[Issue]:
    """Return what `find` found last time for the same texts, uses and programs, else what it finds now.

    A memory that cannot be read or written is as good as none. Where a program was not asked nothing is remembered.
    """
    key = _key(uses, texts, readers)
    known = _load(file)
    if key in known:
        return [replace(Issue(**entry), severity=Severity(entry["severity"])) for entry in known[key]]
    found = find()
    if all(issue.id != "readers.not-asked" for issue in found):
        kept = {**dict(list(known.items())[-_KEPT + 1 :]), key: [asdict(issue) for issue in found]}
        _save(file, kept)
    return found


def _key(uses: list[Use], texts: Mapping[str, str], readers: Mapping[Reader, "EnvReader"]) -> str:
    rooms = (Path(rules.__file__).parent, Path(__file__).parent)
    code = [stamp(source) for room in rooms for source in sorted(room.glob("*.py"))]
    stamps = {str(use.reader): readers[use.reader].stamp for use in uses if use.reader in readers}
    told = [[use.file, use.reader, use.evidence] for use in uses]
    return hashlib.sha256(json.dumps([code, stamps, told, dict(texts)], sort_keys=True).encode()).hexdigest()


def _load(file: Path) -> dict[str, list[dict[str, Any]]]:
    fields = set(Issue.__dataclass_fields__)
    try:
        found = json.loads(file.read_text("utf-8"))
        known = {str(key): list(entries) for key, entries in found.items()}
    except (OSError, ValueError, AttributeError, TypeError, RecursionError):
        return {}
    severities = set(Severity)
    return {
        key: entries
        for key, entries in known.items()
        if all(isinstance(e, dict) and set(e) == fields and e["severity"] in severities for e in entries)
    }


def _save(file: Path, known: Mapping[str, object]) -> None:
    with contextlib.suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        beside = file.with_name(f"{file.name}.{os.getpid()}")
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as stream:
            json.dump(known, stream)
        beside.replace(file)
