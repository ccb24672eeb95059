"""A figure of a benchmark, and how a benchmark tells what it found: a table, or the JSON document of the contract."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Figure:
    """One measured number with what it should be; `holds` None where there is no target."""

    name: str
    value: float
    unit: str
    target: str | None = None
    holds: bool | None = None
    command: str = "benchmarks/runtime.py"

    def row(self) -> dict[str, Any]:
        """Return it in the form of the JSON contract."""
        return {**vars(self), "value": round(self.value, 3)}


def tell(found: Sequence[Figure], form: str) -> int:
    """Print the figures as `text` or `json`; return the exit code: 1 where a target is missed."""
    if form == "json":
        print(json.dumps({"figures": [figure.row() for figure in found]}, indent=2))
    else:
        widest = max((len(one.name) for one in found), default=0)
        for one in found:
            holds = {None: "", True: "holds", False: "MISSED"}[one.holds]
            print(f"{one.name:<{widest}}  {one.value:>10.2f} {one.unit:<13} {one.target or '':<9} {holds}".rstrip())
    return 1 if any(one.holds is False for one in found) else 0
