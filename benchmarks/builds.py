"""How long `inv build.all` takes, cold and warm, and how big the images are.

    .venv/bin/python benchmarks/builds.py [--source PATH] [--cold] [--format json]

Every figure is the wall time of a whole process, `inv build.all --format json`. With `--cold` the engine's build cache
is emptied first, all of it, so the first figure includes every download; base images are made beforehand and stay.
"""

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import docker

ROOT = Path(__file__).resolve().parent.parent
INV = ("-m", "invoke", "--search-root", str(ROOT))


def timed(*words: str) -> tuple[float, dict[str, Any]]:
    """Run a task with JSON output; return wall seconds and its document."""
    begin = time.monotonic()
    ran = subprocess.run(
        (sys.executable, *INV, *words, "--format", "json"), stdout=subprocess.PIPE, text=True, check=True
    )
    return time.monotonic() - begin, json.loads(ran.stdout)


def figures(source: Path, *, cold: bool) -> list[dict[str, Any]]:
    """Measure and return the figures in the form of the JSON contract."""
    build = ("build.all", "--source", str(source))
    command = f"benchmarks/builds.py --source {source.name}{' --cold' if cold else ''}"
    found = []

    def add(name: str, value: float, unit: str, target: float | None = None) -> None:
        holds = None if target is None else value <= target
        figure = {"name": name, "value": round(value, 2), "unit": unit, "target": target, "holds": holds}
        found.append({**figure, "command": command})

    timed("build.bases")
    if cold:
        docker.from_env().api.prune_builds()
        add("cold build.all", timed(*build)[0], "s")
    warm, document = min((timed(*build) for _ in range(3)), key=lambda pair: pair[0])
    add("warm build.all (best of 3)", warm, "s")
    for name, image in document["images"].items():
        add(f"image {name}", image["bytes"] / 1e6, "MB")
    return found


def main() -> int:
    """Print the table, or one JSON document."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--source", type=Path, default=ROOT / "example")
    parser.add_argument("--cold", action="store_true", help="empty the engine's whole build cache first")
    parser.add_argument("--format", choices=("text", "json"), default="text")
    given = parser.parse_args()
    found = figures(given.source.resolve(), cold=given.cold)
    if given.format == "json":
        print(json.dumps({"figures": found}, indent=2))
    else:
        for figure in found:
            print(f"{figure['name']:<32}{figure['value']:>10} {figure['unit']}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
