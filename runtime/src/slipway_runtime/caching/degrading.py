"""Degrading: what every call to a cache answers while Redis is away."""

import functools
import re
from collections.abc import Callable
from typing import Any

from slipway_runtime.guard import Guard, guard, redis_failures

_BATCH = 1000


def degrades(name: str, otherwise: Callable[[], Any]) -> Callable[..., Any]:
    """Return a method that calls the backend's own of that name, and answers `otherwise()` while Redis is away."""

    def method(self: "Degrading", *args: Any, **options: Any) -> Any:
        ask = getattr(super(Degrading, self), name)
        return self.guard.call(functools.partial(ask, *args, **options), otherwise())

    method.__name__ = name
    method.__doc__ = f"The backend's own `{name}`; {otherwise()!r} while Redis is away."
    return method


_MISSING = object()


class Degrading:
    """Goes before a Redis backend of Django's shape. `address` names the server, `client()` is redis-py's."""

    address: str

    def client_for_writing(self) -> Any:
        """Return redis-py's client. Backends differ in where they keep it."""
        raise LookupError("a backend says where its client is")

    @functools.cached_property
    def guard(self) -> Guard:
        """One for each server in this process, not for each instance: Django makes an instance a thread."""
        return guard(f"cache {self.address}", self._ping, redis_failures(), self.address)

    def _ping(self) -> None:
        self.client_for_writing().ping()

    def get(self, key: Any, default: Any = None, *args: Any, **options: Any) -> Any:
        """Return the value, `default` while Redis is away."""
        ask = super().get  # type: ignore[misc]
        return self.guard.call(lambda: ask(key, default, *args, **options), default)

    def incr(self, key: Any, *args: Any, **options: Any) -> Any:
        """Count up; a key that nobody can see is one that is not there, which is a ValueError with Django."""
        return self._count(super().incr, key, args, options)  # type: ignore[misc]

    def decr(self, key: Any, *args: Any, **options: Any) -> Any:
        """Count down, see `incr`."""
        return self._count(super().decr, key, args, options)  # type: ignore[misc]

    def _count(self, ask: Callable[..., Any], key: Any, args: Any, options: Any) -> Any:
        answer = self.guard.call(lambda: ask(key, *args, **options), _MISSING)
        if answer is _MISSING:
            raise ValueError(f"Key {key!r} not found")
        return answer

    set = degrades("set", lambda: None)
    # "Somebody else has it" and not "you have it": projects lock with add(), and two payouts are worse than none.
    add = degrades("add", lambda: False)
    touch = degrades("touch", lambda: False)
    delete = degrades("delete", lambda: False)
    has_key = degrades("has_key", lambda: False)
    get_many = degrades("get_many", dict)
    set_many = degrades("set_many", list)
    delete_many = degrades("delete_many", lambda: None)

    def clear(self) -> bool:
        """Delete this cache's keys and no others, as FLUSHDB would; False while Redis is away."""
        return bool(self.guard.call(self._clear, otherwise=False))

    def _clear(self) -> bool:
        prefix = _glob_escape(str(self.key_prefix))  # type: ignore[attr-defined]
        pattern = str(self.key_func("*", prefix, "*"))  # type: ignore[attr-defined]
        if prefix not in pattern:
            raise RuntimeError("this KEY_FUNCTION hides KEY_PREFIX, so nobody can tell this cache's keys from others")
        client = self.client_for_writing()
        batch: list[bytes] = []
        for key in client.scan_iter(match=pattern, count=_BATCH):
            batch.append(key)
            if len(batch) == _BATCH:
                client.unlink(*batch)
                batch.clear()
        if batch:
            client.unlink(*batch)
        return True


def _glob_escape(text: str) -> str:
    return re.sub(r"([*?\[\]\\])", r"\\\1", text)
