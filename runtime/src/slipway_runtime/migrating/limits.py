"""How long a migration may wait and run: short for a lock that everybody else queues behind, long for an index."""

import random
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from slipway_runtime.migrating.plan import CONCURRENTLY
from slipway_runtime.say import say

_COMMENTS = re.compile(r"\A(?:\s|--[^\n]*\n|/\*.*?\*/)+", re.DOTALL)
_CHANGES_NOTHING = re.compile(r"\A(?:SELECT|SET|SHOW|RESET|EXPLAIN)\b", re.IGNORECASE)
_INDEX = re.compile(
    r'\ACREATE\s+(?:UNIQUE\s+)?INDEX\s+CONCURRENTLY\s+(?:IF\s+NOT\s+EXISTS\s+)?("(?:[^"]|"")+"|\w+)\s+ON\b',
    re.IGNORECASE,
)
_BROKEN = """
SELECT c.oid::regclass::text FROM pg_class c JOIN pg_index i ON i.indexrelid = c.oid
WHERE c.relname = %s AND c.relkind = 'i' AND NOT i.indisvalid AND pg_table_is_visible(c.oid)
  AND NOT EXISTS (SELECT FROM pg_stat_progress_create_index p WHERE p.index_relid = c.oid)
"""
# lock_not_available, deadlock_detected: the statement did nothing, and would do it a moment later.
_TRY_AGAIN = {"55P03", "40P01"}


class Limits:
    """Sets the time limits of every connection that is opened, and other ones around a concurrent statement."""

    def __init__(self, connection: Any, lock: float, statement: float, index: float) -> None:
        self.lock, self.statement, self.index = lock, statement, index
        self.pid: int | None = None
        """The session that migrates, as PostgreSQL counts them; None while there is none."""
        self.changes = 0
        """Statements that changed something since `begin`: what a migration that is not atomic left behind."""
        self._connection = connection

    def begin(self) -> None:
        """A migration begins."""
        self.changes = 0

    @contextmanager
    def laid(self) -> Iterator[None]:
        """Hold them while the block runs."""
        from django.db.backends.signals import connection_created

        connection_created.connect(self._opened, dispatch_uid="slipway.limits")
        try:
            with self._connection.execute_wrapper(self._execute):
                yield
        finally:
            connection_created.disconnect(dispatch_uid="slipway.limits")

    def _opened(self, connection: Any, **_: Any) -> None:
        if connection.vendor != "postgresql":
            return
        with connection.cursor() as cursor:
            _set(cursor, lock_timeout=self.lock, statement_timeout=self.statement)
            if connection.pg_version >= 140000:
                # Else the statement of a killed migration runs on, and keeps its locks, until it comes to its end.
                _set(cursor, client_connection_check_interval=1.0)
            if connection is self._connection:
                cursor.execute("SELECT pg_backend_pid()")
                self.pid = int(cursor.fetchone()[0])

    def _execute(self, execute: Any, sql: Any, params: Any, many: bool, context: dict[str, Any]) -> Any:
        text = _COMMENTS.sub("", str(sql))
        if CONCURRENTLY.match(text) and not context["connection"].in_atomic_block:
            return self._concurrently(lambda: execute(sql, params, many, context), text, context)
        result = execute(sql, params, many, context)
        if not _CHANGES_NOTHING.match(text):
            self.changes += 1
        return result

    def _concurrently(self, run: Any, text: str, context: dict[str, Any]) -> Any:
        """Run it without a lock_timeout: it waits for every older transaction to end, and nobody waits for it.

        A time-out would only leave an invalid index behind.
        """
        with context["connection"].cursor() as cursor:
            _set(cursor, lock_timeout=0.0, statement_timeout=self.index)
            try:
                if name := _INDEX.match(text):
                    _drop_broken(cursor, name[1])
                result = run()
            finally:
                if not context["connection"].connection.closed:
                    _set(cursor, lock_timeout=self.lock, statement_timeout=self.statement)
        self.changes += 1
        return result


def _set(cursor: Any, **seconds: float) -> None:
    for name, value in seconds.items():
        cursor.execute("SELECT set_config(%s, %s, false)", [name, f"{int(value * 1000)}ms"])


def _drop_broken(cursor: Any, name: str) -> None:
    """Drop an index of this name that an interrupted build left invalid: it costs writes and serves no query."""
    plain = name[1:-1].replace('""', '"') if name.startswith('"') else name.lower()
    cursor.execute(_BROKEN, [plain])
    for (found,) in cursor.fetchall():
        say(f"index {found} is invalid, left by a build that was interrupted: it is dropped and built anew")
        cursor.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {found}")  # regclass is quoted by PostgreSQL


def worth_another_try(error: BaseException) -> bool:
    """Tell whether a lock that was not to be had is why `error` was raised."""
    cause = error.__cause__ or error
    return (getattr(cause, "sqlstate", None) or getattr(cause, "pgcode", None)) in _TRY_AGAIN


def pauses(retries: int) -> Iterator[float]:
    """Yield the seconds before each retry: 1, 2, 4, up to 30, each up to half longer or shorter.

    Without the jitter a migration might meet the same cron job again and again.
    """
    for number in range(retries):
        yield min(30.0, 2.0**number) * random.uniform(0.5, 1.5)  # noqa: S311 - no secret
