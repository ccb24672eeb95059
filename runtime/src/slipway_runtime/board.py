"""The board: a few keys in the broker's Redis on which workers and beat write that they live and what they did.

Whoever wants to know reads them in two round trips; nobody is asked. `celery inspect` broadcasts to every worker and
waits for the slowest, which a probe every few seconds must not do. Ages are read from the keys' remaining life, so the
clocks of two machines need not agree.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

ALIVE = {"worker": 20.0, "beat": 86_400.0}
"""Seconds that a sign stays: a worker that is gone is gone, of a beat that stands still we want to know since when."""

EVERY = 5.0
"""Seconds between two signs of the same process."""

_DEPTHS = ("", "\x06\x163", "\x06\x166", "\x06\x169")  # kombu keeps one list a priority step, 0 3 6 9


@dataclass(frozen=True, slots=True)
class Sign:
    """One process that lives, how many seconds ago it said so, and what else it said."""

    name: str
    age: float
    said: dict[str, Any] = field(default_factory=dict)


class Board:
    """The board of one broker. Every method may raise redis's errors; `patience` bounds each round trip in seconds."""

    def __init__(self, url: str, prefix: str = "", patience: float = 1.0) -> None:
        from redis import Redis
        from redis.backoff import NoBackoff
        from redis.retry import Retry

        # kombu takes ssl's names for the level of checking, redis its own.
        plain = re.sub(r"(ssl_cert_reqs=)CERT_(\w+)", lambda found: found[1] + found[2].lower(), url)
        self.redis: Any = Redis.from_url(
            plain, socket_timeout=patience, socket_connect_timeout=patience, retry=Retry(NoBackoff(), 0)
        )
        self.prefix = prefix

    def ping(self) -> None:
        """Raise if it does not answer."""
        self.redis.ping()

    def sign(self, kind: str, name: str, said: dict[str, Any]) -> None:
        """Write that this process lives."""
        index, now = self._index(kind), self.redis.time()[0]
        pipe = self.redis.pipeline(transaction=False)
        pipe.set(self._key(kind, name), json.dumps(said), px=int(ALIVE[kind] * 1000))
        pipe.zadd(index, {name: now})
        pipe.zremrangebyscore(index, 0, now - 2 * ALIVE[kind])
        pipe.expire(index, int(2 * ALIVE[kind]))
        pipe.execute()

    def leave(self, kind: str, name: str) -> None:
        """Take this process's sign away."""
        self.redis.pipeline(transaction=False).delete(self._key(kind, name)).zrem(self._index(kind), name).execute()

    def signs(self, kind: str) -> list[Sign]:
        """Return the signs that are there, the newest first."""
        names = [raw.decode(errors="replace") for raw in self.redis.zrevrange(self._index(kind), 0, 999)]
        pipe = self.redis.pipeline(transaction=False)
        for name in names:
            pipe.get(self._key(kind, name)).pttl(self._key(kind, name))
        answers = pipe.execute() if names else []
        found = []
        for name, said, left in zip(names, answers[::2], answers[1::2], strict=True):
            if said is not None and left > 0:
                found.append(Sign(name, max(0.0, ALIVE[kind] - left / 1000), _read(said)))
        return sorted(found, key=lambda sign: sign.age)

    def add(self, name: str, amounts: dict[str, float]) -> None:
        """Add to the fields of a hash that all processes share."""
        pipe = self.redis.pipeline(transaction=False)
        for one, amount in amounts.items():
            if isinstance(amount, int):
                pipe.hincrby(f"{self.prefix}slipway:{name}", one, amount)
            else:
                pipe.hincrbyfloat(f"{self.prefix}slipway:{name}", one, amount)
        pipe.execute()

    def sums(self, name: str) -> dict[str, float]:
        """Return the fields of such a hash."""
        raw = self.redis.hgetall(f"{self.prefix}slipway:{name}")
        return {key.decode(errors="replace"): float(value) for key, value in raw.items()}

    def lengths(self, queues: Iterable[str]) -> tuple[dict[str, int], int]:
        """Return how many messages wait in each queue, and how many workers hold unacknowledged."""
        names = list(queues)
        pipe = self.redis.pipeline(transaction=False)
        for name in names:
            for depth in _DEPTHS:
                pipe.llen(f"{self.prefix}{name}{depth}")
        pipe.hlen(f"{self.prefix}unacked")
        *waiting, held = pipe.execute()
        per = len(_DEPTHS)
        return {name: sum(waiting[at * per : (at + 1) * per]) for at, name in enumerate(names)}, int(held)

    def _key(self, kind: str, name: str) -> str:
        return f"{self.prefix}slipway:{kind}:{name}"

    def _index(self, kind: str) -> str:
        return f"{self.prefix}slipway:{kind}s"


def _read(raw: bytes) -> dict[str, Any]:
    try:
        said = json.loads(raw)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


@lru_cache(maxsize=4)
def _board(url: str, prefix: str) -> Board:
    return Board(url, prefix)


def of(app: Any) -> Board | None:
    """Return the board in a Celery app's broker, None where the broker is no single Redis."""
    url = app.conf.broker_write_url or app.conf.broker_url or ""
    first = (url[0] if isinstance(url, list | tuple) else str(url)).split(";")[0]
    if not first.startswith(("redis://", "rediss://")):
        return None
    return _board(first, str((app.conf.broker_transport_options or {}).get("global_keyprefix", "")))
