"""A worker under the overlay: restarts, a broker that goes away, a Redis that carries everything at once."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from . import small_project
from .conftest import RUNTIME, Running, eventually
from .faulty import Server, redis_server

pytestmark = [pytest.mark.docker, pytest.mark.slow]

TASKS = 100


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with redis_server() as server:
        yield server


@pytest.fixture
def redis(server: Server) -> Server:
    server.run("redis-cli", "flushall")
    return server


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return small_project.write(tmp_path)


@pytest.fixture
def worker(python: Callable[..., Running], project: Path, redis: Server, run_dir: Path) -> Callable[..., Running]:
    """Start a worker and wait until it consumes."""

    def start(**more: str) -> Running:
        heartbeat = run_dir / "worker.heartbeat"
        heartbeat.unlink(missing_ok=True)
        running = python("-m", "slipway_runtime.start", "worker", **words(redis, **more))
        eventually(heartbeat.exists, 30, lambda: "".join(running.lines))
        return running

    return start


def words(redis: Server, **more: str) -> dict[str, str]:
    return small_project.variables(REDIS_URL=redis.url, DB_ALLOW_SQLITE="true", **more)


@pytest.fixture
def code(project: Path, redis: Server) -> Callable[..., Any]:
    """Run code in the project as the web role has it; return what it left in `answer`."""

    def run(text: str) -> Any:
        program = (
            f"import django\ndjango.setup()\nfrom core.celery import *\nimport json\n{text}\nprint(json.dumps(answer))"
        )
        environment = {"PYTHONPATH": f"{RUNTIME}:{project}", **words(redis, SLIPWAY_ROLE="web")}
        ran = subprocess.run(
            [sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=60, check=False
        )
        assert ran.returncode == 0, ran.stderr
        return json.loads(ran.stdout.splitlines()[-1])

    return run


def noted(redis: Server, name: str = "noted") -> list[int]:
    return sorted(int(word) for word in redis.run("redis-cli", "lrange", name, "0", "-1").split())


def test_no_task_is_lost_and_none_runs_twice_when_a_worker_is_replaced(
    worker: Callable[..., Running], code: Callable[..., Any], redis: Server
) -> None:
    first = worker()
    code(f"answer = [note.delay(n, 0.02).id for n in range({TASKS})] and None")
    eventually(lambda: len(noted(redis)) > 5, 20)
    first.process.terminate()
    assert first.ends(20) == 0
    done = len(noted(redis))
    assert done < TASKS, "everything was done before the restart, so nothing was shown"
    time.sleep(0.5)
    assert len(noted(redis)) == done
    worker()
    eventually(lambda: len(noted(redis)) >= TASKS, 30, lambda: str(len(noted(redis))))
    time.sleep(0.5)
    assert noted(redis) == list(range(TASKS))


def test_a_task_longer_than_the_stop_period_comes_back_only_where_it_is_acknowledged_late(
    worker: Callable[..., Running], code: Callable[..., Any], redis: Server
) -> None:
    first = worker(SLIPWAY_GRACE_SECONDS="14", CELERY_WORKER_CONCURRENCY="1")
    code("answer = note_late.delay(1, 20).id")
    eventually(lambda: noted(redis, "begun") == [1], 20)
    begin = time.monotonic()
    first.process.terminate()
    first.ends(30)
    assert time.monotonic() - begin < 14
    worker(CELERY_WORKER_CONCURRENCY="1")
    eventually(lambda: noted(redis, "begun") == [1, 1], 20)


def test_a_worker_takes_tasks_again_after_its_broker_was_away(
    worker: Callable[..., Running], code: Callable[..., Any], redis: Server
) -> None:
    worker()
    code("answer = note.delay(1).id")
    eventually(lambda: noted(redis) == [1], 20)
    redis.stop()
    time.sleep(3)
    redis.start()
    code("answer = note.delay(2).id")
    eventually(lambda: 2 in noted(redis), 30)


def test_the_requests_id_is_the_tasks_id(worker: Callable[..., Running], code: Callable[..., Any]) -> None:
    worker()
    asked = code(
        "from slipway_runtime import request_id\n"
        "token = request_id.current.set('order-4711-of-a-request')\n"
        "first = whose.delay()\n"
        "request_id.current.reset(token)\n"
        "others = [whose.delay() for _ in range(2)]\n"
        "answer = [one.get(timeout=20) for one in (first, *others)]"
    )
    assert asked[0] == "order-4711-of-a-request"
    assert len({*asked}) == 3  # a task that no request sent has an id of its own
    assert all(len(one) == 32 for one in asked[1:])


def test_emptying_the_cache_leaves_tasks_results_and_channels(code: Callable[..., Any], redis: Server) -> None:
    code(
        "from django.core.cache import cache\n"
        "from asgiref.sync import async_to_sync\n"
        "from channels.layers import get_channel_layer\n"
        "cache.set_many({f'key-{n}': n for n in range(2500)})\n"
        "cache.set('odd*[name]?', 1)\n"
        "add.delay(1, 2)\n"
        "app.backend.store_result('11111111-1111-1111-1111-111111111111', 3, 'SUCCESS')\n"
        "async_to_sync(get_channel_layer().group_add)('plays', 'one')\n"
        "answer = None"
    )
    before = kinds(redis)
    assert before >= {"slipway.broker", "slipway.cache", "slipway.channels", "slipway.results"}, before
    assert code("from django.core.cache import cache\nanswer = [cache.clear(), cache.get('key-1')]") == [True, None]
    assert kinds(redis) == before - {"slipway.cache"}
    assert redis.run("redis-cli", "llen", "slipway.broker.celery") == "1"
    assert all(kind.startswith("slipway.") for kind in kinds(redis)), kinds(redis)


def kinds(redis: Server) -> set[str]:
    """Return how the keys begin."""
    return {".".join(key.split(":")[0].split(".")[:2]) for key in redis.run("redis-cli", "keys", "*").split()}


def test_publish_ignores_database_numbers_which_is_why_there_are_prefixes(server: Server) -> None:
    import redis as redis_py

    with redis_py.Redis(port=server.port, db=1) as listener, redis_py.Redis(port=server.port, db=0) as speaker:
        heard = listener.pubsub(ignore_subscribe_messages=True)
        heard.subscribe("channel")
        heard.get_message(timeout=1)
        speaker.publish("channel", "across")
        message = heard.get_message(timeout=2)
        heard.close()
    assert message is not None
    assert message["data"] == b"across"
