"""The request limit: so many per minute and user, counted in windows that start with the first request."""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

WINDOW = 60.0


@dataclass(frozen=True)
class Budget:
    """What is left after one request; `wait` seconds are 0 unless the request is refused."""

    limit: int
    remaining: int
    wait: int
    resets_at: int

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers Laravel's limiter puts onto every response, and two more onto a refusal."""
        found = {"X-RateLimit-Limit": str(self.limit), "X-RateLimit-Remaining": str(self.remaining)}
        if self.wait:
            found |= {"Retry-After": str(self.wait), "X-RateLimit-Reset": str(self.resets_at)}
        return found


class RateLimit:
    """Counts requests by key."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._windows: dict[str, tuple[float, int]] = {}

    def spend(self, key: str, limit: int) -> Budget:
        """Counts one request and says what is left; the one over the limit has `wait` > 0."""
        with self._lock:
            now = self._clock()
            started, used = self._windows.get(key, (now, 0))
            if now - started >= WINDOW:
                started, used = now, 0
            if used >= limit:
                wait = max(1, round(started + WINDOW - now))
                return Budget(limit, 0, wait, round(started + WINDOW))
            self._windows = {name: kept for name, kept in self._windows.items() if now - kept[0] < WINDOW}
            self._windows[key] = (started, used + 1)
            return Budget(limit, limit - used - 1, 0, round(started + WINDOW))
