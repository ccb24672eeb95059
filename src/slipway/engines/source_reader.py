"""Reads a tree's sources, and remembers what they said for as long as none of them changes."""

import json
import os
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from slipway.sources import record
from slipway.sources import walk as walking
from slipway.sources.found import Found
from slipway.sources.walk import Walk, walk

_SETTLED = 2_000_000_000
"""Nanoseconds: a file written this shortly before it was read may have changed within the same tick of its clock."""


def read_sources(root: Path, memory: Path, below: tuple[str, ...] = ("",), settings: str = "") -> Found:
    """Return what the sources in the folders `below` the root say; `settings` is the path of Django's among them.

    `memory` is the file that remembers it; one that cannot be used or written costs time and nothing else. Raises
    nothing: what cannot be read is among the troubles.
    """
    walked = walk(root, below)
    key = _key(walked, settings)
    known = _remembered(memory, key, max((file.modified for file in walked.files), default=0))
    if known is not None:
        return known
    from slipway.sources.scan import scan

    found = scan(walked, settings)
    _remember(memory, key, found)
    return found


def _key(walked: Walk, settings: str) -> str:
    """Return a digest of every file's path, size and time, what could not be seen, and the readers' own code."""
    readers = walk(Path(walking.__file__).parent)
    text = repr((str(walked.root), settings, walked.files, walked.troubles, readers.files))
    return sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def _remembered(memory: Path, key: str, newest: int) -> Found | None:
    try:
        if memory.stat().st_mtime_ns < newest + _SETTLED:
            return None
        data = json.loads(memory.read_bytes())
        return record.found(data["found"]) if data["key"] == key else None
    except (OSError, ValueError, KeyError, TypeError, IndexError, RecursionError):
        return None


def _remember(memory: Path, key: str, found: Found) -> None:
    beside = memory.with_name(f"{memory.name}.{os.getpid()}")
    with suppress(OSError, ValueError):
        memory.parent.mkdir(parents=True, exist_ok=True)
        # Defaults in somebody's code may be secrets, so nobody else reads what is kept of them.
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as stream:
            json.dump({"key": key, "found": record.plain(found)}, stream, separators=(",", ":"))
        beside.replace(memory)
