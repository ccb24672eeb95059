"""The rights that `slipway_runtime.connect` asks a real Redis for, under real ACLs; nothing is left behind."""

from collections.abc import Iterator
from typing import Any

import pytest
from redis import Redis
from redis.exceptions import NoPermissionError
from slipway_runtime.connecting import Said, redis
from slipway_runtime.connecting.redis_needs import needs

from .faulty import PASSWORD, Server, redis_server

pytestmark = pytest.mark.docker


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with redis_server() as running:
        yield running


@pytest.fixture
def client(server: Server) -> Iterator[Any]:
    """A client that may do all; afterwards no key is there, and the server is as it was."""
    found: Any = Redis.from_url(server.url)
    yield found
    left = found.keys("*")
    found.config_set("maxmemory", "0")
    found.execute_command("REPLICAOF", "NO", "ONE")
    found.close()
    assert left == []


def asked(server: Server, client: Any, *rights: str) -> Said:
    """Ask as a user with `rights`."""
    client.execute_command("ACL", "SETUSER", "one", "reset", "on", f">{PASSWORD}", *rights)
    return redis.ask(server.url.replace("//", f"//one:{PASSWORD}@"), 5)


def missing(said: Said) -> list[str]:
    """Return the commands that are told as missing."""
    (message,) = (one.message for one in said.found if one.kind == "redis-rights" and " do " in one.message)
    return message.partition(" do ")[2].partition(";")[0].split(", ")


def test_a_user_that_may_do_all_of_it_has_nothing_to_hear_and_no_key_was_touched(server: Server, client: Any) -> None:
    before = client.info("stats")["expired_keys"], client.info("commandstats").get("cmdstat_lpush")
    assert asked(server, client, "~slipway.*", "&*", "+@all", "-acl", "-flushall").found == ()
    assert (client.info("stats")["expired_keys"], client.info("commandstats").get("cmdstat_lpush")) == before


def test_the_rights_to_set_get_delete_and_publish_are_too_few(server: Server, client: Any) -> None:
    """Without MULTI every command is carried out."""
    few = ["+ping", "+set", "+get", "+del", "+publish", "+config|get", "+client", "+select"]
    found = missing(asked(server, client, "~*", "&*", *few))
    assert {"MULTI", "LPUSH", "BRPOP", "SADD", "EVAL", "SUBSCRIBE", "PSUBSCRIBE", "ZADD", "HSET", "SCAN"} <= {*found}
    assert not {"SET", "GET", "DEL", "PUBLISH"} & {*found}
    assert len(found) == len({*found})


def test_every_right_that_is_taken_away_is_missed_by_both_ways_of_asking(server: Server, client: Any) -> None:
    commands = {words[0].lower() for need in needs("slipway") for words in need.commands} | {"psubscribe", "subscribe"}
    for command in sorted(commands):
        wanted = {"SCRIPT LOAD"} if command == "script" else {command.upper()}
        assert {*missing(asked(server, client, "~*", "&*", "+@all", f"-{command}"))} == wanted
    for command in ("lpush", "bzpopmin", "evalsha", "subscribe"):
        found = missing(asked(server, client, "~*", "&*", "+@all", "-multi", f"-{command}"))
        assert {*found} == {"MULTI", command.upper()}


@pytest.mark.parametrize(("without", "wanted"), [("exec", ["EXEC"]), ("watch", ["WATCH"]), ("discard", None)])
def test_a_user_who_cannot_leave_a_transaction_leaves_nothing_either(
    server: Server, client: Any, without: str, wanted: list[str] | None
) -> None:
    said = asked(server, client, "~*", "&*", "+@all", f"-{without}")
    assert said.facts == {"policy": "noeviction", "databases": 16, "database": 0}
    assert (missing(said) if wanted else [*said.found]) == (wanted or [])


def test_who_may_delete_nothing_is_asked_for_no_key(server: Server, client: Any) -> None:
    found = asked(server, client, "~*", "&*", "+@all", "-multi", "-del", "-lpush")
    assert {*missing(found)} == {"MULTI", "DEL"}
    assert "more cannot be tried without them" in found.found[0].message


