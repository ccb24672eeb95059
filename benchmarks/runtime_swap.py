"""A container replaced behind the real Traefik under 200 requests a second and 50 WebSockets: who notices?"""

import asyncio
import http.client
import json
import subprocess
import sys
import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import docker
from figures import ROOT, Figure
from runtime_parts import LABEL, PASSWORD, free_port, new_key, until
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, WebSocketException

RATE, CLIENTS, SOCKETS = 200, 20, 50
HOST = "api.localhost"


def image_of(source: Path) -> str:
    """Build the backend of a workspace as `inv build.backend` does and return its id."""
    words = (sys.executable, "-m", "invoke", "--search-root", str(ROOT), "build.backend", "--source", str(source))
    ran = subprocess.run((*words, "--format", "json"), stdout=subprocess.PIPE, text=True, check=True, cwd=ROOT)
    return str(json.loads(ran.stdout)["images"]["backend"]["id"])


@dataclass
class Seen:
    """What the clients saw. `back` are the seconds from a WebSocket's end to the next first message."""

    answers: Counter[str] = field(default_factory=Counter)
    slowest: float = 0.0
    codes: Counter[int] = field(default_factory=Counter)
    back: list[float] = field(default_factory=list)


class Stage:
    """A network with PostgreSQL, Redis and Traefik on it; backends come and go. All of it goes at the end."""

    def __init__(self, image: str, stack: ExitStack) -> None:
        self.client = docker.from_env()
        self.image, self._stack, self.name = image, stack, f"slipway-bench-{uuid.uuid4().hex[:8]}"
        stack.callback(self.client.close)
        self.network = self.client.networks.create(self.name, labels={LABEL: "benchmark"})
        stack.callback(self.network.remove)
        self.port = free_port()
        self.variables = {
            "DJANGO_SETTINGS_MODULE": "slipway_runtime.settings",
            "SECRET_KEY": new_key(),
            "ALLOWED_HOSTS": f"{HOST},localhost",
            "BASE_URL": f"https://{HOST}",
            "CORS_ALLOWED_ORIGINS": "https://portal.example.org",
            "CSRF_TRUSTED_ORIGINS": "https://portal.example.org",
            "SECURE_SSL_REDIRECT": "false",  # no certificates here
            "DATABASE_URL": f"postgres://app:{PASSWORD}@postgres/app",
            "REDIS_URL": "redis://redis/0",
            "RATE_LIMIT_CLIENT": "1000000",  # all clients have one address here
            "WEB_CONCURRENCY": "1",
        }

    def run(self, image: str, alias: str, **options: Any) -> Any:
        """Start a container on the network."""
        labels = {LABEL: "benchmark", **options.pop("labels", {})}
        container = self.client.containers.create(image, detach=True, labels=labels, **options)
        self._stack.callback(container.remove, force=True, v=True)
        self.network.connect(container, aliases=[alias])
        container.start()
        return container

    def begin(self) -> None:
        """Start everything but the backends, and migrate."""
        variables = {"POSTGRES_USER": "app", "POSTGRES_DB": "app", "POSTGRES_PASSWORD": PASSWORD}
        postgres = self.run("slipway/base-postgres:bookworm", "postgres", environment=variables)
        self.run("slipway/base-redis:bookworm", "redis")
        ready = ["pg_isready", "-q", "-h", "127.0.0.1", "-U", "app"]
        until(lambda: postgres.exec_run(ready).exit_code == 0, 40, "PostgreSQL")
        migrate = self.run(self.image, "migrate", command=["migrate"], environment=self.variables)
        if migrate.wait(timeout=120)["StatusCode"]:
            raise RuntimeError(migrate.logs(tail=20).decode(errors="replace"))
        self.run(
            "slipway/base-traefik:bookworm",
            "traefik",
            command=[
                "--entrypoints.http.address=:80",
                "--providers.docker=true",
                "--providers.docker.exposedbydefault=false",
                f"--providers.docker.network={self.name}",
                f"--providers.docker.constraints=Label(`slipway.stage`,`{self.name}`)",
            ],
            volumes={"/var/run/docker.sock": {"bind": "/var/run/docker.sock", "mode": "ro"}},
            ports={"80/tcp": ("127.0.0.1", self.port)},
        )

    def backend(self) -> Any:
        """Start a backend with the labels that Coolify writes and wait until it is healthy."""
        labels = {
            "slipway.stage": self.name,
            "traefik.enable": "true",
            "traefik.http.routers.api.rule": f"Host(`{HOST}`)",
            "traefik.http.routers.api.entrypoints": "http",
            "traefik.http.services.api.loadbalancer.server.port": "8000",
        }
        one = self.run(self.image, "backend", environment=self.variables, labels=labels)

        def healthy() -> bool:
            one.reload()
            return bool(one.attrs["State"]["Health"]["Status"] == "healthy")

        until(healthy, 90, "a healthy backend")
        return one


