"""What the check of an environment's configuration finds, what it costs, and what the readers of an env file say to it.

    .venv/bin/python benchmarks/environment.py [--source PATH] [--only readers,sources,...] [--format json]

`readers` puts the corpus of tricky lines, 100 000 made-up ones and 10 000 nasty values through the real programs
(python-dotenv, django-environ, node, Vite, bash, Compose). `mistakes` applies the table of mistakes one by one to a
correct configuration. `sources` reads the monorepo at PATH. `schema` judges the schema of variables and reads 10 000
addresses beside the real readers, `layers` opens sealed secrets and types every task among canaries. `speed` compares
whole processes, run in turns.
"""

import argparse
import importlib
import sys
from pathlib import Path

from figures import ROOT, Figure, tell

PARTS = ("readers", "mistakes", "sources", "schema", "layers", "speed")


def measured(parts: list[str], source: Path | None) -> list[Figure]:
    """Measure the named parts, in order; each is a module `environment_<part>` with `figures(source)`."""
    return [figure for part in parts for figure in importlib.import_module(f"environment_{part}").figures(source)]


def main() -> int:
    """Print the table, or one JSON document; 1 where a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--source", type=Path, help="a checkout of the monorepo, for what needs one")
    parser.add_argument("--only", default=",".join(PARTS), help="which parts, with commas")
    parser.add_argument("--format", choices=("text", "json"), default="text")
    given = parser.parse_args()
    parts = given.only.split(",")
    if unknown := set(parts) - set(PARTS):
        parser.error(f"there is no {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    found = measured(parts, given.source and given.source.resolve())
    return tell(found, given.format)


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT / "src"))
    sys.exit(main())
