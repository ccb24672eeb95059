"""Makes the application out of its source: static files collected, modules compiled, everything shared out into parts.

    application.py SOURCE PARTS MEMO

Asks the environment for STATIC_ROOT and WRITABLE, folders relative to the source. SOURCE is written to, and thrown away
by whoever builds; MEMO is a folder that outlives builds and may be emptied at any time. One process does it all: a
container's start costs a third of a second, and most builds change one line.
"""

import os
import sys
from pathlib import Path

import collected
import compiled
import share

APP = 10001
"""User and group of the running application, which owns the folders that it may write to."""


def main(source: Path, parts: Path, memo: Path, static_root: Path, writable: list[str]) -> None:
    """Fill `parts`. Ends with the exit code of `collectstatic` where that fails."""
    collected.collect(source, memo / "static")
    compiled.compile_all(source, memo / "modules", without=source / static_root)
    for name in writable:
        (source / name).mkdir(parents=True, exist_ok=True)
    share.main(source, parts, static_root)
    for name in writable:
        for part in parts.iterdir():
            give(part / source.name / name)


def give(folder: Path) -> None:
    """Let the application own a folder and all that is in it."""
    if folder.is_dir():
        for path in (folder, *folder.rglob("*")):
            os.chown(path, APP, APP, follow_symlinks=False)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]), Path(os.environ["STATIC_ROOT"]), os.environ["WRITABLE"].split())
