"""The cache backends against a real Redis: what they answer, what they keep apart, what they do without it."""

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from slipway_runtime.caching.plain import RedisCache, _clients

from .conftest import eventually
from .faulty import Server, redis_server

pytestmark = pytest.mark.docker


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with redis_server() as server:
        yield server


@pytest.fixture
def cache(server: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., RedisCache]]:
    """Make a cache as Django makes one in each thread; guards and pools are this test's own."""
    server.run("redis-cli", "flushall")
    monkeypatch.setattr("slipway_runtime.guard._guards", {})
    monkeypatch.setattr("slipway_runtime.guard.EVERY", 0.1)

    def make(prefix: str = "slipway.cache", **more: Any) -> RedisCache:
        limits = {"socket_timeout": 0.3, "socket_connect_timeout": 0.3}
        return RedisCache(server.url, {"KEY_PREFIX": prefix, "OPTIONS": limits, **more})

    yield make
    for client in _clients.values():
        for pool in client._pools.values():
            pool.disconnect()
    _clients.clear()


def test_it_is_djangos_cache(cache: Callable[..., RedisCache]) -> None:
    one = cache()
    one.set("a", {"b": [1, None, "ü"]}, 60)
    assert one.get("a") == {"b": [1, None, "ü"]}
    assert one.get("nothing", "default") == "default"
    assert (one.add("a", 1), one.add("n", 1)) == (False, True)
    assert (one.incr("n", 4), one.decr("n")) == (5, 4)
    assert one.get_or_set("made", lambda: 7) == 7
    one.set_many({"x": 1, "y": 2})
    assert one.get_many(["x", "y", "z"]) == {"x": 1, "y": 2}
    assert one.has_key("x")
    assert "z" not in one
    one.delete_many(["x", "y"])
    assert (one.delete("n"), one.delete("n"), one.touch("a", 5), one.touch("z")) == (True, False, True, False)
    with pytest.raises(ValueError, match="not found"):
        one.incr("z")


def test_threads_share_one_pool_of_connections(cache: Callable[..., RedisCache], server: Server) -> None:
    def use() -> None:
        one = cache()
        for _ in range(5):
            one.get("a")

    before = int(_info(server, "total_connections_received"))
    for _ in range(20):
        thread = threading.Thread(target=use)
        thread.start()
        thread.join()
    assert int(_info(server, "total_connections_received")) - before < 5  # Django's own backend opens 20


def _info(server: Server, name: str) -> str:
    lines = server.run("redis-cli", "info").splitlines()
    return next(line.split(":")[1] for line in lines if line.startswith(f"{name}:")).strip()


@pytest.mark.parametrize("prefix", ["slipway.cache", "odd*?[x]\\y"])
def test_clearing_takes_this_caches_keys_and_no_others(
    cache: Callable[..., RedisCache], server: Server, prefix: str
) -> None:
    others = ["slipway.broker.celery", "slipway.cachex:1:a", "odd:1:a", "oddZZxy:1:a", "x"]
    for key in others:
        server.run("redis-cli", "set", key, "1")
    one = cache(prefix)
    one.set_many({f"key-{n}": n for n in range(2100)})
    one.set("versioned", 1, version=2)
    assert one.clear() is True
    assert sorted(server.run("redis-cli", "keys", "*").split()) == sorted(others)


def test_keys_that_nobody_can_tell_apart_are_not_cleared(cache: Callable[..., RedisCache], server: Server) -> None:
    server.run("redis-cli", "set", "precious", "1")
    one = cache(KEY_FUNCTION=lambda key, prefix, version: f"h{hash(key)}")
    with pytest.raises(RuntimeError, match="KEY_FUNCTION"):
        one.clear()
    assert server.run("redis-cli", "exists", "precious") == "1"


def test_without_redis_it_answers_as_if_it_were_empty(cache: Callable[..., RedisCache], server: Server) -> None:
    one = cache()
    one.set("a", 1)
    server.pause()
    try:
        begin = time.monotonic()
        assert one.get("a", "default") == "default"
        assert one.get_many(["a"]) == {}
        assert one.set("a", 2) is None
        assert one.set_many({"a": 2}) == []
        assert one.add("lock", 1) is False  # nobody gets a lock that nobody keeps
        assert (one.touch("a"), one.delete("a"), one.has_key("a"), one.clear()) == (False, False, False, False)
        assert one.delete_many(["a"]) is None
        assert one.get_or_set("a", lambda: 3) == 3
        for count in (one.incr, one.decr):
            with pytest.raises(ValueError, match="not found"):
                count("a")
        assert 0.25 < time.monotonic() - begin < 0.6  # one time-out for all of it
        assert one.guard is cache().guard
        assert one.guard.away
    finally:
        server.unpause()
    eventually(lambda: not one.guard.away, 5)
    assert one.get("a") == 1


def test_wrong_use_is_no_outage(cache: Callable[..., RedisCache]) -> None:
    from redis.exceptions import ResponseError

    one = cache()
    one.set("text", "no number")
    with pytest.raises(ResponseError):
        one.incr("text")
    assert not one.guard.away


def test_a_password_shows_nowhere(cache: Callable[..., RedisCache], server: Server, caplog: Any) -> None:
    wrong = RedisCache(
        f"redis://user:hunter2@127.0.0.1:{server.port}/0", {"KEY_PREFIX": "p", "OPTIONS": {"socket_timeout": 0.3}}
    )
    cache()
    assert wrong.get("a", "default") == "default"  # Redis refuses the user
    assert "hunter2" not in caplog.text
    assert "is away" in caplog.text
    assert "hunter2" not in wrong.guard.name


def test_a_server_that_may_not_be_written_to_is_away(cache: Callable[..., RedisCache], server: Server) -> None:
    one = cache()
    server.run("redis-cli", "replicaof", "127.0.0.1", "1")  # what a primary is after it was demoted
    try:
        assert one.set("a", 1) is None
        assert one.guard.away
    finally:
        server.run("redis-cli", "replicaof", "no", "one")