def _ask(port: int, seen: Seen, over: threading.Event) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    due = time.monotonic()
    while not over.is_set():
        begin = time.monotonic()
        try:
            connection.request("GET", "/", headers={"Host": HOST})
            response = connection.getresponse()
            response.read()
            seen.answers[str(response.status)] += 1
        except (OSError, http.client.HTTPException) as error:
            seen.answers[type(error).__name__] += 1
            connection.close()
        seen.slowest = max(seen.slowest, time.monotonic() - begin)
        due += CLIENTS / RATE  # of the clock, not of the answer: a slow one does not lower the rate
        time.sleep(max(0.0, due - time.monotonic()))
    connection.close()


async def _listen(port: int, seen: Seen, over: threading.Event) -> None:
    ended: float | None = None
    while not over.is_set():
        try:
            async with connect(f"ws://{HOST}/ws/plays/", host="127.0.0.1", port=port, open_timeout=5) as one:
                await one.recv()
                if ended is not None:
                    seen.back.append(time.monotonic() - ended)
                    ended = None
                while not over.is_set():
                    with suppress(TimeoutError):
                        await asyncio.wait_for(one.recv(), 0.5)
        except ConnectionClosed as closed:
            seen.codes[closed.rcvd.code if closed.rcvd else 1006] += 1
            ended = time.monotonic() if ended is None else ended
        except (OSError, WebSocketException):
            seen.codes[0] += 1
            ended = time.monotonic() if ended is None else ended
        await asyncio.sleep(0.1)


async def _listen_all(port: int, seen: Seen, over: threading.Event) -> None:
    await asyncio.gather(*(_listen(port, seen, over) for _ in range(SOCKETS)))


@contextmanager
def _load(port: int) -> Iterator[Seen]:
    seen, over = Seen(), threading.Event()
    threads = [threading.Thread(target=_ask, args=(port, seen, over)) for _ in range(CLIENTS)]
    threads.append(threading.Thread(target=lambda: asyncio.run(_listen_all(port, seen, over))))
    for one in threads:
        one.start()
    try:
        yield seen
    finally:
        over.set()
        for one in threads:
            one.join(30)


def measure(source: Path) -> list[Figure]:
    """Replace a backend once under load."""
    with ExitStack() as stack:
        stage = Stage(image_of(source), stack)
        stage.begin()
        old = stage.backend()
        until(lambda: _through(stage.port) == 200, 20, "Traefik's route")
        with _load(stage.port) as seen:
            begin = time.monotonic()
            time.sleep(4)
            stage.backend()
            time.sleep(2)
            old.stop(timeout=45)
            time.sleep(4)
            seconds = time.monotonic() - begin
        until(lambda: _through(stage.port) == 200, 5, "the route after it")
    failed = sum(count for answer, count in seen.answers.items() if answer != "200")
    wrong = sum(count for code, count in seen.codes.items() if code != 1012)
    return [
        Figure("container replaced: requests", sum(seen.answers.values()), ""),
        Figure("container replaced: rate", sum(seen.answers.values()) / seconds, "requests/s"),
        Figure("container replaced: failed requests", failed, "", "0", failed == 0),
        Figure("container replaced: slowest request", seen.slowest, "s"),
        Figure("container replaced: WebSockets closed with 1012", seen.codes[1012], ""),
        Figure("container replaced: WebSockets that ended otherwise", wrong, "", "0", wrong == 0),
        Figure(
            "container replaced: last client back after",
            max(seen.back, default=99.0),
            "s",
            "<= 2",
            bool(seen.back) and max(seen.back) <= 2,
        ),
    ]


def _through(port: int) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/", headers={"Host": HOST})
        return connection.getresponse().status
    finally:
        connection.close()
