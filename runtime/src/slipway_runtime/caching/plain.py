"""Django's own Redis backend, degrading."""

from typing import Any

from django.core.cache.backends.redis import RedisCache as DjangoRedisCache

from slipway_runtime.caching.degrading import Degrading
from slipway_runtime.guard import address

_clients: dict[str, Any] = {}


class RedisCache(Degrading, DjangoRedisCache):  # type: ignore[misc]  # Django ships no types
    """One connection pool for each server in this process.

    Django keeps one in each instance and makes an instance a thread; under ASGI a request is a thread of its own, so
    each would connect anew.
    """

    @property
    def address(self) -> str:  # type: ignore[override]
        """Host and port, without a password."""
        return address(self._servers[0])

    @property
    def _cache(self) -> Any:
        known = repr((self._servers, sorted(self._options.items(), key=repr)))
        found = _clients.get(known)
        # setdefault: two threads may make one at the same time, and one of them is kept
        return found if found is not None else _clients.setdefault(known, self._class(self._servers, **self._options))

    def client_for_writing(self) -> Any:
        """Return redis-py's client."""
        return self._cache.get_client(None, write=True)
