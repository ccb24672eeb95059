"""What a served project makes of faults: Redis stopped and hanging, PostgreSQL restarted, a worker replaced.

    .venv/bin/python benchmarks/runtime_faults.py [--tasks 1000] [--format json]

The project is the small one of the tests; PostgreSQL and Redis are real, in containers, and so are the faults.
"""

import argparse
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from figures import Figure, tell
from runtime_parts import Project, Store, end, free_port, postgres_server, redis_server, status, until

from tests.runtime import small_project

COMMAND = "benchmarks/runtime_faults.py"
RATE = 50  # requests a second
CLIENTS = 10


@dataclass(frozen=True)
class Asked:
    """One request: when it began, how long it took in seconds, what was answered (0 for no answer)."""

    at: float
    seconds: float
    status: int


def ask(port: int, path: str) -> Asked:
    """Ask once, with half a minute of patience."""
    at = time.monotonic()
    try:
        answered = status(port, path, 30.0)
    except OSError:
        answered = 0
    return Asked(at, time.monotonic() - at, answered)


def figure(name: str, value: float, unit: str, most: float | None = None) -> Figure:
    """Return a figure whose target, where there is one, is at most `most`."""
    target = None if most is None else f"<= {most:g}"
    return Figure(name, value, unit, target, None if most is None else value <= most, COMMAND)


@contextmanager
def served(project: Project) -> Iterator[int]:
    """Serve the project with one process and yield its port."""
    port = free_port()
    words = ("python", "-m", "slipway_runtime.start", "web")
    with project.running(*words, PORT=str(port), SLIPWAY_ROLE="web", WEB_CONCURRENCY="1", SLIPWAY_DRAIN_SECONDS="0"):
        until(lambda: status(port) == 200, 40, "the server")
        yield port


def without_redis(project: Project, redis: Store) -> list[Figure]:
    """A view with 22 calls to the cache, while Redis is stopped and while it hangs."""
    found = []
    with served(project) as port:
        ask(port, "/many/")
        for name, break_it, repair in (
            ("stopped", lambda: redis.container.stop(timeout=5), lambda: (redis.container.start(), redis.wait())),
            ("hanging", redis.container.pause, redis.container.unpause),
        ):
            break_it()
            answers = [ask(port, "/many/") for _ in range(100)]
            repair()
            wrong = sum(one.status != 200 for one in answers)
            found += [
                figure(f"cached view, Redis {name}: answers other than 200, of 100", wrong, "", 0),
                figure(f"cached view, Redis {name}: first answer", answers[0].seconds * 1000, "ms", 1000),
                figure(f"cached view, Redis {name}: slowest of the others", _slowest(answers[1:]), "ms", 100),
            ]
            time.sleep(2)
    return found


def _slowest(answers: list[Asked]) -> float:
    return max(one.seconds for one in answers) * 1000


def restarted(project: Project, postgres: Store) -> list[Figure]:
    """Fifty requests a second, each with a query, while PostgreSQL is restarted."""
    answers: list[Asked] = []
    over = threading.Event()

    def client(port: int) -> None:
        while not over.is_set():
            answers.append(ask(port, "/sql/"))
            time.sleep(max(0.0, CLIENTS / RATE - (time.monotonic() - answers[-1].at)))

    with served(project) as port:
        clients = [threading.Thread(target=client, args=(port,)) for _ in range(CLIENTS)]
        for one in clients:
            one.start()
        time.sleep(2)
        postgres.container.restart(timeout=2)
        postgres.wait()
        back = time.monotonic()
        time.sleep(8)
        over.set()
        for one in clients:
            one.join(40)
    failed = [one for one in answers if one.status != 200]
    last = max((one.at + one.seconds for one in failed), default=back)
    other = [one.status for one in answers if one.status not in {200, 503}]
    return [
        figure("PostgreSQL restarted: requests", len(answers), ""),
        figure("PostgreSQL restarted: answered 503", len(failed) - len(other), ""),
        figure("PostgreSQL restarted: answered anything else", len(other), "", 0),
        figure("PostgreSQL restarted: slowest request", max(one.seconds for one in answers), "s", 6.5),
        figure("PostgreSQL restarted: last failure after it was back", max(0.0, last - back), "s", 5),
    ]


def replaced(project: Project, redis: Store, tasks: int) -> list[Figure]:
    """Tasks of 10 ms, and a worker that is told to end after a fifth of them; a second one does the rest."""
    redis.container.exec_run(["redis-cli", "flushall"])
    send = f"import django; django.setup()\nfrom core.celery import note\nfor n in range({tasks}): note.delay(n, 0.01)"
    worker = ("python", "-m", "slipway_runtime.start", "worker")
    heartbeat = project.run_dir / "worker.heartbeat"
    heartbeat.unlink(missing_ok=True)
    with project.running(*worker, SLIPWAY_ROLE="worker") as first:
        until(heartbeat.exists, 40, "the worker")
        project.run("-c", send, SLIPWAY_ROLE="web")
        until(lambda: _length(redis) >= tasks / 5, 120, "a fifth of the tasks")
        begin = time.monotonic()
        end(first)
        stopped, before = time.monotonic() - begin, _length(redis)
    with project.running(*worker, SLIPWAY_ROLE="worker"):
        last, since = -1, time.monotonic()
        while time.monotonic() - since < 15 and _length(redis) < tasks:
            if (now := _length(redis)) != last:
                last, since = now, time.monotonic()
            time.sleep(0.1)
        time.sleep(1)
    said = redis.container.exec_run(["redis-cli", "lrange", "noted", "0", "-1"]).output.decode().split()
    counted = Counter(said)
    return [
        figure(f"worker replaced: done by the first of two, of {tasks}", before, ""),
        figure("worker replaced: seconds until the first had ended", stopped, "s", 42),
        figure(f"worker replaced: tasks lost, of {tasks}", tasks - len(counted), "", 0),
        figure(f"worker replaced: tasks run twice, of {tasks}", sum(n > 1 for n in counted.values()), "", 0),
    ]


def _length(redis: Store) -> int:
    return int(redis.container.exec_run(["redis-cli", "llen", "noted"]).output)


def figures(tasks: int = 1000) -> list[Figure]:
    """Measure everything once."""
    with tempfile.TemporaryDirectory() as folder, redis_server() as redis, postgres_server() as postgres:
        run_dir = Path(folder) / "run"
        run_dir.mkdir()
        words = small_project.variables(REDIS_URL=redis.url, DATABASE_URL=postgres.url)
        project = Project(small_project.write(Path(folder)), run_dir, words)
        return [
            *without_redis(project, redis),
            *restarted(project, postgres),
            *replaced(project, redis, tasks),
        ]


def main() -> int:
    """Print the table, or one JSON document; 1 where a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", type=int, default=1000)
    parser.add_argument("--format", choices=("text", "json"), default="text")
    given = parser.parse_args()
    found = figures(given.tasks)
    return tell(found, given.format)


if __name__ == "__main__":
    sys.exit(main())
