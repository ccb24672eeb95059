"""What is about to be migrated, told before it is done."""

import re
from dataclasses import dataclass
from typing import Any

CONCURRENTLY = re.compile(
    r"(?:(?:CREATE|DROP)\s+(?:UNIQUE\s+)?INDEX|REINDEX\b[^;]*?|REFRESH\s+MATERIALIZED\s+VIEW|DETACH\s+PARTITION\s+\S+)"
    r"\s+CONCURRENTLY\b",
    re.IGNORECASE,
)
"""SQL that takes long and lets everybody read and write meanwhile."""


@dataclass(frozen=True, slots=True)
class Planned:
    """One migration that is pending.

    `atomic`: it is applied whole or not at all. `concurrent`: it builds or drops an index beside running writes.
    `reversible`: it can be taken back. `operations`: a sentence each, in order.
    """

    migration: str
    atomic: bool
    concurrent: bool
    reversible: bool
    operations: tuple[str, ...]


def planned(migrations: list[tuple[Any, bool]]) -> list[Planned]:
    """Return what Django's plan (migration, backwards) holds."""
    return [_planned(migration) for migration, _ in migrations]


def _planned(migration: Any) -> Planned:
    operations = list(migration.operations)
    return Planned(
        f"{migration.app_label}.{migration.name}",
        bool(migration.atomic),
        any(_is_concurrent(operation) for operation in operations),
        all(bool(operation.reversible) for operation in operations),
        tuple(str(operation.describe())[:200] for operation in operations),
    )


def _is_concurrent(operation: Any) -> bool:
    if type(operation).__name__ in {"AddIndexConcurrently", "RemoveIndexConcurrently"}:
        return True
    return CONCURRENTLY.search(str(getattr(operation, "sql", ""))) is not None
