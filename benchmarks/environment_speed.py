"""How long `inv check.env` takes as a whole process, against `inv --list` of a project with one empty task.

    .venv/bin/python benchmarks/environment_speed.py [--source PATH] [--runs 15] [--format json]

Both run in turn, A B A B, after a run each that is not counted, as a person's second run finds the machine: compiled
files and `.slipway/*.kept` are there. The figure is the median of the pairs' ratios of processor time, which other
work on the machine changes little; elapsed time is told beside it. A run that reads workspace and schema anew, as after
a change to one of them, is told as well.
"""

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from figures import ROOT, Figure, tell

COMMAND = "benchmarks/environment_speed.py"
INV = ROOT / ".venv" / "bin" / "inv"
EMPTY = 'from invoke import task\n\n\n@task\ndef nothing(c):\n    """Do nothing."""\n'


def measured(argv: tuple[str, ...], folder: Path) -> tuple[float, float]:
    """Run a command and return its processor and elapsed seconds. Raises where it does not end with 0 or 1."""
    before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    # What this process was started with must not decide whether compiled files are written.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(argv, cwd=folder, env=environment, capture_output=True, check=False)
    elapsed, after = time.perf_counter() - begin, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode not in (0, 1) or b"Traceback" in done.stderr:
        raise RuntimeError(f"{' '.join(argv)} ended with {done.returncode}: {done.stderr.decode()[-500:]}")
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, elapsed


def figures(source: Path | None = None, runs: int = 15) -> list[Figure]:
    """Measure; with a source, the check reads that monorepo's workspace."""
    more = ("--source", str(source)) if source else ()
    check = (str(ROOT / "inv"), "check.env", "--env", "production", *more)
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "tasks.py").write_text(EMPTY)
        listing = (str(INV), "--list")
        pairs = _pairs(lambda: measured(check, ROOT), lambda: measured(listing, Path(folder)), runs)
        anew = [_anew(check) for _ in range(3)]
    processor = statistics.median(own[0] / other[0] for own, other in pairs)
    elapsed = statistics.median(own[1] / other[1] for own, other in pairs)
    own, other = (statistics.median(pair[side][0] for pair in pairs) for side in (0, 1))
    name = f"check.env against inv --list of an empty project ({own:.3f} s, {other:.3f} s)"
    return [
        Figure(name, processor, "x", "<= 2", processor <= 2, COMMAND),
        Figure("the same in elapsed time", elapsed, "x", None, None, COMMAND),
        Figure("check.env that reads workspace and schema anew", statistics.median(anew), "s", None, None, COMMAND),
    ]


def _pairs(
    own: Callable[[], tuple[float, float]], other: Callable[[], tuple[float, float]], runs: int
) -> list[tuple[tuple[float, float], tuple[float, float]]]:
    own(), other()
    return [(own(), other()) for _ in range(runs)]


def _anew(check: tuple[str, ...]) -> float:
    for file in (ROOT / ".slipway").glob("*.kept"):
        file.unlink()
    return measured(check, ROOT)[0]


def main() -> int:
    """Print the table, or one JSON document; 1 where the target is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--source", type=Path, help="a monorepo's checkout (default: example/)")
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--format", choices=("text", "json"), default="text")
    given = parser.parse_args()
    found = figures(given.source.resolve() if given.source else None, given.runs)
    return tell(found, given.format)


if __name__ == "__main__":
    sys.exit(main())
