"""What the runtime's figures stand on: real servers in containers, a served project, load that is bounded."""

import http.client
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import docker
from figures import ROOT

RUNTIME = ROOT / "runtime" / "src"
LABEL = "slipway.test"
PASSWORD = "throwaway-1"  # noqa: S105  (of a container that lives for this run)


def free_port() -> int:
    """Return a port of 127.0.0.1 that nothing listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def until(holds: Callable[[], object], seconds: float, what: str) -> None:
    """Ask every 50 ms until it holds; raises TimeoutError."""
    end = time.monotonic() + seconds
    while True:
        with suppress(OSError, http.client.HTTPException):
            if holds():
                return
        if time.monotonic() > end:
            raise TimeoutError(f"{what} not within {seconds:g} s")
        time.sleep(0.05)


@dataclass(frozen=True)
class Store:
    """A container published on 127.0.0.1 at a port that stays when it is stopped and started."""

    container: Any
    port: int
    url: str
    ready: tuple[str, ...]

    def wait(self, seconds: float = 40.0) -> None:
        """Wait until it answers, inside and from here."""
        until(lambda: self.container.exec_run(list(self.ready)).exit_code == 0, seconds, self.url)
        until(lambda: socket.create_connection(("127.0.0.1", self.port), 1).close() is None, seconds, self.url)


@contextmanager
def redis_server() -> Iterator[Store]:
    """Run a Redis."""
    with _store("redis", 6379, {}) as (container, port):
        yield _waited(Store(container, port, f"redis://127.0.0.1:{port}/0", ("redis-cli", "ping")))


@contextmanager
def postgres_server() -> Iterator[Store]:
    """Run a PostgreSQL with a database `app`."""
    variables = {"POSTGRES_USER": "app", "POSTGRES_DB": "app", "POSTGRES_PASSWORD": PASSWORD}
    with _store("postgres", 5432, variables) as (container, port):
        ready = ("pg_isready", "-q", "-h", "127.0.0.1", "-U", "app")
        yield _waited(Store(container, port, f"postgres://app:{PASSWORD}@127.0.0.1:{port}/app", ready))


@contextmanager
def _store(base: str, inside: int, variables: dict[str, str]) -> Iterator[tuple[Any, int]]:
    client = docker.from_env()
    port = free_port()
    container = client.containers.run(
        f"slipway/base-{base}:bookworm",
        detach=True,
        labels={LABEL: "benchmark"},
        environment=variables,
        ports={f"{inside}/tcp": ("127.0.0.1", port)},
    )
    try:
        yield container, port
    finally:
        container.remove(force=True, v=True)
        client.close()


def _waited(store: Store) -> Store:
    store.wait()
    return store


@dataclass
class Project:
    """A backend with its variables, run from its source by this interpreter (or the given one)."""

    source: Path
    run_dir: Path
    variables: dict[str, str] = field(default_factory=dict)
    python: str = sys.executable

    def environment(self, **more: str) -> dict[str, str]:
        """Return what a process of it gets: nothing of this shell but the PATH."""
        own = {
            "PATH": f"{Path(self.python).parent}:{os.environ['PATH']}",
            "PYTHONPATH": f"{RUNTIME}:{self.source}",
            "PYTHONDONTWRITEBYTECODE": "1",
            "SLIPWAY_RUN_DIR": str(self.run_dir),
            "SLIPWAY_PROJECT_SETTINGS": "core.settings",
            "ALLOWED_HOSTS": "127.0.0.1,localhost",
            "CORS_ALLOWED_ORIGINS": "https://portal.example.org",
            "CSRF_TRUSTED_ORIGINS": "https://portal.example.org",
            "BASE_URL": "https://127.0.0.1",
        }
        return {**own, **self.variables, **more}

    def run(self, *words: str, **more: str) -> str:
        """Run `python WORDS` to its end and return what it printed; raises CalledProcessError."""
        ran = subprocess.run(
            (self.python, *words),
            cwd=self.source,
            env=self.environment(**more),
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        if ran.returncode:
            sys.stderr.write(ran.stderr[-3000:])
            ran.check_returncode()
        return ran.stdout

    @contextmanager
    def running(self, *words: str, cpus: str | None = None, **more: str) -> Iterator[subprocess.Popen[bytes]]:
        """Run a program of the environment (`python` is this one) in a session of its own until the block ends."""
        argv = [self.python if word == "python" else word for word in words]
        pinned = ["taskset", "-c", cpus, *argv] if cpus is not None else argv
        log = (self.run_dir / "server.log").open("ab")
        process = subprocess.Popen(
            pinned, cwd=self.source, env=self.environment(**more), stdout=log, stderr=log, start_new_session=True
        )
        try:
            yield process
        finally:
            end(process)
            log.close()


def end(process: subprocess.Popen[bytes]) -> None:
    """End a process of ours and what it started, at once if need be."""
    for number, seconds in ((signal.SIGTERM, 15.0), (signal.SIGTERM, 5.0), (signal.SIGKILL, 5.0)):
        if process.poll() is not None:
            break
        process.send_signal(number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(seconds)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def status(port: int, path: str = "/health/", seconds: float = 5.0) -> int:
    """Ask once, as a proxy does that took the request over https."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=seconds)
    try:
        connection.request("GET", path, headers={"X-Forwarded-Proto": "https"})
        response = connection.getresponse()
        response.read()
        return response.status
    finally:
        connection.close()


