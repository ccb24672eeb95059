"""What sealed secrets cost, and whether any task lets a canary secret out: the figures of layers and secrets.

    .venv/bin/python benchmarks/environment_layers.py [--source PATH] [--format json]

Whole processes, each side in turn, the median of several runs: `inv check.env` with a plain file of secrets, then with
the same one sealed. The canaries are typed into every task of `inv --list` by tests/tasks/test_canaries.py.
"""

import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from figures import ROOT, Figure, tell

RUNS = 7
COMMAND = "benchmarks/environment_layers.py"
_SECRETS = ("SECRET_KEY", "EMAIL_HOST_PASSWORD", "POSTGRES_PASSWORD", "REDIS_PASSWORD", "DEMO_USER_PASSWORD")


def figures(source: Path | None) -> list[Figure]:
    """Measure and return the figures; `source` is the monorepo whose workspace counts, None for example/."""
    with tempfile.TemporaryDirectory() as folder:
        plain, sealed = _sealing(Path(folder), source)
    typed, leaks = _canaries()
    most = 1.25
    return [
        Figure("check.env, plain secrets", plain, "s", command=COMMAND),
        Figure(
            "check.env, sealed secrets", sealed / plain, "x of plain", f"<= {most}", sealed / plain <= most, COMMAND
        ),
        Figure(f"secrets that came out of {typed} tasks", leaks, "", "0", leaks == 0, COMMAND),
    ]


def _sealing(folder: Path, source: Path | None) -> tuple[float, float]:
    """Return the seconds of `inv check.env` with a plain and with a sealed file, measured in turn."""
    plain, sealed = _checkout(folder / "plain"), _checkout(folder / "sealed")
    public = json.loads(_inv(sealed, "env.keygen", "--format", "json").stdout)["public"]
    _inv(sealed, "env.seal", "--env", "production", "--recipient", public)
    (sealed / "env" / "production.secrets.env").unlink()
    more = () if source is None else ("--source", str(source))
    check = ("check.env", "--env", "production", *more)
    runs = [(_seconds(plain, *check), _seconds(sealed, *check)) for _ in range(RUNS)]
    ours, theirs = zip(*runs, strict=True)
    return statistics.median(ours), statistics.median(theirs)


def _checkout(folder: Path) -> Path:
    """Return a copy of the project with production's secrets in a plain file."""
    folder.mkdir()
    for entry in ROOT.iterdir():
        if not entry.name.startswith(".") and entry.name not in {"env", "reports", "tasks"}:
            (folder / entry.name).symlink_to(entry)
    shutil.copytree(ROOT / "env", folder / "env", ignore=shutil.ignore_patterns("*secrets*", "recipients.txt"))
    shutil.copytree(ROOT / "tasks", folder / "tasks")  # its place says where the project is
    words = [f"{name}=t9-{name.lower()}-8Qw7Er6Ty5Ui4Op3As2Df1-Gh0Jk9Lz8Xc7Vb6\n" for name in _SECRETS]
    file = folder / "env" / "production.secrets.env"
    file.write_text("".join([*words, "SLIPWAY_COOLIFY_TOKEN=3|hT5-nB8_yLd1sKe6GfWq0cJm\n"]))
    file.chmod(0o600)
    return folder


def _seconds(folder: Path, *words: str) -> float:
    begin = time.monotonic()
    _inv(folder, *words)
    return time.monotonic() - begin


def _inv(folder: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "HOME": str(folder / "home")}
    argv = (sys.executable, "-m", "invoke", "--search-root", str(folder), *words)
    return subprocess.run(argv, cwd=folder, env=environment, capture_output=True, text=True, check=True)


def _canaries() -> tuple[int, int]:
    """Return how many tasks were typed among canaries, and how many let one out."""
    argv = (sys.executable, "-m", "pytest", "-q", "-k", "comes_out", "tests/tasks/test_canaries.py")
    said = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False).stdout
    counts = {word: int(number) for number, word in re.findall(r"(\d+) (passed|failed)", said)}
    if not counts:
        raise SystemExit(f"the canaries were not typed:\n{said}")
    return sum(counts.values()), counts.get("failed", 0)


def main() -> int:
    """Print the table, or one JSON document; 1 where a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--source", type=Path, help="a monorepo's checkout (default: example/)")
    parser.add_argument("--format", choices=("text", "json"), default="text")
    arguments = parser.parse_args()
    found = figures(arguments.source)
    return tell(found, arguments.format)


if __name__ == "__main__":
    sys.exit(main())
