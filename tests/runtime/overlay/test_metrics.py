"""Metrics: counted by route over all processes, tasks from the workers, and not for everybody."""

import asyncio
import os
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from slipway_runtime.board import Board
from slipway_runtime.conf.env import Env
from slipway_runtime.conf.metrics import overlay
from slipway_runtime.metrics import caches, meters, place, shared, sockets
from slipway_runtime.metrics.numbers import field
from slipway_runtime.metrics.tasks import Counter
from websockets.sync.client import connect

from tests.runtime.conftest import Running, eventually
from tests.runtime.faulty import Server, postgres_server, redis_server
from tests.runtime.observed import TOKEN, around, backend

URLS = """
from django.http import HttpResponse
from django.urls import path, re_path
from core.urls import urlpatterns as example
from around import tasks
from slipway_runtime.breaker import CircuitOpen, breaker

def fail(request, number):
    raise LookupError(number)

@breaker("acrcloud", fail_max=2)
def far_away():
    raise ConnectionError

def call(request):
    try:
        far_away()
    except (ConnectionError, CircuitOpen) as error:
        return HttpResponse(type(error).__name__)

def send(request, name):
    getattr(tasks, name).delay()
    return HttpResponse("sent")

urlpatterns = [*example, path("fail/<int:number>/", fail), path("send/<name>/", send), path("call/", call),
    re_path(r"^old/(?P<year>[0-9]{4})/$", lambda request, year: HttpResponse(year))]
"""
TASKS = """
import os, signal, time
from celery import shared_task

@shared_task
def works():
    time.sleep(0.2)

@shared_task
def fails():
    raise LookupError("nothing there")

@shared_task(acks_late=False)
def dies():
    os.kill(os.getpid(), signal.SIGKILL)
"""


def samples(metrics: Any) -> dict[tuple[str, str, str], float]:
    return {
        (sample.name, sample.labels["task"], sample.labels.get("state", sample.labels.get("le", ""))): sample.value
        for metric in metrics
        for sample in metric.samples
    }


def test_sums_of_tasks_become_counters_and_a_histogram() -> None:
    sums = {
        field("a.b", "state", "success"): 3.0,
        field("a.b", "state", "failure"): 1.0,
        field("a.b", "le", "0.05"): 2.0,
        field("a.b", "le", "1.0"): 1.0,
        field("a.b", "le", "+Inf"): 1.0,
        field("a.b", "sum"): 2000.5,
        "somebody else's": 7.0,
    }
    found = samples(shared.tasks(sums))
    assert found["slipway_celery_tasks_total", "a.b", "success"] == 3
    assert found["slipway_celery_task_seconds_bucket", "a.b", "0.01"] == 0
    assert found["slipway_celery_task_seconds_bucket", "a.b", "0.5"] == 2
    assert found["slipway_celery_task_seconds_bucket", "a.b", "1.0"] == 3
    assert found["slipway_celery_task_seconds_bucket", "a.b", "+Inf"] == 4
    assert found["slipway_celery_task_seconds_sum", "a.b", ""] == 2000.5


class Conf:
    """A Celery app as far as the board looks."""

    def __init__(self, url: str | list[str] | None, prefix: str = "") -> None:
        self.conf = self
        self.broker_write_url, self.broker_url = None, url
        self.broker_transport_options = {"global_keyprefix": prefix}


def test_a_counter_without_redis_neither_raises_nor_tries_again_at_once(port: int) -> None:
    counter = Counter(Conf(f"redis://127.0.0.1:{port}/0"))
    counter.add("a", "success", 0.1)
    resume = counter._resume
    assert resume > 0
    counter.add("a", "success", 0.1)
    assert counter._resume == resume
    for url in ("amqp://rabbit", "memory://", None):
        silent = Counter(Conf(url))
        silent.connect()
        silent.add("a", "success", 0.1)
        assert silent.board is None


class Store:
    """A cache backend of a few lines."""

    def __init__(self) -> None:
        self.kept: dict[str, Any] = {}

    def get(self, key: str, default: Any = None, version: int | None = None) -> Any:
        if key == "broken":
            raise OSError
        return self.kept.get(key, default)

    def add(self, key: str, value: Any) -> None:
        self.kept[key] = value

    touch = set = add

    def delete(self, key: str) -> bool:
        return self.kept.pop(key, None) is not None

    get_many = set_many = delete_many = incr = delete


def _count(operation: str, result: str) -> float:
    return float(meters.CACHE.labels("store", operation, result)._value.get())


def test_a_cache_answers_as_before_and_its_hits_misses_and_errors_count() -> None:
    caches.wrap(Store, "store")
    caches.wrap(Store, "again")  # once is enough
    store = Store()
    store.set("here", 0)
    assert store.get("here") == 0
    assert store.get("gone") is None
    assert store.get("gone", "x") == "x"
    assert store.get("gone", default=5, version=2) == 5
    with pytest.raises(OSError):  # noqa: PT011
        store.get("broken")
    assert store.delete("here")
    counted = {result: _count("get", result) for result in ("hit", "miss", "error")}
    assert counted == {"hit": 1, "miss": 3, "error": 1}
    assert (_count("set", "ok"), _count("delete", "ok")) == (1, 1)


