"""The roles worker and beat on a small project: found, waited for, beating, stopped."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from slipway_runtime.beat import ticking

from tests.hosts import docker_client, have, network

from .conftest import RUNTIME, Running, eventually

SETTINGS = """
import os
SECRET_KEY = "throwaway"
INSTALLED_APPS = []
USE_TZ = True
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
CELERY_BROKER_URL = os.environ.get("REDIS_URL", "memory://")
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_WORKER_CONCURRENCY = 1
CELERY_TASK_IGNORE_RESULT = True
# A second app of the same name, as the real monorepo's settings make one: nobody may take it for the project's.
from celery import Celery
app = Celery("core")
app.decoy = True
"""
CELERY = """
import os, time
from celery import Celery
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "core.settings")
app = Celery("core")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
@app.task
def sleep(seconds):
    print("task begins", flush=True)
    time.sleep(seconds)
    print("task ends", flush=True)
"""


@pytest.fixture
def core(tmp_path: Path) -> Path:
    """The folder of a project's package `core`."""
    core = tmp_path / "core"
    core.mkdir()
    (core / "__init__.py").write_text("from core.celery import app as celery_app\n")
    (core / "settings.py").write_text(SETTINGS)
    (core / "celery.py").write_text(CELERY)
    return core


@pytest.fixture
def role(python: Callable[..., Running], core: Path) -> Callable[..., Running]:
    """Start a role as the image does."""

    def start(name: str, **variables: str) -> Running:
        return python(
            "-m",
            "slipway_runtime.start",
            name,
            DJANGO_SETTINGS_MODULE="core.settings",
            SLIPWAY_CELERY="core",
            **variables,
        )

    return start


@pytest.fixture
def green(python: Callable[..., Running]) -> Callable[[], bool]:
    script = str(RUNTIME / "slipway_runtime" / "healthcheck.py")
    return lambda: python("-I", "-S", script).ends() == 0


@pytest.mark.parametrize("name", ["core", "core.celery", "core.celery:app"])
@pytest.mark.parametrize("package", ["", "from core.celery import app as celery_app\n"])
def test_the_projects_app_is_found_as_celery_finds_it(
    python: Callable[..., Running], core: Path, name: str, package: str
) -> None:
    (core / "__init__.py").write_text(package)
    ask = (
        "from slipway_runtime.celery_app import load\n"
        "app = load()\n"
        "assert 'core.celery.sleep' in app.tasks and not hasattr(app, 'decoy'), app"
    )
    running = python("-c", ask, DJANGO_SETTINGS_MODULE="core.settings", SLIPWAY_CELERY=name)
    assert running.ends(20) == 0, running.lines


@pytest.mark.slow
def test_a_worker_beats_from_its_loop_and_stops_warm(
    role: Callable[..., Running], green: Callable[[], bool], run_dir: Path
) -> None:
    running = role("worker")
    heartbeat = run_dir / "worker.heartbeat"
    eventually(heartbeat.exists, 20, lambda: "".join(running.lines))
    first = heartbeat.stat().st_mtime
    eventually(lambda: heartbeat.stat().st_mtime > first, 3)
    assert green()
    running.process.terminate()
    eventually((run_dir / "draining").exists)
    assert not green()
    assert running.ends(15) == 0


@pytest.mark.slow
def test_beat_beats_although_nothing_is_due_and_stops_at_once(
    role: Callable[..., Running], green: Callable[[], bool], run_dir: Path
) -> None:
    running = role("beat")
    heartbeat = run_dir / "beat.heartbeat"
    eventually(heartbeat.exists, 20, lambda: "".join(running.lines))
    first = heartbeat.stat().st_mtime
    eventually(lambda: heartbeat.stat().st_mtime > first, 8)
    assert green()
    begin = time.monotonic()
    running.process.terminate()
    assert running.ends(10) == 0
    assert time.monotonic() - begin < 5
    assert not list(run_dir.parent.glob("celerybeat*"))  # its schedule lies where the image may write


def test_a_tick_that_fails_is_no_heartbeat(monkeypatch: pytest.MonkeyPatch) -> None:
    class Scheduler:
        def tick(self, works: bool) -> float:
            if not works:
                raise OSError
            return 3.5

    hearts: list[str] = []
    monkeypatch.setattr("slipway_runtime.state.beat_heart", hearts.append)
    scheduler = ticking(Scheduler)()
    assert scheduler.tick(works=True) == 3.5
    with pytest.raises(OSError):  # noqa: PT011
        scheduler.tick(works=False)
    assert hearts == ["beat"]
    assert repr(ticking(Scheduler)) == repr(Scheduler)


@pytest.mark.parametrize("name", ["worker", "beat"])
def test_a_broker_that_is_not_there_ends_the_role_after_the_deadline(
    role: Callable[..., Running], port: int, name: str
) -> None:
    running = role(name, REDIS_URL=f"redis://:hunter2@127.0.0.1:{port}/0", SLIPWAY_WAIT_SECONDS="1")
    assert running.ends(20) == 1
    running.says(f"127.0.0.1:{port}")
    running.says("did not answer within 1 s")
    assert not any("hunter2" in line for line in running.lines)


@pytest.fixture
def redis() -> Iterator[tuple[str, Callable[[], None], Callable[[], None]]]:
    """A Redis server: its URL, and what makes it hang and go on."""
    have("redis")
    with docker_client() as client, network() as net:
        container = client.containers.run(
            "slipway/base-redis:bookworm", detach=True, network=net, labels={"slipway.test": "redis"}
        )
        try:
            container.reload()
            address = container.attrs["NetworkSettings"]["Networks"][net]["IPAddress"]
            yield f"redis://{address}:6379/0", container.pause, container.unpause
        finally:
            container.remove(force=True, v=True)


@pytest.mark.docker
def test_a_worker_whose_broker_hangs_stops_beating_and_comes_back(
    role: Callable[..., Running], run_dir: Path, redis: tuple[str, Callable[[], None], Callable[[], None]]
) -> None:
    url, hang, go_on = redis
    heartbeat = run_dir / "worker.heartbeat"
    running = role("worker", REDIS_URL=url)
    eventually(heartbeat.exists, 20, lambda: "".join(running.lines))
    hang()
    # The loop stands still at its next word to the broker; the worker says something every two seconds.
    eventually(lambda: time.time() - heartbeat.stat().st_mtime > 3, 12)
    go_on()
    eventually(lambda: time.time() - heartbeat.stat().st_mtime < 1.5, 10)


@pytest.mark.docker
def test_a_running_task_ends_before_its_worker_does(
    role: Callable[..., Running],
    core: Path,
    run_dir: Path,
    redis: tuple[str, Callable[[], None], Callable[[], None]],
    python: Callable[..., Running],
) -> None:
    running = role("worker", REDIS_URL=redis[0])
    eventually((run_dir / "worker.heartbeat").exists, 20, lambda: "".join(running.lines))
    send = "from core.celery import sleep; sleep.delay(2)"
    assert python("-c", send, REDIS_URL=redis[0]).ends(20) == 0
    running.says("task begins")
    running.process.terminate()
    assert running.ends(15) == 0
    assert any("task ends" in line for line in running.lines)
