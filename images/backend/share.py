"""Shares the application out into parts, one layer each, so that a changed line makes one small layer anew.

`PARTS/static` gets the collected files, `PARTS/data` what is no Python, `PARTS/code-0` to `PARTS/code-7` the code. In
which of them a file ends follows from its first folder alone, so most releases change one or two. Everything keeps its
path; everybody may read it, and its time follows from its content (`settle.py`).
"""

import os
import shutil
import zlib
from pathlib import Path

import settle

CODE_PARTS = 8


def main(application: Path, parts: Path, static_root: Path) -> None:
    """Copy every file of `application` into its part; folders appear in every part that needs them."""
    for name in ("static", "data", *(f"code-{number}" for number in range(CODE_PARTS))):
        make_folders(parts / name / application.name)
    for folder, folders, names in os.walk(application):
        files = [*names, *(name for name in folders if Path(folder, name).is_symlink())]
        for name in files:
            file = Path(folder, name)
            path = file.relative_to(application)
            copy(file, parts / part_of(path, static_root) / application.name / path)
        # A folder that holds nothing (media) belongs to the data.
        if not files and not folders:
            make_folders(parts / "data" / application.name / Path(folder).relative_to(application))
    for folder, _, _ in os.walk(parts, topdown=False):
        os.utime(folder, (0, 0))


def part_of(path: Path, static_root: Path) -> str:
    """Return the part that a file belongs to; `path` and `static_root` are relative to the application."""
    if path.is_relative_to(static_root):
        return "static"
    if path.suffix not in {".py", ".pyc"}:
        return "data"
    top = path.parts[0] if len(path.parts) > 1 and path.parts[0] != "__pycache__" else ""
    return f"code-{zlib.crc32(top.encode()) % CODE_PARTS}"


def copy(file: Path, target: Path) -> None:
    """Copy a file or a link; who may run it in the checkout may do so here."""
    make_folders(target.parent)
    shutil.copyfile(file, target, follow_symlinks=False)
    if file.is_symlink():
        os.utime(target, (0, 0), follow_symlinks=False)
        return
    target.chmod(0o755 if file.stat().st_mode & 0o111 else 0o644)
    moment = settle.of_content(target)
    os.utime(target, (moment, moment))


def make_folders(folder: Path) -> None:
    """Make a folder and those above it, whatever the umask."""
    if not folder.exists():
        make_folders(folder.parent)
        folder.mkdir()
        folder.chmod(0o755)
