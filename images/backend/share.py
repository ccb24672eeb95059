"""Shares the application out into parts, one layer each, so that a changed line makes one small layer anew.

    share.py APPLICATION PARTS STATIC_ROOT

`PARTS/static` gets the collected files, `PARTS/data` what is no Python, `PARTS/code-0` to `PARTS/code-7` the code. In
which of them a file ends follows from its first folder alone, so most releases change one or two. Everything keeps its
path, owner and times below its part.
"""

import os
import shutil
import sys
import zlib
from pathlib import Path

CODE_PARTS = 8


def main(application: Path, parts: Path, static_root: Path) -> None:
    """Move every file of `application` into its part; folders appear in every part that needs them."""
    for name in ("static", "data", *(f"code-{number}" for number in range(CODE_PARTS))):
        share(application, application, parts / name)
    for folder, _, names in os.walk(application):
        for name in names:
            file = Path(folder, name)
            relative = file.relative_to(application.parent)
            target = parts / part_of(file.relative_to(application), static_root) / relative
            make_folders(application.parent, relative.parent, parts / target.relative_to(parts).parts[0])
            shutil.move(file, target)
        # A folder that holds nothing (media) belongs to the data, with its owner.
        if not names and not any(Path(folder).iterdir()):
            make_folders(application.parent, Path(folder).relative_to(application.parent), parts / "data")
    for folder, _, _ in os.walk(parts, topdown=False):
        os.utime(folder, (0, 0))


def share(source: Path, folder: Path, part: Path) -> None:
    """Make `folder` in `part`, as it is in the application."""
    make_folders(source.parent, folder.relative_to(source.parent), part)


def part_of(path: Path, static_root: Path) -> str:
    """Return the part that a file belongs to; `path` and `static_root` are relative to the application."""
    if path.is_relative_to(static_root):
        return "static"
    if path.suffix not in {".py", ".pyc"}:
        return "data"
    top = path.parts[0] if len(path.parts) > 1 and path.parts[0] != "__pycache__" else ""
    return f"code-{zlib.crc32(top.encode()) % CODE_PARTS}"


def make_folders(root: Path, relative: Path, part: Path) -> None:
    """Make the folders of `relative` below `part` with the owner and mode that they have below `root`."""
    for folder in [*reversed(relative.parents), relative]:
        target = part / folder
        if not target.exists():
            status = (root / folder).stat()
            target.mkdir(parents=True)
            os.chown(target, status.st_uid, status.st_gid)
            target.chmod(status.st_mode & 0o7777)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]))
