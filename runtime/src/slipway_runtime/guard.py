"""Guard: while something is away, nobody waits for it.

The first call that fails costs its timeout; from then on every call is answered at once with what it would have got
from something empty, until a thread that asks once a second hears an answer again. No request pays for the asking.
Guards of one server tell each other, so a request that asks it for a cached page and for a limit pays once.
"""

import logging
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlsplit

Value = TypeVar("Value")
log = logging.getLogger("slipway.guard")

EVERY = 1.0
"""Seconds between two attempts to reach what is away."""


@dataclass(frozen=True, slots=True)
class GuardState:
    """How a guard stands. `away_for` is in seconds, 0 when it answers; `degraded` counts calls answered without it."""

    name: str
    away_for: float
    degraded: int
    outages: int


class Guard:
    """Stands before one use of a server. `ping` raises while it is away; `failures` are the exceptions that mean so."""

    def __init__(
        self, name: str, ping: Callable[[], object], failures: tuple[type[Exception], ...], server: str = ""
    ) -> None:
        self.name = name
        self.server = server
        self._ping = ping
        self._failures = failures
        self._since: float | None = None
        self._degraded = self._outages = 0
        self._lock = threading.Lock()

    @property
    def away(self) -> bool:
        """Whether calls are answered without asking."""
        return self._since is not None

    def call(self, ask: Callable[[], Value], otherwise: Value) -> Value:
        """Return what `ask` returns, and `otherwise` when the server is away or goes away over this call."""
        if self._since is None:
            try:
                return ask()
            except self._failures as error:
                self.fell(error)
        self._degraded += 1
        return otherwise

    def state(self) -> GuardState:
        """Return how it stands now."""
        since = self._since
        away_for = 0.0 if since is None else time.monotonic() - since
        return GuardState(self.name, away_for, self._degraded, self._outages)

    def fell(self, error: Exception) -> None:
        """Note that it is away, tell the guards of the same server, and begin to look out."""
        with self._lock:
            if self._since is not None:
                return
            self._since = time.monotonic()
            self._outages += 1
        log.error("%s is away, going on without it: %s: %s", self.name, type(error).__name__, error)
        for other in list(_guards.values()):
            if self.server and other.server == self.server and not other.away:
                other.fell(error)
        threading.Thread(target=self._look_out, name=f"slipway-guard-{self.name}", daemon=True).start()

    def _look_out(self) -> None:
        while True:
            time.sleep(EVERY)
            try:
                self._ping()
            except Exception as error:  # noqa: BLE001 - whatever it is, it is no answer
                log.debug("%s is still away: %s", self.name, error)
                continue
            away_for = self.state().away_for
            self._since = None
            log.warning("%s answers again after %.1f s", self.name, away_for)
            return

    def forked(self) -> None:
        """Begin anew in a child: no thread looks out there, and the lock may be held by one that is not there."""
        self._since = None
        self._lock = threading.Lock()


_guards: dict[str, Guard] = {}
_lock = threading.Lock()


def guard(name: str, ping: Callable[[], object], failures: tuple[type[Exception], ...], server: str = "") -> Guard:
    """Return this process's guard of that name, made at the first call; `server` is the `address` of what it asks."""
    with _lock:
        return _guards.setdefault(name, Guard(name, ping, failures, server))


def address(url: str) -> str:
    """Return host and port of a Redis URL, without user and password."""
    parts = urlsplit(url)
    try:
        port = parts.port or 6379
    except ValueError:
        port = 6379
    return f"{parts.hostname}:{port}" if parts.hostname else parts.path


def states() -> list[GuardState]:
    """Return how this process's guards stand, for health and metrics."""
    return [one.state() for _, one in sorted(_guards.items())]


def _in_child() -> None:
    global _lock  # noqa: PLW0603 - the one that was copied may be held for ever
    _lock = threading.Lock()
    for one in _guards.values():
        one.forked()


os.register_at_fork(after_in_child=_in_child)


def redis_failures() -> tuple[type[Exception], ...]:
    """Return redis-py's exceptions that mean "away"; one that means "wrong use" is not among them."""
    from redis import exceptions

    return (exceptions.ConnectionError, exceptions.TimeoutError, exceptions.ReadOnlyError, *_out_of_memory(exceptions))


def _out_of_memory(exceptions: Any) -> tuple[type[Exception], ...]:
    found = getattr(exceptions, "OutOfMemoryError", None)  # redis-py 5
    return (found,) if found else ()
