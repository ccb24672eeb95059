"""The stand-in's database: tables of rows behind one lock, kept in one JSON file."""

import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from . import naming

Row = dict[str, Any]

TABLES = ("projects", "environments", "applications", "envs", "deployments", "databases")


class StateUnreadable(Exception):
    """The state file exists but is not what a stand-in wrote."""


class Store:
    """Rows by uuid, in the order PostgreSQL's heap would give them back: an updated row moves to the end.

    Rows handed out are copies; changing one changes nothing. All writes happen in `transaction()`, which holds the lock
    and writes the file once at its end (also when the block fails: Coolify's endpoints do not roll back either).
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._lock = threading.RLock()
        self._depth = 0
        self._dirty = False
        self._tables: dict[str, dict[str, Row]] = {name: {} for name in TABLES}
        self._last_id: dict[str, int] = dict.fromkeys(TABLES, 0)
        self.instance: Row = {"is_api_enabled": True}
        if path is not None and path.exists():
            self._load(path)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Holds the lock; saves once when the outermost block ends."""
        with self._lock:
            self._depth += 1
            try:
                yield
            finally:
                self._depth -= 1
                if self._depth == 0 and self._dirty:
                    self._save()
                    self._dirty = False

    def insert(self, table: str, row: Row) -> Row:
        """Stores a new row and returns it with `id`, `uuid` (unless it brings one) and its times."""
        with self.transaction():
            self._last_id[table] += 1
            now = naming.timestamp()
            new = {"id": self._last_id[table], "uuid": naming.new_uuid(), **row, "created_at": now, "updated_at": now}
            self._tables[table][new["uuid"]] = new
            self._dirty = True
            return dict(new)

    def update(self, table: str, uuid: str, **fields: Any) -> Row:
        """Changes a row that exists and returns it."""
        with self.transaction():
            row = self._tables[table].pop(uuid)
            row.update(fields, updated_at=naming.timestamp())
            self._tables[table][uuid] = row
            self._dirty = True
            return dict(row)

    def delete(self, table: str, uuid: str) -> None:
        """Removes a row if it is there."""
        with self.transaction():
            self._dirty |= self._tables[table].pop(uuid, None) is not None

    def find(self, table: str, uuid: str) -> Row | None:
        """The row with this uuid."""
        with self._lock:
            row = self._tables[table].get(uuid)
            return None if row is None else dict(row)

    def where(self, table: str, **equals: Any) -> list[Row]:
        """Copies of the rows whose fields equal those given, in heap order."""
        with self._lock:
            return [
                dict(row)
                for row in self._tables[table].values()
                if all(row[name] == value for name, value in equals.items())
            ]

    def set_instance(self, **fields: Any) -> None:
        """Changes settings of the whole instance."""
        with self.transaction():
            self.instance.update(fields)
            self._dirty = True

    def _load(self, path: Path) -> None:
        try:
            saved = json.loads(path.read_text(encoding="utf-8"))
            self._tables = {name: {row["uuid"]: row for row in saved["tables"][name]} for name in TABLES}
            self._last_id = {name: int(saved["last_id"][name]) for name in TABLES}
            self.instance = dict(saved["instance"])
        except (ValueError, KeyError, TypeError) as error:
            raise StateUnreadable(f"{path} is no state of a stand-in: move it away to start empty") from error

    def _save(self) -> None:
        if self._path is None:
            return
        content = {
            "tables": {name: list(rows.values()) for name, rows in self._tables.items()},
            "last_id": self._last_id,
            "instance": self.instance,
        }
        self._path.parent.mkdir(parents=True, exist_ok=True)
        fresh = self._path.with_name(self._path.name + ".new")
        # Values of variables and passwords are in here.
        handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            json.dump(content, stream)
        fresh.replace(self._path)
