"""Limits: what Redis answers, what a client reads, and what a Redis that is away changes."""

import asyncio
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from slipway_runtime import conf, guard
from slipway_runtime.conf import limits
from slipway_runtime.conf.env import Env
from slipway_runtime.limiting.buckets import PERIOD, Buckets

from tests.runtime.faulty import Server, redis_server

from .conftest import MINE, Shop

REDIS = {"redis": {"url": "redis://localhost", "namespace": "shop", "timeout": 0.5}}

# --- settings


def test_the_layers_stand_inside_of_cors_and_session() -> None:
    cors, session = "corsheaders.middleware.CorsMiddleware", "django.contrib.sessions.middleware.SessionMiddleware"
    settings = {"MIDDLEWARE": [session, cors, "last"], "INSTALLED_APPS": ["corsheaders"], "SLIPWAY": REDIS}
    changes = limits.overlay(settings, Env({}))
    assert changes["MIDDLEWARE"] == [session, cors, limits.REFUSALS, limits.RATE, "last"]
    assert changes["SLIPWAY"]["redis"] == REDIS["redis"]
    assert "Retry-After" in changes["CORS_EXPOSE_HEADERS"]
    assert limits.overlay({"SLIPWAY": REDIS}, Env({}))["MIDDLEWARE"] == [limits.REFUSALS, limits.RATE]


@pytest.mark.parametrize("off", [{"RATE_LIMIT_ENABLED": "false"}, {"RATE_LIMIT_CLIENT": "0", "RATE_LIMIT_USER": "0"}])
def test_the_rate_limit_can_be_switched_off_alone(off: dict[str, str]) -> None:
    env = Env(off)
    changes = limits.overlay({"SLIPWAY": REDIS}, env)
    assert changes["MIDDLEWARE"] == [limits.REFUSALS]
    assert env.problems == []


def test_without_redis_it_says_that_nobody_counts() -> None:
    env = Env({})
    assert limits.overlay({}, env)["MIDDLEWARE"] == [limits.REFUSALS]
    assert [(one.id, one.name) for one in env.problems] == [("slipway.W140", "REDIS_URL")]
    worker = Env({"SLIPWAY_ROLE": "worker"})
    limits.overlay({}, worker)
    assert worker.problems == []


def test_wrong_values_are_named() -> None:
    env = Env({"RATE_LIMIT_CLIENT": "many", "RATE_LIMIT_USER": "-1", "RATE_LIMIT_EXEMPT": "hooks/,/ok/"})
    limits.overlay({"SLIPWAY": REDIS}, env)
    assert [one.id for one in env.problems] == ["slipway.E001", "slipway.E001", "slipway.E141"]


# --- buckets


@pytest.fixture(scope="module")
def redis() -> Iterator[Server]:
    with redis_server() as server:
        yield server


@pytest.fixture
def buckets(redis: Server) -> Iterator[Buckets]:
    redis.run("redis-cli", "flushall")
    guard._guards.pop("rate limit", None)
    yield Buckets(redis.url, "shop", 0.5)
    guard._guards.pop("rate limit", None)


@pytest.mark.docker
def test_a_whole_limit_at_once_and_then_one_by_one(buckets: Buckets) -> None:
    found = [buckets.take("client:a", 60) for _ in range(61)]
    assert all(one is not None for one in found)
    assert [one.passes for one in found if one] == [True] * 60 + [False]
    first, last, refused = found[0], found[59], found[60]
    assert first
    assert last
    assert refused
    assert (first.remaining, first.reset, first.retry) == (59, 1, 0)
    assert last.remaining == 0
    assert 58 <= last.reset <= PERIOD
    assert (refused.remaining, refused.retry) == (0, 1)
    other = buckets.take("client:b", 60)
    assert other
    assert other.passes
    time.sleep(1.1)
    again = [buckets.take("client:a", 60) for _ in range(2)]
    assert [one.passes for one in again if one] == [True, False]


@pytest.mark.docker
def test_what_waits_after_a_refusal_passes(buckets: Buckets) -> None:
    while (one := buckets.take("client:a", 30)) and one.passes:
        pass
    assert one
    time.sleep(one.retry)
    after = buckets.take("client:a", 30)
    assert after
    assert after.passes


