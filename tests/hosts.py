"""Disposable parts for tests: an SSH host with the engine's socket, a PostgreSQL server, keys. All are labelled."""

import io
import subprocess
import tarfile
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker
from docker.utils.socket import frames_iter

from slipway.engines.host.ssh_connect import Address

LABEL = "slipway.test"
SSHD = "slipway/base-sshd:bookworm"
POSTGRES = "slipway/base-postgres:bookworm"
TOOLS = "slipway/tools:bookworm"


def have(*names: str) -> None:
    """Make the base images that a test stands on; nothing happens where they are there already."""
    from slipway.engines.images.bases import ensure_bases
    from slipway.engines.images.buildkit import BuildKitImages

    ensure_bases(BuildKitImages(), names, lambda _: None)


@dataclass(frozen=True)
class SshHost:
    """A running host; `folder` holds `id`, `id.pub` and `known_hosts`."""

    container: Any
    folder: Path
    port: int

    @property
    def address(self) -> Address:
        return Address("127.0.0.1", "root", self.folder / "id", self.folder / "known_hosts", self.port, 5.0)

    def sh(self, script: str) -> str:
        """Run a script inside, by another route than SSH."""
        code, said = run_in(self.container, "sh", "-c", script)
        assert code == 0, said
        return said


def keygen(path: Path, passphrase: str = "") -> str:
    """Make an ed25519 key pair and return the public line."""
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", passphrase, "-C", "test", "-f", str(path)], check=True)
    return path.with_name(f"{path.name}.pub").read_text().strip()


@contextmanager
def network() -> Iterator[str]:
    """Make a network and yield its name."""
    with docker_client() as client:
        made = client.networks.create(f"slipway-test-{uuid.uuid4().hex[:12]}", labels={LABEL: "network"})
        try:
            yield str(made.name)
        finally:
            made.remove()


@contextmanager
def ssh_host(folder: Path, tmpfs: Mapping[str, str] | None = None) -> Iterator[SshHost]:
    """Run a host with the engine's socket; `tmpfs` maps folders to mount options (`size=1m`)."""
    have("sshd")
    with docker_client() as client, network() as net:
        container = client.containers.create(
            SSHD,
            network=net,
            labels={LABEL: "ssh-host"},
            name=f"slipway-test-{uuid.uuid4().hex[:12]}",
            ports={"22/tcp": ("127.0.0.1", 0)},
            volumes={"/var/run/docker.sock": {"bind": "/var/run/docker.sock", "mode": "rw"}},
            tmpfs=dict(tmpfs or {}),
        )
        try:
            _put(container, "/etc/ssh", "authorized_keys", f"{keygen(folder / 'id')}\n")
            container.start()
            key = _eventually(lambda: run_in(container, "cat", "/etc/ssh/keys/ssh_host_ed25519_key.pub"), _is_ok)
            container.reload()
            port = int((container.ports["22/tcp"] or [{}])[0]["HostPort"])
            (folder / "known_hosts").write_text(f"[127.0.0.1]:{port} {key[1]}")
            _eventually(container.logs, lambda logs: b"Server listening" in logs)
            yield SshHost(container, folder, port)
        finally:
            container.remove(force=True, v=True)


@contextmanager
def postgres(net: str = "none") -> Iterator[Any]:
    """Run a PostgreSQL server (user and database `app`) and yield its container once it answers."""
    have("postgres")
    with docker_client() as client:
        container = client.containers.run(
            POSTGRES,
            detach=True,
            labels={LABEL: "postgres"},
            name=f"slipway-test-{uuid.uuid4().hex[:12]}",
            environment={"POSTGRES_USER": "app", "POSTGRES_DB": "app", "POSTGRES_PASSWORD": "throwaway-1"},
            network=net,
        )
        try:
            _eventually(lambda: run_in(container, "pg_isready", "-q", "-h", "127.0.0.1", "-U", "app"), _is_ok)
            yield container
        finally:
            container.remove(force=True, v=True)


def sql(container: Any, script: str) -> str:
    """Run SQL as `app` and return what it printed."""
    code, said = run_in(container, "psql", "-X", "-q", "-At", "-U", "app", "-v", "ON_ERROR_STOP=1", "-c", script)
    assert code == 0, said
    return said.strip()


def run_in(container: Any, *argv: str) -> tuple[int, str]:
    """Run a program in a container; return its exit code and both streams. (docker-py's own way leaks the socket.)"""
    api = container.client.api
    started = api.exec_create(container.id, list(argv))["Id"]
    stream = api.exec_start(started, socket=True)
    raw = stream._sock
    try:
        said = b"".join(data for _, data in frames_iter(stream, tty=False))  # type: ignore[no-untyped-call]
    finally:
        stream._response.close()
        raw.close()
    return int(api.exec_inspect(started)["ExitCode"]), said.decode(errors="replace")


def left(label: str) -> list[str]:
    """Return the containers that still carry a label."""
    with docker_client() as client:
        return [str(found.name) for found in client.containers.list(all=True, filters={"label": label})]


@contextmanager
def docker_client() -> Iterator[docker.DockerClient]:
    """Open a client of this machine's engine."""
    client = docker.from_env()
    try:
        yield client
    finally:
        client.close()


def until(holds: Callable[[], bool], seconds: float = 20.0) -> None:
    """Wait until something holds."""
    _eventually(holds, bool, seconds)


def _put(container: Any, folder: str, name: str, text: str) -> None:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.GNU_FORMAT) as tar:
        entry = tarfile.TarInfo(name)
        entry.size, entry.mode = len(text.encode()), 0o600
        tar.addfile(entry, io.BytesIO(text.encode()))
    container.put_archive(folder, packed.getvalue())


def _is_ok(answer: tuple[int, str]) -> bool:
    return answer[0] == 0


def _eventually(ask: Callable[[], Any], good: Callable[[Any], bool], seconds: float = 30.0) -> Any:
    deadline = time.monotonic() + seconds
    answer = None
    while time.monotonic() < deadline:
        with suppress(docker.errors.APIError):
            answer = ask()
            if good(answer):
                return answer
        time.sleep(0.1)
    raise AssertionError(f"it did not come to pass in {seconds:g} s: {answer}")


def is_gone(process: int) -> bool:
    """Whether a process has ended; one that nobody has waited for yet shows no command line any more."""
    try:
        return not Path(f"/proc/{process}/cmdline").read_bytes()
    except FileNotFoundError:
        return True
