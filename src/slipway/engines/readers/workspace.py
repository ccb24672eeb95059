"""The files of a walk that are env files or may tell who reads them."""

from pathlib import Path

from slipway.checks.readers.uses import is_env_file, may_tell
from slipway.sources.walk import LARGEST, Walk

_JAVASCRIPT = (".js", ".cjs", ".mjs", ".ts")
_WORDS = (b"dotenv", b"environ", b"decouple", b"envDir")


def gather(walked: Walk) -> tuple[dict[str, Path], dict[str, str]]:
    """Return the env files (path relative to the source -> file) and the texts of the sources that may tell of them.

    Of JavaScript only what configures Vite is looked into where no package.json names the package dotenv.
    """
    env_files: dict[str, Path] = {}
    sources: dict[str, str] = {}
    scripts: dict[str, Path] = {}
    for path in (file.path for file in walked.files):
        if is_env_file(path):
            env_files[path] = walked.root / path
        elif path.endswith(_JAVASCRIPT) and not path.rpartition("/")[2].startswith("vite.config"):
            scripts[path] = walked.root / path
        elif may_tell(path) and (text := _text(walked.root / path)) is not None:
            sources[path] = text
    if any('"dotenv"' in text for path, text in sources.items() if path.endswith("package.json")):
        sources |= {path: text for path, file in scripts.items() if (text := _text(file)) is not None}
    return env_files, sources


def _text(file: Path) -> str | None:
    """Return a source's text, None where it is none or says nothing of env files."""
    try:
        with file.open("rb") as stream:
            data = stream.read(LARGEST + 1)
    except OSError:
        return None
    if len(data) > LARGEST or (file.suffix in {".py", *_JAVASCRIPT} and not _speaks(data)):
        return None
    return data.decode("utf-8", "replace")


def _speaks(data: bytes) -> bool:
    return any(word in data for word in _WORDS)
