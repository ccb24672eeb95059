"""Records of builds in a folder of the checkout, one JSON file an image; they help a person and decide nothing."""

import contextlib
import os
import tempfile
from pathlib import Path

from slipway.release.built import BuildRecord


class RecordFolder:
    """The port `BuildRecords`. A record that is absent, damaged or not writable costs a sentence, never a build."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def last(self, image: str) -> BuildRecord | None:
        """Return the record of an image, None where there is none that can be read."""
        try:
            return BuildRecord.from_json((self._folder / f"{image}.json").read_text("utf-8"))
        except (OSError, ValueError):
            return None

    def keep(self, image: str, record: BuildRecord) -> None:
        """Replace the record, whole or not at all."""
        with contextlib.suppress(OSError):
            write_whole(self._folder / f"{image}.json", record.to_json())


def write_whole(path: Path, text: str) -> None:
    """Write a file that another run may write or read at the same time: it is there whole, or as it was."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, partial = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text + "\n")
        Path(partial).replace(path)
    except BaseException:
        Path(partial).unlink(missing_ok=True)
        raise