async def _socket(messages: list[dict[str, Any]], says: list[dict[str, Any]]) -> list[float]:
    """Run a WebSocket application that says `says` and hears `messages`; return how many were open meanwhile."""
    seen: list[float] = []

    async def application(scope: Any, receive: Any, send: Any) -> None:
        for message in says:
            await send(message)
        for _ in messages:
            seen.append(_open())
            await receive()

    async def receive() -> dict[str, Any]:
        return messages.pop(0)

    async def send(message: Any) -> None:
        assert message["type"].startswith("websocket.")

    await sockets.counted(application)({"type": "websocket", "headers": []}, receive, send)
    return seen


def _open() -> float:
    return float(meters.SOCKETS._value.get())


def _closed(code: str) -> float:
    return float(meters.SOCKETS_CLOSED.labels(code)._value.get())


def test_a_socket_counts_from_its_acceptance_to_its_end() -> None:
    before, was = _open(), _closed("1001")
    accept, leave = {"type": "websocket.accept"}, {"type": "websocket.disconnect", "code": 1001}
    assert asyncio.run(_socket([leave], [accept, accept])) == [before + 1]
    assert asyncio.run(_socket([leave], [{"type": "websocket.close", "code": 4003}])) == [before]
    assert (_open(), _closed("1001")) == (before, was + 1)
    strange = _closed("other")
    asyncio.run(_socket([{"type": "websocket.disconnect", "code": 77_777}], [accept]))
    assert _closed("other") == strange + 1


def test_a_socket_whose_application_raises_is_no_longer_open() -> None:
    before = _open()

    async def application(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "websocket.accept"})
        raise LookupError

    async def send(message: Any) -> None:
        pass

    with pytest.raises(LookupError):
        asyncio.run(sockets.counted(application)({"type": "websocket"}, send, send))  # type: ignore[arg-type]
    assert _open() == before


def test_gauges_of_processes_that_are_gone_go_and_counters_stay(tmp_path: Path) -> None:
    gone = 2**22 + 7  # above the kernel's highest
    names = {f"gauge_livesum_{gone}.db", f"counter_{gone}.db", f"gauge_livesum_{os.getpid()}.db", "gauge_livesum_x.db"}
    for name in names:
        (tmp_path / name).touch()
    place.forget_dead(tmp_path)
    assert {file.name for file in tmp_path.iterdir()} == names - {f"gauge_livesum_{gone}.db"}


def test_a_restart_begins_to_count_anew(tmp_path: Path) -> None:
    folder = tmp_path / "metrics"
    folder.mkdir()
    (folder / "counter_7.db").touch()
    environ = {place.VARIABLE: str(folder)}
    place.prepare(environ)
    assert list(folder.iterdir()) == []


def test_metrics_go_by_the_rule_of_health_and_bring_their_own_without_it() -> None:
    rule = {"token": "t", "inside": ()}
    assert overlay({"SLIPWAY": {"health": rule}}, Env({}))["SLIPWAY"]["metrics"] is rule
    assert overlay({}, Env({"SLIPWAY_HEALTH_TOKEN": TOKEN}))["SLIPWAY"]["metrics"]["token"] == TOKEN


@pytest.mark.slow
def test_all_processes_count_together_by_route(python: Callable[..., Running], port: int, tmp_path: Path) -> None:
    web = backend(python, port, tmp_path, **around(tmp_path, URLS, TASKS), WEB_CONCURRENCY="2")
    running = web.start("web")
    requests = [
        *[("/", "GET")] * 40,
        *[(f"/old/{2000 + n}/", "GET") for n in range(20)],
        *[(f"/fail/{n}/", "GET") for n in range(6)],
        *[(f"/made/up/{n}", "GET") for n in range(10)],
        *[("/", "PROPFIND")] * 5,
    ]
    threads = [
        threading.Thread(target=web.browse, args=(path,), kwargs={"method": method}) for path, method in requests
    ]
    for at in range(0, len(threads), 10):
        for thread in threads[at : at + 10]:
            thread.start()
        for thread in threads[at : at + 10]:
            thread.join()
    name = "slipway_http_requests_total"
    for _ in range(6):  # whichever process answers
        assert web.metric(name, method="GET", route="/", status="200") == 40
        assert web.metric(name, route="^old/(?P<year>[0-9]{4})/$", status="200") == 20
        assert web.metric(name, route="fail/<int:number>/", status="500") == 6
        assert web.metric(name, route="none", status="404") == 10
        assert web.metric(name, method="OTHER", status="403") == 5  # what cannot be known is unsafe: CSRF comes first
        assert web.metric("slipway_http_exceptions_total", exception="LookupError") == 6
        assert web.metric("slipway_http_requests_running") == 0
    assert "2001" not in web.get("/metrics").body
    assert web.metric("slipway_build_info", version="1.2.3", revision="0123456789abcdef") == 1

    assert web.browse("/metrics").status == 403
    assert web.browse("/metrics", Authorization="Bearer wrong-wrong-wrong").status == 403
    assert "slipway_" in web.browse("/metrics", Authorization=f"Bearer {TOKEN}").body
    openly = web.get("/metrics", Accept="application/openmetrics-text; version=1.0.0")
    assert openly.headers["content-type"].startswith("application/openmetrics-text")
    assert openly.body.endswith("# EOF\n")

    _one_dies(running)
    eventually(lambda: web.metric(name, method="GET", route="/", status="200") == 40, 20)


