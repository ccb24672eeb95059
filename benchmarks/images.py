"""Slipway's images against the monorepo's own Dockerfiles: time, size and what a changed line costs, in one run.

    .venv/bin/python benchmarks/images.py --source PATH [--only cold,changes,sizes,push,checks] [--prune]

Both sides stand on the same base images and the same engine, and build the same copy of the monorepo. `cold` is only
measured with `--prune`, which empties the engine's whole build cache before each side, so that everything is downloaded
anew by both. The own side is one whole process, `inv build.all`; theirs are five builds at once, as compose does it.
"""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import images_figures
import images_own
import images_theirs
from figures import ROOT, Figure, tell

PARTS = ("cold", "changes", "sizes", "push", "checks")


def copied(source: Path, folder: Path) -> Path:
    """Return a clone of the monorepo that may be edited."""
    copy = folder / "monorepo"
    subprocess.run(("git", "clone", "--quiet", "--no-hardlinks", str(source), str(copy)), check=True)
    return copy


def measured(source: Path, parts: Sequence[str], *, prune: bool) -> list[Figure]:
    """Measure the named parts, in order."""
    with tempfile.TemporaryDirectory() as folder:
        copy = copied(source, Path(folder))
        own, theirs = images_own.Own(copy), images_theirs.Theirs(copy, Path(folder) / "dockerfiles")
        measures: dict[str, Callable[[], list[Figure]]] = {
            "cold": lambda: images_figures.cold(own, theirs, prune=prune),
            "changes": lambda: images_figures.changes(copy, own, theirs),
            "sizes": lambda: images_figures.sizes(own, theirs),
            "push": lambda: images_figures.pushed(copy, own),
            "checks": lambda: images_figures.checks(own),
        }
        theirs.prepare()
        try:
            # What is measured afterwards needs both sides built, so this part is always there.
            return [figure for part in dict.fromkeys(("cold", *parts)) for figure in measures[part]()]
        finally:
            theirs.remove()


def main() -> int:
    """Print the table, or one JSON document; 1 where a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--source", type=Path, required=True, help="a git checkout with the monorepo's own Dockerfiles")
    parser.add_argument("--only", default=",".join(PARTS), help="which parts, with commas")
    parser.add_argument("--prune", action="store_true", help="empty the engine's build cache, for the cold figure")
    parser.add_argument("--format", choices=("text", "json"), default="text")
    given = parser.parse_args()
    parts = given.only.split(",")
    if unknown := set(parts) - set(PARTS):
        parser.error(f"there is no {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    found = measured(given.source.resolve(), parts, prune=given.prune)
    return tell(found, given.format)


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT / "src"))
    sys.exit(main())
