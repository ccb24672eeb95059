"""Reads what a walk found, and remembers what it said for as long as none of the sources changes."""

from pathlib import Path

from slipway.engines.remembered import Remembered
from slipway.sources import record
from slipway.sources import walk as walking
from slipway.sources.found import Found
from slipway.sources.walk import Walk


def read_sources(walked: Walk, memory: Path, settings: str = "") -> Found:
    """Return what the sources of a walk say; `settings` is the path of Django's among them.

    `memory` is the file that remembers it; one that cannot be used or written costs time and nothing else. Raises
    nothing: what cannot be read is among the troubles.
    """
    sources = (file for file in walked.files if file.is_source)
    kept = Remembered(memory, walked, sources, (Path(walking.__file__).parent,), settings)
    known = kept.load()
    if known is not None:
        try:
            return record.found(known)
        except (KeyError, TypeError, ValueError, IndexError):
            pass  # half a memory is none
    from slipway.sources.scan import scan

    found = scan(walked, settings)
    kept.save(record.plain(found))
    return found
