"""The schema's part of benchmarks/environment.py: what a check of it finds and takes, and how addresses are read.

python benchmarks/environment_schema.py [--format json]
"""

import argparse
import random
import statistics
import sys
import time
from pathlib import Path
from urllib.parse import quote

import dj_database_url
from figures import Figure, tell
from redis.connection import parse_url

from slipway.config import patterns
from slipway.config.models.database import DatabaseConfig
from slipway.config.models.redis import RedisConfig
from slipway.config.schema_file import read_schema
from slipway.config.workspace_file import load_workspace
from slipway.config.written import written_files

ROOT = Path(__file__).resolve().parent.parent
COMMAND = "benchmarks/environment_schema.py"
ADDRESSES = 10_000


def figures(source: Path | None = None) -> list[Figure]:
    """Measure everything; the schema is held against the workspace file of `source` (default: example/)."""
    return [*_file(source or ROOT / "example"), _patterns(), *_addresses()]


def _file(source: Path) -> list[Figure]:
    own = source / "workspace.yaml"
    workspace = load_workspace(own if own.exists() else ROOT / "workspace.yaml", source)
    seconds, faults, schema = [], 0, None
    for _ in range(5):
        begin = time.perf_counter()
        schema, found = read_schema(ROOT / "env" / "schema.yaml", ROOT, workspace)
        seconds.append(time.perf_counter() - begin)
        faults = len(found)
    assert schema is not None
    text = (ROOT / "env" / "schema.yaml").read_text(encoding="utf-8")
    stale = [file for file in written_files(schema, text, ROOT, workspace) if file.is_stale]
    took = statistics.median(seconds) * 1000
    return [
        Figure("variables in the schema", len(schema.variables), "", ">= 183", len(schema.variables) >= 183, COMMAND),
        Figure("faults of the schema", faults, "", "0", not faults, COMMAND),
        Figure("reading and judging the schema, median of 5", took, "ms", "<= 50", took <= 50, COMMAND),
        Figure("generated files that are stale", len(stale), "", "0", not stale, COMMAND),
    ]


def _patterns() -> Figure:
    """Return the longest time of patterns made to hang, on the longest text that one is tried on."""
    longest = 0.0
    for pattern in (r"(a+)+b", r"(a|a)*b", r"(a|aa)+b", r"(.*a){20}b", r"((a{0,70}){0,70})b"):
        assert patterns.problem(pattern) is None
        begin = time.perf_counter()
        assert not patterns.matches(pattern, "a" * patterns.LONGEST_TEXT)
        longest = max(longest, time.perf_counter() - begin)
    return Figure("the slowest of five patterns made to hang", longest, "s", "<= 1", longest <= 1, COMMAND)


def _addresses() -> list[Figure]:
    """Return in how many percent-encoded addresses our parts differ from the real readers'."""
    pick = random.Random(5)  # noqa: S311 - the same addresses in every run

    def word() -> str:
        return "".join(chr(pick.choice((pick.randrange(33, 127), pick.randrange(0xA1, 0x2FF)))) for _ in range(12))

    wrong = {"dj-database-url": 0, "redis-py": 0}
    for _ in range(ADDRESSES):
        user, password, name, number = word(), word(), word(), pick.randrange(16)
        login = f"{quote(user, safe='')}:{quote(password, safe='')}@h{pick.randrange(99)}.example"
        theirs = dj_database_url.parse(f"postgresql://{login}:6432/{quote(name, safe='')}")
        ours = DatabaseConfig.from_url(f"postgresql://{login}:6432/{quote(name, safe='')}")
        secret = ours.password.reveal() if ours.password else ""
        wrong["dj-database-url"] += (ours.host, ours.port, ours.user, secret, ours.name) != (
            theirs["HOST"],
            theirs["PORT"],
            theirs["USER"],
            theirs["PASSWORD"],
            theirs["NAME"],
        )
        seen = parse_url(f"redis://{login}:7000/{number}")
        own = RedisConfig.from_url(f"redis://{login}:7000/{number}")
        secret = own.password.reveal() if own.password else ""
        wrong["redis-py"] += (own.host, own.port, own.user, secret, own.database) != (
            seen["host"],
            seen["port"],
            seen["username"],
            seen["password"],
            seen["db"],
        )
    return [
        Figure(f"of {ADDRESSES} addresses read otherwise than {reader} does", count, "", "0", not count, COMMAND)
        for reader, count in wrong.items()
    ]


def main() -> int:
    """Print the table, or one JSON document; 1 where a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--format", choices=["text", "json"], default="text")
    parser.add_argument("--source", type=Path, default=None, help="a monorepo's checkout (default: example/)")
    options = parser.parse_args()
    return tell(figures(options.source), options.format)


if __name__ == "__main__":
    sys.exit(main())
