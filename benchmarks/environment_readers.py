"""Env files against the programs that read them, and Coolify's encoder against Compose and bash, in one run.

    .venv/bin/python benchmarks/environment_readers.py [--lines 100000] [--values 10000] [--seed 1] [--format json]

Every program that is missing is fetched first (`inv check.readers --fetch` does the same): nothing is emulated. Vite
answers twice, as 5 and as 8. The seed makes a run repeatable.
"""

import argparse
import random
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from environment_readers_corpus import corpus_figures
from environment_readers_encoder import encoder_figures
from environment_readers_fuzz import fuzz_figures
from figures import ROOT, Figure, tell

sys.path.insert(0, str(ROOT / "src"))

from slipway.config.env_readers import Reader
from slipway.engines.readers.fetch import fetch
from slipway.engines.readers.machine import machine_readers, npm_folder
from slipway.engines.readers.node import NodeReader

if TYPE_CHECKING:
    from slipway.ports import EnvReader

COMMAND = "benchmarks/environment_readers.py"
_SCRIPT = ROOT / "src/slipway/rehearsal/standin/fetch-compose.sh"


def all_readers(tools: Path) -> "dict[str, EnvReader]":
    """Return every reader by name and version, fetched where it is missing."""
    for reader in (Reader.COMPOSE, Reader.DECOUPLE, Reader.NODE_DOTENV):
        fetch(reader, tools, _SCRIPT)
    readers: dict[str, EnvReader] = {}
    for reader in machine_readers(tools).values():
        if reader.reader is not Reader.VITE:
            readers[reader.program] = reader
    node = shutil.which("node")
    for major in (5, 8):
        folder = npm_folder(tools, f"vite@{major}")
        if not (folder / "node_modules" / "vite").is_dir():
            fetch(Reader.VITE, tools, _SCRIPT, f"vite@{major}")
        vite = NodeReader(Reader.VITE, Path(node) if node else None, folder / "node_modules" / "vite")
        readers[vite.program] = vite
    return readers


def figures(source: Path | None, lines: int = 100_000, values: int = 10_000, seed: int = 1) -> list[Figure]:  # noqa: ARG001
    """Return the figures; `source` does not matter to them."""
    readers = all_readers(ROOT / ".slipway" / "tools")
    found = [
        *corpus_figures(readers),
        *fuzz_figures(readers, lines, random.Random(seed)),  # noqa: S311 - repeatable on purpose
        *encoder_figures(readers, values, random.Random(seed)),  # noqa: S311 - repeatable on purpose
    ]
    return [Figure(one.name, one.value, one.unit, one.target, one.holds, COMMAND) for one in found]


def main() -> int:
    """Print the table, or one JSON document; 1 where a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--source", type=Path, help="accepted like everywhere, not needed")
    parser.add_argument("--lines", type=int, default=100_000)
    parser.add_argument("--values", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--format", choices=("text", "json"), default="text")
    given = parser.parse_args()
    found = figures(given.source, given.lines, given.values, given.seed)
    return tell(found, given.format)


if __name__ == "__main__":
    sys.exit(main())
