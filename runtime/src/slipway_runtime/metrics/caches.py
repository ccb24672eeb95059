"""Counts what Django's caches answer, by wrapping the methods of each backend class that settings name."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from slipway_runtime.metrics.meters import CACHE

_MISSED = object()
_MARK = "_slipway_counted"


def instrument() -> None:
    """Wrap every backend that CACHES names, once. A class is wrapped, so a project's own use of it counts as well."""
    from django.conf import settings
    from django.utils.module_loading import import_string

    for alias, one in settings.CACHES.items():
        backend = import_string(one["BACKEND"])
        if isinstance(backend, type):  # a function may make the cache as well
            wrap(backend, alias)


def wrap(backend: type[Any], alias: str) -> None:
    """Wrap the backend's methods. Caches of the same class share the alias of the first."""
    if _MARK in vars(backend):
        return
    setattr(backend, _MARK, True)
    backend.get = _counted_get(backend.get, alias)
    for name in ("set", "add", "delete", "touch"):
        setattr(backend, name, _counted(getattr(backend, name), alias, name))
    for name in ("get_many", "set_many", "delete_many", "incr"):
        # The base class makes these of the ones above, which count.
        if getattr(backend, name).__module__ != "django.core.cache.backends.base":
            setattr(backend, name, _counted(getattr(backend, name), alias, name))


def _counted_get(method: Callable[..., Any], alias: str) -> Callable[..., Any]:
    hit, miss, error = (CACHE.labels(alias, "get", result) for result in ("hit", "miss", "error"))

    @wraps(method)
    def get(self: Any, key: Any, default: Any = None, *args: Any, **options: Any) -> Any:
        try:
            found = method(self, key, _MISSED, *args, **options)
        except Exception:
            error.inc()
            raise
        if found is _MISSED or (found is None and default is not None):
            miss.inc()
            return default
        # None is what a backend that hides its errors returns whatever the default: nothing was there.
        (miss if found is None else hit).inc()
        return found

    return get


def _counted(method: Callable[..., Any], alias: str, name: str) -> Callable[..., Any]:
    good, error = CACHE.labels(alias, name, "ok"), CACHE.labels(alias, name, "error")

    @wraps(method)
    def counted(self: Any, *args: Any, **options: Any) -> Any:
        try:
            found = method(self, *args, **options)
        except Exception:
            error.inc()
            raise
        good.inc()
        return found

    return counted
