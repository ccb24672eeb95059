"""Where the state of circuit breakers is: in Redis for all processes, in memory as well for the time without it."""

import re
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pybreaker

from slipway_runtime.guard import guard, redis_failures

_KEPT = 7 * 86400  # seconds; a circuit nobody used for a week is forgotten
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_UNKNOWN: Any = object()

_pools: dict[str, Any] = {}


def _redis() -> tuple[Any, str] | None:
    """Return redis-py's client and the key prefix, None in a project without REDIS_URL or outside Django's settings."""
    from django.conf import settings

    known = (getattr(settings, "SLIPWAY", None) or {}).get("redis") if settings.configured else None
    if not known or not known["url"]:
        return None
    return _client(known["url"], known["timeout"]), f"{known['namespace']}.circuits"


def _client(url: str, limit: float) -> Any:
    """Return a client that gives up after `limit` seconds; one made without a pool would try ten times."""
    import redis

    if url not in _pools:
        limits = {"socket_timeout": limit, "socket_connect_timeout": limit}
        _pools[url] = redis.ConnectionPool.from_url(url, decode_responses=True, **limits)
    return redis.Redis(connection_pool=_pools[url])


def _ask(question: Callable[[Any, str], Any]) -> Any:
    """Return what Redis answers, `_UNKNOWN` while it is away, which costs one time-out and not one a call."""
    there = _redis()
    if there is None:
        return _UNKNOWN
    client, prefix = there
    where = client.connection_pool.connection_kwargs
    server = f"{where['host']}:{where['port']}" if "host" in where else str(where.get("path", ""))
    return guard("circuits", client.ping, redis_failures(), server).call(lambda: question(client, prefix), _UNKNOWN)


def names() -> set[str]:
    """Return the circuits that any process has used within a week."""
    found = _ask(lambda client, prefix: client.zrangebyscore(f"{prefix}:names", time.time() - _KEPT, "+inf"))
    return set() if found is _UNKNOWN else {name for name in found if _NAME.fullmatch(name)}


class Storage(pybreaker.CircuitBreakerStorage):
    """One circuit's state: what Redis says, else what this process saw. Every write goes to both."""

    def __init__(self, circuit: str) -> None:
        """Remember the name, which is 1 to 64 of A-Z a-z 0-9 _ . -. Raises ValueError for another one."""
        if not _NAME.fullmatch(circuit):
            raise ValueError(f"a circuit's name is 1 to 64 of A-Z a-z 0-9 _ . -, not {circuit!r}")
        super().__init__("slipway")
        self.circuit = circuit
        self._memory: dict[str, str] = {}
        self._trial_until = 0.0
        self._lock = threading.Lock()

    @property
    def shared(self) -> bool:
        """Whether the other processes know."""
        return _ask(lambda client, prefix: client.exists(f"{prefix}:{self.circuit}")) is not _UNKNOWN

    def _read(self, field: str) -> str | None:
        answer: Any = _ask(lambda client, prefix: client.hget(f"{prefix}:{self.circuit}", field))
        return self._memory.get(field) if answer is _UNKNOWN else answer

    def _write(self, field: str, value: str) -> None:
        with self._lock:
            self._memory[field] = value
        self._tell(lambda pipe, key: pipe.hset(key, field, value))

    def _count(self, field: str) -> None:
        with self._lock:
            self._memory[field] = str(int(self._memory.get(field, "0")) + 1)
        self._tell(lambda pipe, key: pipe.hincrby(key, field, 1))

    def _tell(self, change: Callable[[Any, str], Any]) -> None:
        def tell(client: Any, prefix: str) -> None:
            key = f"{prefix}:{self.circuit}"
            with client.pipeline() as pipe:
                change(pipe, key)
                pipe.expire(key, _KEPT)
                pipe.zadd(f"{prefix}:names", {self.circuit: time.time()})
                pipe.execute()

        _ask(tell)

    def begin_trial(self, seconds: float) -> bool:
        """Return whether this call may try; until `end_trial`, `seconds` at most, no other one may."""

        def claim(client: Any, prefix: str) -> bool:
            return bool(client.set(f"{prefix}:{self.circuit}:trial", "1", nx=True, px=int(seconds * 1000)))

        claimed: Any = _ask(claim)
        with self._lock:
            if claimed is _UNKNOWN:
                claimed = time.monotonic() >= self._trial_until
            if claimed:
                self._trial_until = time.monotonic() + seconds
        return bool(claimed)

    def end_trial(self) -> None:
        """Let the next call try, if the circuit is not closed by then."""
        with self._lock:
            self._trial_until = 0.0
        _ask(lambda client, prefix: client.delete(f"{prefix}:{self.circuit}:trial"))

    @property
    def state(self) -> str:
        """closed, open or half-open."""
        found = self._read("state")
        known = (pybreaker.STATE_CLOSED, pybreaker.STATE_OPEN, pybreaker.STATE_HALF_OPEN)
        return found if found in known else pybreaker.STATE_CLOSED

    @state.setter
    def state(self, state: str) -> None:
        self._write("state", state)

    def increment_counter(self) -> None:
        """Count a failure."""
        self._count("failures")

    def reset_counter(self) -> None:
        """Forget the failures; says nothing where there are none, which is after nearly every call."""
        if self.counter:
            self._write("failures", "0")

    def increment_success_counter(self) -> None:
        """Count a success of a trial."""
        self._count("successes")

    def reset_success_counter(self) -> None:
        """Forget the successes."""
        self._write("successes", "0")

    @property
    def counter(self) -> int:
        """Failures in a row."""
        return _number(self._read("failures"))

    @property
    def success_counter(self) -> int:
        """Successful trials."""
        return _number(self._read("successes"))

    @property
    def opened_at(self) -> datetime | None:
        """When it opened last."""
        seconds = _seconds(self._read("opened_at"))
        return datetime.fromtimestamp(seconds, UTC) if seconds else None

    @opened_at.setter
    def opened_at(self, at: datetime) -> None:
        self._write("opened_at", str(at.timestamp()))


def _number(text: str | None) -> int:
    return int(_seconds(text))


def _seconds(text: str | None) -> float:
    try:
        return min(max(float(text or 0), 0.0), 2.0**40)
    except ValueError:  # somebody else wrote into these keys
        return 0.0
