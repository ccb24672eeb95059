"""Cache: Redis under a prefix of its own, and a Redis that is away costs a miss instead of an answer."""

from typing import Any

from slipway_runtime.conf.env import Env

_OURS = {
    "django.core.cache.backends.redis.RedisCache": "slipway_runtime.caching.plain.RedisCache",
    "django_redis.cache.RedisCache": "slipway_runtime.caching.with_django_redis.RedisCache",
}
_LOCAL = "django.core.cache.backends.locmem.LocMemCache"


def overlay(settings: dict[str, Any], env: Env) -> dict[str, Any]:
    """Return CACHES on backends that degrade, with timeouts and a prefix. Needs the subject `redis` before it."""
    redis = settings.get("SLIPWAY", {}).get("redis", {"url": "", "namespace": "slipway", "timeout": 0.5})
    caches = dict(settings.get("CACHES") or {"default": {"BACKEND": _LOCAL}})
    if redis["url"] and caches.get("default", {}).get("BACKEND") == _LOCAL:
        # A cache in one process's memory is stale in the next one, and there are several.
        kept = {key: value for key, value in caches["default"].items() if key in ("TIMEOUT", "KEY_PREFIX", "VERSION")}
        plain = "django.core.cache.backends.redis.RedisCache"
        caches["default"] = {**kept, "BACKEND": plain, "LOCATION": redis["url"]}
    if str(settings.get("SESSION_ENGINE", "")).endswith("backends.cache"):
        env.problem(
            "SESSION_ENGINE",
            "keeps sessions in the cache alone: everybody is logged out when Redis is away",
            "django.contrib.sessions.backends.cached_db reads from the cache and keeps in the database",
            fatal=False,
            code="120",
        )
    return {"CACHES": {alias: _degrading(cache, redis) for alias, cache in caches.items()}}


def _degrading(cache: dict[str, Any], redis: dict[str, Any]) -> dict[str, Any]:
    backend = cache.get("BACKEND", "")
    if backend not in _OURS:
        return cache
    names = ("socket_connect_timeout", "socket_timeout")
    upper = backend.startswith("django_redis")  # it writes its options in capitals
    limits = {name.upper() if upper else name: redis["timeout"] for name in names}
    own = cache.get("KEY_PREFIX")
    # No colon: django-redis takes a key apart at its first two.
    prefix = ".".join([redis["namespace"], "cache", *([own] if own else [])])
    return {
        **cache,
        "BACKEND": _OURS[backend],
        "KEY_PREFIX": prefix,
        "OPTIONS": {**limits, **(cache.get("OPTIONS") or {})},
    }