@pytest.mark.parametrize("without", [(), ("-multi",)], ids=["discarded", "carried out"])
def test_keys_and_channels_that_a_pattern_leaves_out_are_named(
    server: Server, client: Any, without: tuple[str, ...]
) -> None:
    found = asked(server, client, "~slipway.cache:*", "&*", "+@all", *without).found
    (keys,) = (one for one in found if "at the keys" in one.message)
    assert "slipway.broker.*, slipway.results.*" in keys.message
    assert "slipway.cache" not in keys.message
    assert "~slipway.broker.*" in keys.hint
    (channels,) = (
        one
        for one in asked(server, client, "~*", "&slipway.*", "+@all", *without).found
        if "at the channels" in one.message
    )
    assert "slipway.broker.* (PSUBSCRIBE)" in channels.message  # `&slipway.*` fits no pattern but itself
    assert "&*" in channels.hint


def test_a_replica_and_a_full_memory_are_told_in_the_servers_words(server: Server, client: Any) -> None:
    client.config_set("maxmemory", "1mb")
    (full,) = redis.ask(server.url, 5).found
    assert "OutOfMemoryError" in full.message or "OOM" in full.message
    client.config_set("maxmemory", "0")
    client.execute_command("REPLICAOF", "127.0.0.1", "1")
    (replica,) = redis.ask(server.url, 5).found
    assert "ReadOnlyError" in replica.message
    assert "LPUSH" in replica.message


def test_a_server_that_is_away_and_one_that_refuses_are_told_apart(server: Server, client: Any) -> None:
    (wrong,) = redis.ask(server.url.replace("//", "//one:wrong@"), 5).found
    assert (wrong.kind, wrong.hint) == ("redis", "look at user and password")
    (away,) = redis.ask("redis://127.0.0.1:1/0", 2).found
    assert away.message.startswith("is not reached: ConnectionError")
    (number,) = redis.ask(server.url.replace("/0", "/99"), 5).found
    assert "database number" in number.hint


def test_the_database_of_the_query_is_the_one_that_redis_py_takes_and_celery_refuses(
    server: Server, client: Any
) -> None:
    said = redis.ask(f"{server.url}?db=15", 5)
    assert said.facts["database"] == 15
    assert [one.message for one in said.found] == ["cannot be Celery's broker: it does not take 'db' in the address"]
    assert redis.ask(server.url.replace("/0", "/3"), 5).facts["database"] == 3


@pytest.mark.filterwarnings("ignore:Call to deprecated setex")  # Celery does
def test_what_is_asked_is_what_the_programs_send(server: Server, client: Any) -> None:
    """Kombu, Celery's results and Django's cache work with the rights that are asked for and no more."""
    import kombu
    from celery import Celery
    from django.core.cache.backends.redis import RedisCache

    asking = {"+".join(("", words[0].lower())) for need in needs("slipway") for words in need.commands}
    rights = sorted({*asking, "+watch", "+multi", "+exec", "+unwatch", "+discard", "+del"})
    basic = ("+ping", "+select", "+client", "+psubscribe", "+punsubscribe", "+subscribe", "+unsubscribe", "+config|get")
    assert asked(server, client, "~slipway.*", "&*", *rights, *basic).found == ()
    url = server.url.replace("//", f"//one:{PASSWORD}@")
    options = {"global_keyprefix": "slipway.broker."}
    connect: Any = kombu.Connection  # type: ignore[attr-defined]  # lazily made
    with connect(url, transport_options=options) as connection:
        queue = connection.SimpleQueue("connect-test")
        queue.put({"a": 1})
        queue.get(timeout=5).ack()
        queue.put({"a": 2})
        queue.get(timeout=5).requeue()
        queue.get(timeout=5).reject()
        queue.clear()
        queue.close()
    app = Celery(broker="memory://", backend=url)
    app.conf.result_backend_transport_options = {"global_keyprefix": "slipway.results."}
    result = app.AsyncResult("connect-test")
    app.backend.store_result("connect-test", 7, "SUCCESS")
    assert result.get(timeout=5) == 7
    result.forget()
    cache = RedisCache(url, {"KEY_PREFIX": "slipway.cache"})
    cache.set_many({"a": 1, "b": 2}, 60)
    assert cache.incr("a") == 2
    cache.touch("a", None)
    cache.delete_many(["a", "b"])
    with pytest.raises(NoPermissionError):
        cache.clear()  # FLUSHDB: the overlay's own backend scans instead
    for key in client.scan_iter("slipway.*"):
        client.delete(key)
