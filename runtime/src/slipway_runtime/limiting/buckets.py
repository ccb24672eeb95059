"""Buckets in Redis: GCRA, one number a caller, one round trip a request.

A caller may use its whole limit at once and gets it back evenly over the period. A key holds the moment (microseconds
of the server's clock) at which the bucket would be full again and lives until then, so an idle caller costs nothing.
"""

import asyncio
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, NoReturn
from weakref import WeakKeyDictionary

from slipway_runtime.guard import Guard, address, guard, redis_failures

PERIOD = 60
"""Seconds over which a limit is counted."""

SCRIPT = """
local t = redis.call('TIME')
local now = t[1] * 1000000 + t[2]
local limit, period = tonumber(ARGV[1]), tonumber(ARGV[2]) * 1000000
local step = period / limit
-- The clamp is for a clock that was set back and for a limit that was made smaller.
local full = math.min(math.max(tonumber(redis.call('GET', KEYS[1]) or now), now), now + period)
local wait = full + step - now - period
if wait > 0.5 then
  return {0, 0, math.ceil(full - now), math.ceil(wait)}
end
full = full + step
redis.call('SET', KEYS[1], string.format('%.0f', full), 'PX', math.ceil((full - now) / 1000))
return {1, math.floor((period - (full - now)) / step + 0.0001), math.ceil(full - now), 0}
"""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a request may pass; `remaining` of `limit`, seconds until all of it is back and until one may pass."""

    passes: bool
    limit: int
    remaining: int
    reset: int
    retry: int


class Buckets:
    """The buckets of one Redis. While it is away everybody passes: `take` returns None."""

    def __init__(self, url: str, namespace: str, timeout: float) -> None:
        from redis import Redis
        from redis.backoff import NoBackoff
        from redis.retry import Retry

        self._url, self._prefix = url, f"{namespace}.limits."
        self._bounds: dict[str, Any] = {"socket_timeout": timeout, "socket_connect_timeout": timeout}
        self._redis: Any = Redis.from_url(url, retry=Retry(NoBackoff(), 0), **self._bounds)
        self._script = self._redis.register_script(SCRIPT)
        # A connection belongs to the event loop that made it.
        self._scripts: WeakKeyDictionary[asyncio.AbstractEventLoop, Any] = WeakKeyDictionary()
        self._failures = redis_failures()
        self.guard: Guard = guard("rate limit", self._redis.ping, self._failures, address(url))

    def take(self, caller: str, limit: int) -> Verdict | None:
        """Take one from the caller's bucket."""
        keys, arguments = self._words(caller, limit)
        found = self.guard.call(lambda: self._script(keys=keys, args=arguments), None)
        return _verdict(found, limit)

    async def take_async(self, caller: str, limit: int) -> Verdict | None:
        """Do the same on an event loop."""
        keys, arguments = self._words(caller, limit)
        if self.guard.away:
            return self.guard.call(_never, None)  # counts that nobody was asked
        try:
            return _verdict(await self._async()(keys=keys, args=arguments), limit)
        except self._failures as error:
            return self.guard.call(partial(_raise, error), None)

    async def close(self) -> None:
        """Close what this event loop opened."""
        script = self._scripts.pop(asyncio.get_running_loop(), None)
        if script is not None:
            await script.registered_client.aclose()

    def _words(self, caller: str, limit: int) -> tuple[list[str], list[int]]:
        return [self._prefix + caller], [limit, PERIOD]

    def _async(self) -> Callable[..., Any]:
        loop = asyncio.get_running_loop()
        script = self._scripts.get(loop)
        if script is None:
            from redis.asyncio import Redis
            from redis.asyncio.retry import Retry
            from redis.backoff import NoBackoff

            client: Any = Redis.from_url(self._url, retry=Retry(NoBackoff(), 0), **self._bounds)
            script = self._scripts[loop] = client.register_script(SCRIPT)
        return script  # type: ignore[no-any-return]


def _verdict(found: Any, limit: int) -> Verdict | None:
    if found is None:
        return None
    passes, remaining, reset, retry = found
    return Verdict(bool(passes), limit, remaining, math.ceil(reset / 1e6), math.ceil(retry / 1e6))


def _raise(error: Exception) -> NoReturn:
    raise error


def _never() -> None:
    raise AssertionError("asked although it is away")
