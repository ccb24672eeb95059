"""Who is in the way: while a statement waits for a lock, another connection asks PostgreSQL for whom."""

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

from slipway_runtime.say import say

_LITERAL = re.compile(r"'(?:[^']|'')*'|\b\d{5,}\b")
_ASK = """
SELECT b.pid, a.usename, a.application_name, host(a.client_addr), a.state,
       extract(epoch FROM clock_timestamp() - coalesce(a.xact_start, a.query_start)), a.query
FROM unnest(pg_blocking_pids(%s)) AS b(pid) LEFT JOIN pg_stat_activity a ON a.pid = b.pid
"""


@dataclass(frozen=True, slots=True)
class Blocker:
    """A session that holds what a migration waits for. `query` is its last one, without the values in it."""

    pid: int
    user: str
    application: str
    address: str
    state: str
    seconds: float
    query: str

    def __str__(self) -> str:
        if not self.pid:
            return "a prepared transaction (see pg_prepared_xacts)"
        who = ", ".join(word for word in (self.user, self.application, self.address) if word)
        return f"session {self.pid} ({who}), {self.state} for {self.seconds:.0f} s: {self.query}"


def masked(query: str) -> str:
    """Return a query on one line, up to 160 characters, without strings and long numbers, which may be personal."""
    return " ".join(_LITERAL.sub("?", query).split())[:160]


class Watch:
    """Asks every `pause` seconds, in a thread with a connection of its own, whom `pid()` waits for."""

    def __init__(self, connection: Any, pid: Callable[[], int | None], pause: float) -> None:
        self._connection = connection
        self._pid = pid
        self._pause = pause
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, name="slipway-watch", daemon=True)
        self.seen: list[Blocker] = []
        """Whoever was in the way at the last look at which somebody was."""

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(5)

    def _look(self) -> None:
        own, told = None, set()
        try:
            while not self._over.wait(self._pause):
                pid = self._pid()
                if pid is None:
                    continue
                try:
                    own = own or self._connection.copy()
                    found = self._blockers(own, pid)
                except Exception as error:  # noqa: BLE001 - it explains, and must not be the reason for a failure
                    say(f"nobody can tell who is in the way: {type(error).__name__}")
                    return
                self.seen = found or self.seen
                for one in found:
                    if one.pid not in told:
                        told.add(one.pid)
                        say(f"waiting for {one}")
        finally:
            if own is not None:
                own.close()

    @staticmethod
    def _blockers(connection: Any, pid: int) -> list[Blocker]:
        with connection.cursor() as cursor:
            cursor.execute(_ASK, [pid])
            return [
                Blocker(
                    int(row[0]),
                    row[1] or "",
                    row[2] or "",
                    row[3] or "local",
                    row[4] or "unknown",
                    float(row[5] or 0),
                    masked(row[6] or ""),
                )
                for row in cursor.fetchall()
            ]
