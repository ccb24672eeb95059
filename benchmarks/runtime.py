"""The figures of the runtime: servers, the overlay's cost, faults, a worker and a container replaced, all in one run.

    .venv/bin/python benchmarks/runtime.py [--source PATH] [--only servers,overlay,degraded,faults,swap] [--format json]

Everything is real and local: PostgreSQL, Redis and Traefik in containers, the project's own backend, wrk for load. A
busy machine shows in requests a second and latencies; CPU time a request and what is compared in turns say more there.
"""

import argparse
import http.client
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import runtime_faults
import runtime_overlay
import runtime_servers
import runtime_swap
from figures import ROOT, Figure, tell
from runtime_parts import Project, Store, free_port, new_key, postgres_server, redis_server, status, until


@contextmanager
def prepared(source: Path) -> Iterator[tuple[Project, Store]]:
    """Yield the workspace's backend, migrated, with its static files collected, and its Redis."""
    with redis_server() as redis, postgres_server() as postgres, tempfile.TemporaryDirectory() as folder:
        variables = {
            "SECRET_KEY": new_key(),
            "DATABASE_URL": postgres.url,
            "REDIS_URL": redis.url,
            "DB_CONN_MAX_AGE": "0",  # a connection kept for a thread that ends is lost: 600 fills the server in seconds
            "DB_POOL_SIZE": "5",
        }
        project = Project(source / "zamio_backend", Path(folder), variables)
        project.run("manage.py", "migrate", "--noinput", DJANGO_SETTINGS_MODULE="core.settings")
        yield project, redis


def servers(source: Path, *, every: bool) -> list[Figure]:
    """Measure the web role against ZamIO's command; with `every`, print the table of all servers to standard error."""
    names = (
        list(runtime_servers.COMMANDS)
        if every
        else [runtime_servers.DAPHNE, runtime_servers.SHIPPED, runtime_servers.UNLIMITED]
    )
    with prepared(source) as (project, _):
        rows = runtime_servers.compare(project, names, (1, 2), seconds=3, rounds=3)
        if every:
            codes = {name: runtime_servers.close_code(project, name, 2) for name in names}
            sys.stderr.write(runtime_servers.table(rows, codes) + "\n")
    return runtime_servers.figures(rows)


def overlay(source: Path) -> list[Figure]:
    """Measure what the overlay costs a request."""
    with prepared(source) as (project, _):
        return runtime_overlay.measure(project)


def degraded(source: Path) -> list[Figure]:
    """Stop Redis and ask how it is, from inside."""
    port = free_port()
    words = ("python", "-m", "slipway_runtime.start", "web")
    own = {"DJANGO_SETTINGS_MODULE": "slipway_runtime.settings", "PORT": str(port), "SLIPWAY_DRAIN_SECONDS": "0"}
    with prepared(source) as (project, redis), project.running(*words, **own):
        until(lambda: status(port) == 200, 60, "the server")
        until(lambda: _detailed(port)[2] == "ok", 10, "a cache that is well")
        redis.container.stop(timeout=5)
        time.sleep(3)
        answered, said, cache = _detailed(port)
        slow = [_timed(lambda: status(port, "/")) for _ in range(20)]
    name = "Redis stopped: /health/detailed/"
    good = (said, cache) == ("degraded", "failing")
    return [
        Figure(f"{name} answers", answered, "", "200", answered == 200),
        Figure(f"{name} says {said!r}, its cache {cache!r}", float(good), "", "degraded", good),
        Figure("Redis stopped: slowest of 20 requests", max(slow) * 1000, "ms", "<= 1000", max(slow) <= 1),
    ]


def _detailed(port: int) -> tuple[int, str, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", "/health/detailed/")
        response = connection.getresponse()
        report = json.loads(response.read())
        return response.status, str(report["status"]), str(report["checks"]["cache"]["status"])
    finally:
        connection.close()


def _timed(ask: Callable[[], object]) -> float:
    begin = time.monotonic()
    ask()
    return time.monotonic() - begin


def main() -> int:
    """Print the table, or one JSON document; 1 where a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--source", type=Path, default=ROOT / "example")
    parser.add_argument("--only", default="servers,overlay,degraded,faults,swap", help="which parts, with commas")
    parser.add_argument("--every-server", action="store_true", help="compare uvicorn, gunicorn and granian too")
    parser.add_argument("--format", choices=("text", "json"), default="text")
    given = parser.parse_args()
    source = given.source.resolve()
    parts: dict[str, Callable[[], list[Figure]]] = {
        "servers": lambda: servers(source, every=given.every_server),
        "overlay": lambda: overlay(source),
        "degraded": lambda: degraded(source),
        "faults": runtime_faults.figures,
        "swap": lambda: runtime_swap.measure(source),
    }
    if unknown := set(given.only.split(",")) - set(parts):
        parser.error(f"there is no {', '.join(sorted(unknown))}; there are {', '.join(parts)}")
    found = [figure for name, measure in parts.items() if name in given.only.split(",") for figure in measure()]
    return tell(found, given.format)


if __name__ == "__main__":
    sys.exit(main())
