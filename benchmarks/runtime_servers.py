"""The servers on the same views, in turns, in one run: requests a second, p99, CPU time, and how they stop."""

import statistics
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from figures import Figure
from runtime_parts import Load, Project, cpu_seconds, free_port, status, until, wrk
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

APPLICATION = "core.asgi:application"
DAPHNE = "daphne, ZamIO's command"
SHIPPED = "Slipway's web role"
UNLIMITED = "Slipway's web role, no rate limit"
COMMANDS: dict[str, tuple[str, ...]] = {
    "uvicorn": (
        *("python", "-m", "uvicorn", APPLICATION, "--host", "127.0.0.1", "--port", "{port}", "--workers", "{n}"),
        *("--loop", "uvloop", "--http", "httptools", "--no-access-log", "--timeout-graceful-shutdown", "5"),
    ),
    "gunicorn + uvicorn-worker": (
        *("python", "-m", "gunicorn", APPLICATION, "-b", "127.0.0.1:{port}", "-w", "{n}", "--graceful-timeout", "5"),
        *("-k", "uvicorn_worker.UvicornWorker", "--no-control-socket"),
    ),
    "granian": (
        *("python", "-m", "granian", "--interface", "asgi", APPLICATION, "--host", "127.0.0.1", "--port", "{port}"),
        *("--workers", "{n}", "--loop", "uvloop", "--no-access-log", "--workers-kill-timeout", "5"),
    ),
    # As in its Dockerfile.prod; it has one process and knows no other number.
    DAPHNE: ("python", "-m", "daphne", "-b", "127.0.0.1", "-p", "{port}", APPLICATION),
    # Uvicorn with everything that the overlay adds; the others serve the bare project.
    SHIPPED: ("python", "-m", "slipway_runtime.start", "web"),
    # What daphne answers too: it counts nobody's requests.
    UNLIMITED: ("python", "-m", "slipway_runtime.start", "web"),
}
VIEWS = {"no database": "/", "database": "/api/artists/"}


@dataclass(frozen=True)
class Row:
    """One server with so many processes on one view; `cpu` is milliseconds of CPU time a request."""

    server: str
    processes: int
    view: str
    rate: float
    p99: float
    cpu: float
    failed: int


def _variables(name: str, port: int, count: int) -> dict[str, str]:
    if name not in (SHIPPED, UNLIMITED):
        return {"DJANGO_SETTINGS_MODULE": "core.settings"}
    # One client asks as fast as it can here, which is what the limit is against.
    limit = {"RATE_LIMIT_CLIENT": "1000000"} if name == SHIPPED else {"RATE_LIMIT_ENABLED": "false"}
    own = {"DJANGO_SETTINGS_MODULE": "slipway_runtime.settings", **limit}
    return {**own, "PORT": str(port), "WEB_CONCURRENCY": str(count), "SLIPWAY_DRAIN_SECONDS": "0"}


def compare(project: Project, servers: Sequence[str], counts: Sequence[int], seconds: int, rounds: int) -> list[Row]:
    """Measure each server with each number of processes; each round asks all, so that a busy minute hits all."""
    which = [(name, count) for count in counts for name in servers if count == 1 or name != DAPHNE]
    seen: dict[tuple[str, int, str], list[tuple[Load, float]]] = {}
    with ExitStack() as stack:
        running = {}
        for name, count in which:
            port = free_port()
            words = [word.format(port=port, n=count) for word in COMMANDS[name]]
            # One process has one CPU and wrk the other; several share both with it, as on the machine itself.
            cpus = "0" if count == 1 else None
            process = stack.enter_context(project.running(*words, cpus=cpus, **_variables(name, port, count)))
            running[name, count] = (port, process.pid)
            until(lambda port=port: status(port) == 200, 60, f"{name} at port {port}")  # type: ignore[misc]
        for port, _ in running.values():
            for path in VIEWS.values():
                wrk(port, path, 1, cpu="1")
        for _ in range(rounds):
            for (name, count), (port, pid) in running.items():
                for view, path in VIEWS.items():
                    before = cpu_seconds(pid)
                    load = wrk(port, path, seconds, cpu="1")
                    used = (cpu_seconds(pid) - before) * 1000 / max(1, load.requests)
                    seen.setdefault((name, count, view), []).append((load, used))
    return [_row(*key, found) for key, found in seen.items()]


def _row(name: str, count: int, view: str, found: Sequence[tuple[Load, float]]) -> Row:
    """Return the round in which the rest of the machine took least."""
    best = max((load for load, _ in found), key=lambda load: load.rate)
    cpu = statistics.median(used for _, used in found)
    return Row(name, count, view, best.rate, best.p99, cpu, sum(load.failed for load, _ in found))


def close_code(project: Project, name: str, count: int) -> int:
    """Return the code that an open WebSocket is closed with at SIGTERM: 1006 for a cut, 0 for none within 20 s."""
    port = free_port()
    words = [word.format(port=port, n=count) for word in COMMANDS[name]]
    with project.running(*words, **_variables(name, port, count)) as process:
        until(lambda: status(port) == 200, 60, f"port {port}")
        time.sleep(1.0)  # the other processes
        with connect(f"ws://127.0.0.1:{port}/ws/plays/", open_timeout=10) as one:
            one.recv(5)
            process.terminate()
            try:
                while True:
                    one.recv(20)
            except ConnectionClosed as closed:
                return closed.rcvd.code if closed.rcvd else 1006
            except TimeoutError:
                return 0


def table(rows: Sequence[Row], codes: dict[str, int]) -> str:
    """Return the rows as a Markdown table."""
    lines = [
        "| server | processes | view | requests/s | p99 ms | CPU ms a request | failed | close code |",
        "|---" * 8 + "|",
    ]
    lines += [
        f"| {row.server} | {row.processes} | {row.view} | {row.rate:.0f} | {row.p99:.1f} | {row.cpu:.2f} "
        f"| {row.failed} | {codes.get(row.server, '')} |"
        for row in rows
    ]
    return "\n".join(lines)


def figures(rows: Sequence[Row]) -> list[Figure]:
    """Return the web role as it is shipped against ZamIO's command, per process and for the machine."""
    found = []
    for view in VIEWS:
        daphne = next(row for row in rows if row.server == DAPHNE and row.view == view)
        shipped = [row for row in rows if row.server in (SHIPPED, UNLIMITED) and row.view == view]
        for row in (daphne, *shipped):
            who = f"{row.server} x {row.processes}, {view}"
            found.append(Figure(who, row.rate, "requests/s"))
            found.append(Figure(f"{who}: p99", row.p99, "ms"))
            found.append(Figure(f"{who}: CPU time", row.cpu, "ms a request"))
        for row in shipped:
            per = "per process" if row.processes == 1 else "the machine"
            how = ", no rate limit" if row.server == UNLIMITED else ""
            ratio = row.rate / daphne.rate
            found.append(Figure(f"{view}, {per}{how}: times daphne", ratio, "x", ">= 2", ratio >= 2))
    return found