def new_key() -> str:
    """Return a SECRET_KEY that nobody needs again."""
    return secrets.token_urlsafe(64)


@dataclass(frozen=True)
class Load:
    """What wrk saw: requests a second, latencies in milliseconds, answers that were none or not 2xx or 3xx."""

    rate: float
    median: float
    p99: float
    failed: int
    requests: int


_UNITS = {"us": 0.001, "ms": 1.0, "s": 1000.0, "m": 60_000.0}


def wrk(port: int, path: str, seconds: int = 3, connections: int = 16, cpu: str | None = None) -> Load:
    """Ask one path as fast as it answers, from one thread; raises RuntimeError where wrk is missing."""
    found = shutil.which("wrk")
    if not found:
        raise RuntimeError("wrk is not installed: apt install wrk")
    argv = [found, "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "-H", "X-Forwarded-Proto: https"]
    pinned = ["taskset", "-c", cpu] if cpu is not None else []
    ran = subprocess.run(
        [*pinned, *argv, f"http://127.0.0.1:{port}{path}"], stdout=subprocess.PIPE, text=True, check=True, timeout=120
    )
    said = ran.stdout
    wrong = re.search(r"Non-2xx or 3xx responses: (\d+)", said)
    errors = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", said)
    failed = (int(wrong[1]) if wrong else 0) + (sum(map(int, errors.groups())) if errors else 0)
    rate = re.search(r"Requests/sec:\s+([\d.]+)", said)
    if not rate:
        raise RuntimeError(f"wrk said: {said}")
    requests = re.search(r"(\d+) requests in", said)
    count = int(requests[1]) if requests else 0
    return Load(float(rate[1]), _milliseconds("50%", said), _milliseconds("99%", said), failed, count)


def cpu_seconds(pid: int) -> float:
    """Return the CPU time that a process and those below it have used: what a busy machine does not falsify."""
    stats: dict[int, list[str]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            stats[int(stat.parent.name)] = stat.read_text().rsplit(")", 1)[1].split()
    family, grown = {pid}, True
    while grown:
        more = {one for one, words in stats.items() if int(words[1]) in family} - family
        family, grown = family | more, bool(more)
    ticks = sum(int(stats[one][11]) + int(stats[one][12]) for one in family if one in stats)
    return ticks / os.sysconf("SC_CLK_TCK")


def _milliseconds(name: str, said: str) -> float:
    found = re.search(rf"{re.escape(name)}\s+([\d.]+)(us|ms|s|m)", said)
    return float(found[1]) * _UNITS[found[2]] if found else float("nan")
