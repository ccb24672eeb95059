"""Collects the static files, or takes what was collected before where nothing that it follows from has changed.

`collectstatic` loads the whole project to copy files that hardly ever change. What it makes follows from the modules
that it opened, from every other file, from which files there are, from the packages and from the environment. The first
is watched while it runs, the rest is taken whole: a project may read whatever it likes. Who starts other programs or
connects to something is collected anew each time.
"""

import hashlib
import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import TypedDict

KEPT = 8
"""How many projects' collected files are remembered; a branch or a new package is another project here."""
_NO_INPUT = {"SECRET_KEY", "HOSTNAME"}
_WATCHED = Path(__file__).with_name("watched.py")


class Record(TypedDict):
    """What `watched.py` writes."""

    opened: list[str]
    beyond: list[str]


def collect(source: Path, memo: Path) -> None:
    """Run `collectstatic` in `source`, or do what it did. Ends with its exit code where it fails."""
    place = memo / digest_around(source)
    if is_known(source, place):
        shutil.copytree(place / "made", source, symlinks=True, dirs_exist_ok=True)
        os.utime(place)
        print("static files as they were collected before: nothing that they follow from has changed")
        return
    before = state(source)
    record = run(source)
    after = state(source)
    if before.keys() - after.keys():
        record["beyond"].append("os.remove")
    if record["beyond"]:
        print(f"collected anew at each build, as it cannot be followed: {', '.join(record['beyond'])}")
        return
    opened = [Path(name).resolve() for name in record["opened"] if name.endswith(".py")]
    modules = {path.relative_to(source.resolve()) for path in opened if path.is_relative_to(source.resolve())}
    made = [path for path, now in after.items() if before.get(path) != now]
    remember(source, place, made, {str(path): digest(source / path) for path in sorted(modules & before.keys())})


def is_known(source: Path, place: Path) -> bool:
    """Whether what lies in `place` was made from the modules that are there now."""
    file = place / "modules.json"
    modules: dict[str, str] = json.loads(file.read_text()) if file.exists() else {}
    return bool(modules) and all(digest(source / name) == known for name, known in modules.items())


def run(source: Path) -> Record:
    """Run `collectstatic`, whose output is this program's."""
    with tempfile.TemporaryDirectory() as folder:
        words = (sys.executable, _WATCHED, f"{folder}/record", "manage.py", "collectstatic", "--noinput")
        # The key signs nothing: it lives for this one command.
        environment = {**os.environ, "SECRET_KEY": secrets.token_hex(), "HOME": folder, "SLIPWAY_LOG_FORMAT": "text"}
        done = subprocess.run((*words, "--verbosity", "1"), cwd=source, env=environment, check=False)
        if done.returncode:
            sys.exit(done.returncode)
        record: Record = json.loads(Path(folder, "record").read_text())
    return record


def digest_around(source: Path) -> str:
    """Return a digest of all that the collected files may follow from, besides the content of modules."""
    whole = hashlib.sha256(sys.version.encode())
    for key in sorted(os.environ.keys() - _NO_INPUT):
        whole.update(f"{key}={os.environ[key]}\0".encode())
    for path in sorted(path.relative_to(source) for path in source.rglob("*")):
        is_module = path.suffix == ".py"
        whole.update(f"{path}\0{'' if is_module else digest(source / path)}\0".encode())
    for path in sorted(around()):
        whole.update(f"{path}\0{digest(path)}\0".encode())
    return whole.hexdigest()[:32]


def around() -> Iterable[Path]:
    """Yield the files that tell which packages there are, each with the digests of all its files."""
    yield Path("/var/lib/dpkg/status")
    yield from Path(__file__).parent.iterdir()
    for folder in sys.path:
        yield from Path(folder).glob("*.dist-info/RECORD")


def digest(path: Path) -> str:
    """Return a digest of a file's content or of where a link leads; "" for a folder and for what is not there."""
    if path.is_symlink():
        return f"-> {path.readlink()}"
    if not path.is_file():
        return ""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def state(source: Path) -> dict[Path, tuple[int, int, int]]:
    """Return what a write would change, for everything below `source`; of folders only that they are there."""
    found = {}
    for path in source.rglob("*"):
        status = path.lstat()
        is_folder = path.is_dir() and not path.is_symlink()
        found[path.relative_to(source)] = (
            (0, 0, 0) if is_folder else (status.st_ino, status.st_size, status.st_mtime_ns)
        )
    return found


def remember(source: Path, place: Path, made: Iterable[Path], modules: dict[str, str]) -> None:
    """Keep what was made and from which modules; the oldest of too many goes."""
    fresh = place.with_name(f"{place.name}.new")
    for folder in (fresh, place):
        shutil.rmtree(folder, ignore_errors=True)
    for path in sorted(made):
        target = fresh / "made" / path
        if (source / path).is_dir() and not (source / path).is_symlink():
            target.mkdir(parents=True, exist_ok=True)
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source / path, target, follow_symlinks=False)
    (fresh / "made").mkdir(parents=True, exist_ok=True)
    (fresh / "modules.json").write_text(json.dumps(modules))
    fresh.rename(place)
    by_age = sorted(place.parent.iterdir(), key=lambda path: path.stat().st_mtime)
    for old in by_age[:-KEPT]:
        shutil.rmtree(old)
