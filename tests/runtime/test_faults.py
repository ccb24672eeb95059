"""A served project under the overlay while its servers stop, hang, restart or are full."""

import http.client
import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from email.message import Message
from pathlib import Path
from typing import Any

import pytest

from . import small_project
from .conftest import Running, eventually
from .faulty import Server, postgres_server, redis_server

pytestmark = [pytest.mark.docker, pytest.mark.slow]


@dataclass(frozen=True)
class Answer:
    status: int
    seconds: float
    headers: Message
    body: Any


@pytest.fixture(scope="module")
def redis() -> Iterator[Server]:
    with redis_server() as server:
        yield server


@pytest.fixture(scope="module")
def postgres() -> Iterator[Server]:
    with postgres_server() as server:
        yield server


def ask(port: int, path: str, seconds: float = 30.0) -> Answer:
    begin = time.monotonic()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=seconds)
    try:
        connection.request("GET", path, headers={"X-Forwarded-Proto": "https"})
        response = connection.getresponse()
        text = response.read().decode()
        body = json.loads(text) if "json" in (response.headers["Content-Type"] or "") else text
        return Answer(response.status, time.monotonic() - begin, response.headers, body)
    finally:
        connection.close()


@pytest.fixture
def serve(
    python: Callable[..., Running], tmp_path: Path, port: int, redis: Server, postgres: Server
) -> Callable[..., Callable[[str], Answer]]:
    """Serve the project and return what asks it for a path."""

    def start(**more: str) -> Callable[[str], Answer]:
        small_project.write(tmp_path)
        words = small_project.variables(PORT=str(port), REDIS_URL=redis.url, DATABASE_URL=postgres.url, **more)
        words["WEB_CONCURRENCY"] = "1"  # pool and guard are a process's own
        running = python("-m", "slipway_runtime.start", "web", **words)

        def up() -> bool:
            try:
                return ask(port, "/health/", 2).status == 200
            except OSError:
                return False

        eventually(up, 30, lambda: "".join(running.lines))
        return lambda path: ask(port, path)

    return start


@pytest.mark.parametrize("backend", ["", "django-redis"])
@pytest.mark.parametrize(("fault", "repair"), [("stop", "start"), ("pause", "unpause")])
def test_a_cached_view_answers_without_redis_and_waits_for_it_once(
    serve: Callable[..., Callable[[str], Answer]], redis: Server, backend: str, fault: str, repair: str
) -> None:
    get = serve(WITH_DJANGO_REDIS=backend)
    assert [get(path).status for path in ("/many/", "/cached/")] == [200, 200]
    getattr(redis, fault)()
    try:
        first, *others = [get("/many/") for _ in range(4)]
        assert (first.status, first.body) == (200, {"found": 20, "value": 7})
        assert first.seconds < 0.95  # one time-out of 0.5 s for 22 calls of the cache and the one of the limiter
        assert {(one.status, one.seconds < 0.2) for one in others} == {(200, True)}
        assert get("/cached/").status == 200
    finally:
        getattr(redis, repair)()
    keys = ("redis-cli", "exists", "slipway.cache:1:written")
    redis.run("redis-cli", "del", "slipway.cache:1:written")
    eventually(lambda: get("/many/").status == 200 and redis.run(*keys) == "1", 5)


@pytest.mark.parametrize(("fault", "repair"), [("stop", "start"), ("pause", "unpause")])
def test_who_sends_a_task_without_a_broker_is_told_so_within_seconds(
    serve: Callable[..., Callable[[str], Answer]], redis: Server, fault: str, repair: str
) -> None:
    get = serve()
    assert get("/send/").status == 200
    getattr(redis, fault)()
    try:
        answer = get("/send/")
        assert (answer.status, answer.headers.get("Retry-After")) == (503, "5"), answer
        assert answer.body["error"]["what"] in {"broker", "redis"}
        assert answer.seconds < 6
    finally:
        getattr(redis, repair)()
    eventually(lambda: get("/send/").status == 200, 10)


@pytest.mark.parametrize("path", ["/sql/", "/rest/"])
def test_a_full_pool_answers_503_when_the_time_is_over_and_hangs_nobody(
    serve: Callable[..., Callable[[str], Answer]], path: str
) -> None:
    get = serve(DB_POOL_SIZE="2", DB_POOL_TIMEOUT="1s")
    with ThreadPoolExecutor(6) as threads:
        slow = [threads.submit(get, f"{path}?seconds=4") for _ in range(2)]
        time.sleep(0.5)
        refused = [threads.submit(get, path) for _ in range(4)]
        answers = [one.result() for one in refused]
        assert [one.status for one in answers] == [503] * 4
        assert all(0.9 < one.seconds < 2 for one in answers)
        assert {one.headers["Retry-After"] for one in answers} == {"1"}
        assert answers[0].body == {"error": {"code": "unavailable", "what": "pool", "retry_after": 1}}
        assert get("/health/").seconds < 0.5
        backends = {one.result().body["backend"] for one in slow}
    assert len(backends) == 2
    after = [get(path) for _ in range(4)]
    assert {one.status for one in after} == {200}
    assert {one.body["backend"] for one in after} <= backends  # the same connections, given back


def test_a_mistake_of_the_program_stays_a_500(serve: Callable[..., Callable[[str], Answer]]) -> None:
    get = serve()
    assert get("/broken/").status == 500


def test_postgres_restarts_under_load_and_no_request_outlives_its_time(
    serve: Callable[..., Callable[[str], Answer]], postgres: Server
) -> None:
    get = serve(DB_POOL_TIMEOUT="1s")
    assert get("/sql/").status == 200
    answers: list[tuple[float, Answer]] = []
    over = threading.Event()

    def client() -> None:
        while not over.is_set():
            at = time.monotonic()
            answers.append((at, get("/sql/")))
            time.sleep(max(0.0, 0.2 - (time.monotonic() - at)))  # ten of them: 50 requests a second

    threads = [threading.Thread(target=client) for _ in range(10)]
    for thread in threads:
        thread.start()
    time.sleep(1)
    postgres.stop()
    time.sleep(3)  # longer than a request waits for a connection
    postgres.start()
    back = time.monotonic()
    time.sleep(7)
    over.set()
    for thread in threads:
        thread.join(30)
    assert {one.status for _, one in answers} == {200, 503}
    assert max(one.seconds for _, one in answers) < 2.5
    failed = [at + one.seconds for at, one in answers if one.status == 503]
    assert max(failed) - back < 5
    assert sum(at > back + 5 for at, _ in answers) > 50
