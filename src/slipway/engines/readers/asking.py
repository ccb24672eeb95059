"""Starting a program that reads env files: no environment of ours, a private folder, a deadline, nothing in argv."""

import os
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from slipway.config.env_readers import Reading
from slipway.errors import Unreachable

SECONDS = 60.0


@contextmanager
def private_folder() -> Iterator[Path]:
    """Yield a folder that only this user can enter, and remove it with everything in it."""
    with tempfile.TemporaryDirectory(prefix="slipway-env-") as folder:
        yield Path(folder)


def write(file: Path, text: str) -> None:
    """Write a file that may hold secrets: 0600 from its first byte, line ends as they are."""
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
        stream.write(text.encode())


def ask(
    argv: Sequence[str], folder: Path, *, stdin: bytes = b"", environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[bytes]:
    """Run a program in `folder` with nothing but `environment` and wait. Raises `Unreachable`: no start, no end."""
    name = Path(argv[0]).name
    try:
        return subprocess.run(
            argv,
            cwd=folder,
            env=dict(environment or {}),
            input=stdin,
            capture_output=True,
            check=False,
            timeout=SECONDS,
        )
    except subprocess.TimeoutExpired:
        raise Unreachable(f"{name} did not end within {SECONDS:g} s", where=name) from None
    except OSError as error:
        raise Unreachable(f"{name} cannot be started: {error.strerror}", where=name) from None


def stamp(program: Path | None) -> str:
    """Return what changes when the program's file does, without starting it."""
    if program is None:
        return "none"
    try:
        seen = program.stat()
    except OSError:
        return "none"
    return f"{program} {seen.st_size} {seen.st_mtime_ns}"


def is_the_program(path: str | Path | None) -> Path | None:
    """Return `path` where it is a program that this user may start."""
    return Path(path) if path and os.access(path, os.X_OK) and Path(path).is_file() else None


def in_halves(indexes: Sequence[int], together: Callable[[Sequence[int]], list[Reading] | None]) -> list[Reading]:
    """Ask about all files at once; where the program refuses (None) without saying which, about halves."""
    found = together(indexes)
    if found is not None:
        return found
    if len(indexes) == 1:
        return [Reading(None, "cannot be parsed")]
    half = len(indexes) // 2
    return [*in_halves(indexes[:half], together), *in_halves(indexes[half:], together)]