@pytest.mark.docker
def test_an_idle_caller_leaves_nothing_behind(buckets: Buckets, redis: Server) -> None:
    buckets.take("client:a", 12)  # a token comes back every five seconds, and with it the caller is forgotten
    assert redis.run("redis-cli", "keys", "*") == "shop.limits.client:a"
    assert 0 < int(redis.run("redis-cli", "pttl", "shop.limits.client:a")) <= 5000
    deadline = time.monotonic() + 30
    while redis.run("redis-cli", "keys", "*"):
        assert time.monotonic() < deadline, "the key stays"
        time.sleep(0.2)


@pytest.mark.docker
def test_many_at_once_get_no_more_than_the_limit(buckets: Buckets) -> None:
    async def all_at_once() -> int:
        found = await asyncio.gather(*(buckets.take_async("client:a", 50) for _ in range(100)))
        await buckets.close()
        return sum(one.passes for one in found if one)

    with ThreadPoolExecutor(8) as pool:
        threads = list(pool.map(lambda _: buckets.take("client:b", 50), range(100)))
    assert 50 <= sum(one.passes for one in threads if one) <= 52  # the clock goes on meanwhile
    assert 50 <= asyncio.run(all_at_once()) <= 52


@pytest.mark.docker
def test_a_clock_that_was_set_back_and_a_limit_made_smaller_lock_nobody_out(buckets: Buckets, redis: Server) -> None:
    redis.run("redis-cli", "set", "shop.limits.client:a", str(int((time.time() + 86400) * 1e6)))
    found = buckets.take("client:a", 60)
    assert found
    assert not found.passes
    assert found.retry <= 1
    redis.run("redis-cli", "flushall")
    for _ in range(10):
        buckets.take("client:a", 10)
    smaller = buckets.take("client:a", 5)
    assert smaller
    assert smaller.retry <= PERIOD / 5


@pytest.mark.docker
@pytest.mark.slow
def test_while_redis_is_away_everybody_passes_at_once_and_then_is_counted_again(
    buckets: Buckets, redis: Server
) -> None:
    assert buckets.take("client:a", 60)
    redis.pause()
    try:
        begin = time.monotonic()
        found = [buckets.take("client:a", 60) for _ in range(200)]
        found += asyncio.run(_several(buckets, 200))
        assert found == [None] * 400
        assert time.monotonic() - begin < 2.0
        state = next(one for one in guard.states() if one.name == "rate limit")
        assert state.away_for > 0
        assert state.degraded == 400
    finally:
        redis.unpause()
    until = time.monotonic() + 10
    while buckets.take("client:a", 60) is None:
        assert time.monotonic() < until
        time.sleep(0.1)
    assert [one is not None for one in asyncio.run(_several(buckets, 3))] == [True] * 3


async def _several(buckets: Buckets, count: int) -> list[Any]:
    found = [await buckets.take_async("client:a", 60) for _ in range(count)]
    await buckets.close()
    return found


# --- what a client reads

VIEWS = """
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.urls import path

def hello(request):
    return HttpResponse("hello")

def me(request):
    if request.headers.get("Authorization") == "Bearer right":
        request.user = User(pk=7)
    return HttpResponse(str(request.user))

urlpatterns = [path("", hello), path("me/", me), path("health/", hello), path("hooks/pay/", hello)]
"""
ASKS = """
import asyncio
from django.test import AsyncClient
def told(response):
    names = ("RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Policy", "Retry-After", "Access-Control-Allow-Origin")
    return [response.status_code, *(response.headers.get(name) for name in names)]
def get(path, address="203.0.113.9", **headers):
    return client.get(path, headers={"x-forwarded-for": address, **headers})
"""
PORTAL = "https://shop.example.net"


@pytest.fixture
def limited(shop: Shop, redis: Server) -> Shop:
    redis.run("redis-cli", "flushall")
    (shop.folder / "shop" / "urls.py").write_text(VIEWS)
    on = (*MINE, "redis", "limits")
    right = {
        **shop.right,
        "SLIPWAY_OVERLAY_OFF": ",".join(one for one in conf.SUBJECTS if one not in on),
        "REDIS_URL": redis.url,
        "RATE_LIMIT_CLIENT": "3",
        "RATE_LIMIT_USER": "5",
        "RATE_LIMIT_EXEMPT": "/hooks/",
    }
    return Shop(shop.folder, right)