def _one_dies(running: Running) -> None:
    """Kill one of the server's processes; its parent makes a new one."""
    (server,) = running._children()
    workers = [int(pid) for pid in Path(f"/proc/{server}/task/{server}/children").read_text().split()]
    serving = [pid for pid in workers if "spawn_main" in Path(f"/proc/{pid}/cmdline").read_text()]
    assert len(serving) == 2
    os.kill(serving[0], signal.SIGKILL)


@pytest.fixture
def servers() -> Iterator[tuple[Server, Server]]:
    with postgres_server() as database, redis_server() as redis:
        yield database, redis


@pytest.mark.docker
def test_tasks_queues_pool_and_cache_are_told(
    servers: tuple[Server, Server], python: Callable[..., Running], port: int, tmp_path: Path
) -> None:
    database, redis = servers
    project = around(tmp_path, URLS, TASKS)
    web = backend(python, port, tmp_path, DATABASE_URL=database.url, REDIS_URL=redis.url, **project)
    web.migrate()
    web.start("web")
    for name in ("works", "works", "fails", "dies"):
        assert web.browse(f"/send/{name}/").status == 200
    assert web.metric("slipway_celery_queue_length", queue="celery") == 4
    assert web.metric("slipway_celery_workers") == 0

    web.start("worker", SLIPWAY_RUN_DIR=str(tmp_path / "worker"), CELERY_WORKER_CONCURRENCY="1")
    ended = "slipway_celery_tasks_total"
    eventually(lambda: web.metric(ended, task="around.tasks.fails", state="failure") == 1, 40)
    eventually(lambda: (web.metric(ended, task="around.tasks.dies", state="lost") or 0) >= 1, 20)
    assert web.metric(ended, task="around.tasks.works", state="success") == 2
    assert web.metric("slipway_celery_task_seconds_bucket", task="around.tasks.works", le="0.1") == 0
    assert web.metric("slipway_celery_task_seconds_bucket", task="around.tasks.works", le="0.5") == 2
    assert 0.4 <= (web.metric("slipway_celery_task_seconds_sum", task="around.tasks.works") or 0) < 1
    assert web.metric("slipway_celery_queue_length", queue="celery") == 0
    assert web.metric("slipway_celery_workers") == 1

    web.browse("/api/artists/")
    eventually(lambda: (web.metric("slipway_db_pool", what="pool_size") or 0) >= 1, 10)
    assert web.metric("slipway_db_pool", what="pool_max") == 10
    web.detailed()
    assert (web.metric("slipway_cache_operations_total", operation="get", result="hit") or 0) >= 1

    assert [web.browse("/call/").body for _ in range(3)] == [
        "ConnectionError",
        "ConnectionError",
        "CircuitBreakerError",
    ]
    eventually(lambda: web.metric("slipway_circuit_state", circuit="acrcloud", state="open") == 1, 5)
    assert web.metric("slipway_circuit_state", circuit="acrcloud", state="closed") == 0

    assert web.metric("slipway_websocket_connections") == 0
    with connect(f"ws://127.0.0.1:{port}/ws/plays/") as socket:
        assert "total" in str(socket.recv(10))
        assert web.metric("slipway_websocket_connections") == 1
    eventually(lambda: web.metric("slipway_websocket_connections") == 0, 5)
    assert web.metric("slipway_websockets_closed_total", code="1000") == 1

    redis.stop()
    assert web.metric("slipway_celery_up") == 0
    web.detailed()
    eventually(lambda: (web.metric("slipway_dependency_done_without") or 0) > 0, 10)
    assert (web.metric("slipway_dependency_away_seconds") or 0) > 0
    assert web.metric("slipway_http_requests_total", route="/api/artists/") is None
    assert web.metric("slipway_http_requests_total", route="api/artists/", status="200") == 1


@pytest.mark.docker
def test_lengths_count_every_priority_below_the_prefix() -> None:
    with redis_server() as redis:
        board = Board(redis.url, "here.")
        for key in ("here.celery", "here.celery\x06\x163", "here.celery\x06\x169", "celery"):
            board.redis.rpush(key, "message")
        board.redis.hset("here.unacked", "one", "message")
        assert board.lengths(["celery", "other"]) == ({"celery": 3, "other": 0}, 1)
        board.redis.close()
