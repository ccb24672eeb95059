"""Which files git tracks, read from its index: a check asks this often and cannot wait for a program to start."""

from collections.abc import Iterable
from pathlib import Path


def tracked(root: Path, files: Iterable[str]) -> frozenset[str]:
    """Return those of `files` (relative to `root`) that git's index lists; none where `root` is no work tree.

    Index versions 2 and 3 hold each path whole, followed by a zero byte; version 4, which no git writes unasked,
    shortens paths, so nothing is found in it.
    """
    index = _index(root)
    return frozenset(file for file in files if _needle(file) in index)


def _needle(file: str) -> bytes:
    # A path follows two bytes of flags, whose lower twelve bits are its length (4095 for longer ones).
    path = file.encode()
    return bytes([min(len(path), 0xFFF) & 0xFF]) + path + b"\0"


def _index(root: Path) -> bytes:
    folder = root.absolute() / ".git"
    try:
        if folder.is_file():  # a work tree beside its repository
            folder = root.absolute() / folder.read_text().removeprefix("gitdir:").strip()
        return (folder / "index").read_bytes()
    except (OSError, UnicodeDecodeError):
        return b""