@pytest.mark.docker
def test_a_client_is_told_what_is_left_and_then_refused_in_json_that_a_portal_can_read(limited: Shop) -> None:
    script = f"""
answers = [get("/", origin="{PORTAL}") for _ in range(4)]
answer = [[told(one) for one in answers], answers[3].json(), told(get("/", address="203.0.113.10"))]
"""
    answers, body, other = limited.ask(ASKS + script)
    assert [one[:4] for one in answers] == [[200, "3", str(left), "3;w=60"] for left in (2, 1, 0)] + [
        [429, "3", "0", "3;w=60"]
    ]
    assert [one[4] is None for one in answers] == [True, True, True, False]
    assert 18 <= int(answers[3][4]) <= 20
    assert {one[5] for one in answers} == {PORTAL}
    assert body["error"] == "rate_limited"
    assert body["retry_after"] == int(answers[3][4])
    assert other[:3] == [200, "3", "2"]


@pytest.mark.docker
def test_health_and_what_is_exempt_are_never_counted(limited: Shop) -> None:
    script = """
answer = [told(get(path))[:2] for path in ("/health/", "/hooks/pay/") for _ in range(5)]
"""
    assert limited.ask(ASKS + script) == [[200, None]] * 10


@pytest.mark.docker
def test_a_user_has_a_limit_of_its_own_wherever_it_comes_from(limited: Shop) -> None:
    script = """
first = told(get("/me/", authorization="Bearer right"))
user = [told(get("/", address=f"198.51.100.{n}", authorization="Bearer right")) for n in range(6)]
invented = [told(get("/", authorization=f"Bearer {n}")) for n in range(4)]
answer = [first[:3], [one[:3] for one in user], [one[:3] for one in invented]]
"""
    first, user, invented = limited.ask(ASKS + script)
    assert first == [200, "3", "2"]  # not known yet: the client's
    assert user == [[200, "5", str(left)] for left in (4, 3, 2, 1, 0)] + [[429, "5", "0"]]
    assert [one[0] for one in invented] == [200, 200, 429, 429]  # an invented credential is nobody


@pytest.mark.docker
def test_an_asynchronous_server_counts_the_same(limited: Shop) -> None:
    script = """
async def ask():
    return [told(await AsyncClient().get("/", headers={"x-forwarded-proto": "https"}))[:3] for _ in range(4)]
answer = asyncio.run(ask())
"""
    answers = limited.ask(ASKS + script, ALLOWED_HOSTS="testserver")
    assert answers == [[200, "3", "2"], [200, "3", "1"], [200, "3", "0"], [429, "3", "0"]]


@pytest.mark.docker
@pytest.mark.slow
def test_a_redis_that_is_away_lets_everybody_pass_and_says_so(limited: Shop, redis: Server) -> None:
    script = """
import time
from slipway_runtime import guard
begin = time.monotonic()
answers = [told(get("/"))[:2] for _ in range(10)]
answer = [answers, time.monotonic() - begin, [[one.name, one.degraded] for one in guard.states()]]
"""
    redis.stop()
    try:
        answers, seconds, states = limited.ask(ASKS + script)
    finally:
        redis.start()
    assert answers == [[200, None]] * 10
    assert seconds < 3
    assert states == [["rate limit", 10]]


@pytest.mark.docker
def test_what_the_server_refused_unread_is_told_with_the_headers_that_a_portal_needs(limited: Shop) -> None:
    script = f"""
from slipway_runtime.conf.limits import Bounds
from slipway_runtime.gate import Gate
from django.core.asgi import get_asgi_application
gate = Gate(get_asgi_application(), Bounds(body=100), lambda: False, answers=True)
headers = [(b"host", b"api.example.net"), (b"x-forwarded-proto", b"https"), (b"origin", b"{PORTAL}"),
           (b"content-type", b"application/json"), (b"content-length", b"101")]
scope = dict(type="http", method="POST", path="/", query_string=b"", headers=headers, client=("10.0.0.2", 1))
sent = []
async def receive(): raise AssertionError("the body was read")
async def send(message): sent.append(message)
asyncio.run(gate(scope, receive, send))
start, body = sent
answer = [start["status"], [[k.decode().lower(), v.decode()] for k, v in start["headers"]], body["body"].decode()]
"""
    status, headers, body = limited.ask(ASKS + script)
    assert status == 413
    assert json.loads(body)["error"] == "body_too_large"
    assert dict(headers)["access-control-allow-origin"] == PORTAL
    assert dict(headers)["connection"] == "close"
