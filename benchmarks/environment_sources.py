"""What `inv check.env` finds in a monorepo's sources, as whole processes: known finds, false alarms, time.

    .venv/bin/python benchmarks/environment_sources.py --source PATH [--format json]

The known finds are those of the unchanged ZamIO monorepo; each counts only with its file and line, and where the line
of the file really has what is told.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from figures import ROOT, Figure, tell

COMMAND = "benchmarks/environment_sources.py"


@dataclass(frozen=True)
class Known:
    """A mistake that is in the monorepo: the rule that must tell it, where, and what stands in that line."""

    rule: str
    file: str
    line: str


FIVE = (
    Known("sources.unread", r"(\.env\.example|compose.*\.yml)", r"CELERY_BROKER_URL"),
    Known("sources.conn-max-age", r"settings\.py", r"CONN_MAX_AGE"),
    Known("sources.vite-run", r"compose.*\.yml", r"VITE_API_URL"),
    Known("sources.arg-default", r"Dockerfile", r"ARG VITE_API_URL="),
    Known("sources.vite-address", r"\.env\.example", r"VITE_API_URL="),
)
FURTHER = (
    Known("sources.client-version", r"Dockerfile", r"postgresql-client"),
    Known("sources.hard-coded", r"settings\.py", r"DEBUG ="),
    Known("sources.secret-url", r"compose.*\.yml", r"DATABASE_URL"),
    Known("sources.one-redis", r"settings\.py", r"LOCATION|CACHES|REDIS"),
    Known("sources.secret-fallback", r"settings\.py", r"SECRET_KEY"),
    Known("sources.published-port", r"compose.*\.yml", r"8000"),
    Known("sources.process-env", r"\.ts", r"process\.env"),
)


def checked(*options: str) -> tuple[list[dict[str, str]], float]:
    """Return the issues of one whole `inv check.env`, and how many seconds it took."""
    began = time.perf_counter()
    command = (str(ROOT / "inv"), "check.env", "--format", "json", *options)
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - began
    document: dict[str, Any] = json.loads(done.stdout)
    return document["issues"], seconds


def is_told(known: Known, issues: list[dict[str, str]]) -> bool:
    """Whether an issue of the rule has a place, and what is meant stands there."""
    for issue in issues:
        place = re.fullmatch(r"(.+):(\d+)", issue["where"])
        if issue["id"] != known.rule or place is None or not re.search(known.file + "[^/]*$", place[1]):
            continue
        lines = (ROOT / place[1]).read_text(encoding="utf-8", errors="replace").splitlines()
        if re.search(known.line, lines[int(place[2]) - 1]):
            return True
    return False


def alarms() -> int:
    """Return how many errors and warnings the rules over sources raise on the example, over all environments."""
    found = [issue for env in ("local", "rehearsal", "staging", "production") for issue in checked("--env", env)[0]]
    return sum(issue["id"].startswith("sources.") and issue["severity"] != "info" for issue in found)


def read_anew(source: Path, settings: str) -> float:
    """Return the seconds that reading a checkout takes with nothing remembered, in a process of its own."""
    script = (
        "import sys, time; from pathlib import Path; from slipway.engines.source_reader import read_sources\n"
        "from slipway.sources.walk import walk\n"
        "began = time.perf_counter(); read_sources(walk(Path(sys.argv[1])), Path(sys.argv[2]), sys.argv[3])\n"
        "print(time.perf_counter() - began)"
    )
    with tempfile.TemporaryDirectory() as folder:
        command = (sys.executable, "-c", script, str(source), f"{folder}/sources.json", settings)
        return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def figures(source: Path | None) -> list[Figure]:
    """Measure; what needs the monorepo is left out without one."""
    raised = alarms()
    found = [Figure("alarms of the rules over sources on example/", raised, "", "0", raised == 0, COMMAND)]
    anew = min(read_anew(ROOT / "example", "zamio_backend/core/settings.py") for _ in range(3))
    found.append(Figure("example/ read anew", anew, "s", None, None, COMMAND))
    if source is None:
        return found
    options = ("--env", "production", "--source", str(source))
    issues, _ = checked(*options)
    for name, known in (("the five known finds", FIVE), ("further known finds", FURTHER)):
        told = sum(is_told(one, issues) for one in known)
        found.append(
            Figure(
                f"{name} reported with file:line",
                told,
                "",
                f"{len(known)} of {len(known)}",
                told == len(known),
                COMMAND,
            )
        )
    anew = min(read_anew(source, "zamio_backend/core/settings.py") for _ in range(3))
    whole = min(checked(*options)[1] for _ in range(3))
    found.append(Figure("the monorepo read anew", anew, "s", None, None, COMMAND))
    found.append(Figure("inv check.env on the monorepo, unchanged since", whole, "s", None, None, COMMAND))
    return found


def main() -> int:
    """Print the table, or one JSON document; 1 where a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--source", type=Path, help="a checkout of the ZamIO monorepo")
    parser.add_argument("--format", choices=("text", "json"), default="text")
    arguments = parser.parse_args()
    found = figures(arguments.source)
    return tell(found, arguments.format)


if __name__ == "__main__":
    sys.exit(main())
