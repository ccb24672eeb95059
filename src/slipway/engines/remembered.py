"""Remembered: what was found in a checkout's files, as JSON, for as long as none of them changes.

A memory that cannot be used or written costs time and nothing else.
"""

import json
import os
from collections.abc import Iterable
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

from slipway.sources.walk import File, Walk, walk

_SETTLED = 2_000_000_000
"""Nanoseconds: a file written this shortly before it was read may have changed within the same tick of its clock."""


class Remembered:
    """One file that remembers what was found in `files` of a walk by the code in the folders `code`."""

    def __init__(self, memory: Path, walked: Walk, files: Iterable[File], code: Iterable[Path], more: str = "") -> None:
        """Say what decides the answer: each file's path, size and time, what could not be seen, the code, `more`."""
        looked_at = list(files)
        self._memory = memory
        self._newest = max((file.modified for file in looked_at), default=0)
        text = repr((str(walked.root), more, looked_at, walked.troubles, [walk(folder).files for folder in code]))
        self._key = sha256(text.encode("utf-8", "surrogateescape")).hexdigest()

    def load(self) -> Any:
        """Return what `save` was given for the same files and code, None where it was not."""
        try:
            if self._memory.stat().st_mtime_ns < self._newest + _SETTLED:
                return None
            data = json.loads(self._memory.read_bytes())
            return data["found"] if data["key"] == self._key else None
        except (OSError, ValueError, KeyError, TypeError, IndexError, RecursionError):
            return None

    def save(self, found: object) -> None:
        """Remember plain JSON values."""
        beside = self._memory.with_name(f"{self._memory.name}.{os.getpid()}")
        with suppress(OSError, ValueError):
            self._memory.parent.mkdir(parents=True, exist_ok=True)
            # Defaults in somebody's code may be secrets, so nobody else reads what is kept of them.
            descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
                json.dump({"key": self._key, "found": found}, stream, separators=(",", ":"))
            beside.replace(self._memory)
