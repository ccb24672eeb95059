"""django-redis's backend, degrading; what it has beyond Django's goes on working, `get_redis_connection` as well."""

from typing import Any

from django_redis.cache import RedisCache as DjangoRedisCache

from slipway_runtime.caching.degrading import Degrading, degrades
from slipway_runtime.guard import address


class RedisCache(Degrading, DjangoRedisCache):  # type: ignore[misc]  # it ships no types
    """Its locks and its sets, hashes and sorted sets raise as ever: nobody may take a made-up one for a real one."""

    @property
    def address(self) -> str:  # type: ignore[override]
        """Host and port, without a password."""
        server = self._server if isinstance(self._server, str) else self._server[0]
        return address(server.split(",")[0])

    def client_for_writing(self) -> Any:
        """Return redis-py's client."""
        return self.client.get_client(write=True)

    delete_pattern = degrades("delete_pattern", lambda: 0)
    keys = degrades("keys", list)
    ttl = degrades("ttl", lambda: 0)
    pttl = degrades("pttl", lambda: 0)
    persist = degrades("persist", lambda: False)
    expire = degrades("expire", lambda: False)
