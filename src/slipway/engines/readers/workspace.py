"""The files of a workspace that are env files or may tell who reads them."""

import os
from collections.abc import Iterator
from pathlib import Path

from slipway.checks.readers.uses import is_env_file, may_tell

_SKIPPED = frozenset({"node_modules", "__pycache__", "dist", "build", "venv", "site-packages", "static_cdn", "media"})
"""Folders of what others made; those of tools begin with a dot."""
_JAVASCRIPT = (".js", ".cjs", ".mjs", ".ts")
_LARGEST = 1_000_000
_WORDS = (b"dotenv", b"environ", b"decouple", b"envDir")


def gather(source: Path) -> tuple[dict[str, Path], dict[str, str]]:
    """Return the env files (path relative to `source` -> file) and the texts of the sources that may tell of them.

    Of JavaScript only what configures Vite is looked into where no package.json names the package dotenv.
    """
    env_files: dict[str, Path] = {}
    sources: dict[str, str] = {}
    scripts: dict[str, Path] = {}
    for path in _walk(source):
        if is_env_file(path):
            env_files[path] = source / path
        elif path.endswith(_JAVASCRIPT) and not path.rpartition("/")[2].startswith("vite.config"):
            scripts[path] = source / path
        elif may_tell(path) and (text := _text(source / path)) is not None:
            sources[path] = text
    if any('"dotenv"' in text for path, text in sources.items() if path.endswith("package.json")):
        sources |= {path: text for path, file in scripts.items() if (text := _text(file)) is not None}
    return env_files, sources


def _walk(source: Path) -> Iterator[str]:
    for folder, folders, names in os.walk(source):
        folders[:] = sorted(name for name in folders if name not in _SKIPPED and not name.startswith("."))
        base = os.path.relpath(folder, source)
        for name in sorted(names):
            yield name if base == "." else f"{base}/{name}"


def _text(file: Path) -> str | None:
    """Return a source's text, None where it is none or says nothing of env files."""
    try:
        with file.open("rb") as stream:
            data = stream.read(_LARGEST + 1)
    except OSError:
        return None
    if len(data) > _LARGEST or (file.suffix in {".py", *_JAVASCRIPT} and not _speaks(data)):
        return None
    return data.decode("utf-8", "replace")


def _speaks(data: bytes) -> bool:
    return any(word in data for word in _WORDS)
