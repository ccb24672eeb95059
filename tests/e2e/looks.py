"""What a test sees of a standing rehearsal by routes of its own: the engine, the API, SQL, files on the host."""

import json
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker
import httpx

from tests.e2e.person import ROOT
from tests.e2e.traffic import Visitor
from tests.hosts import run_in

FOLDER = ROOT / ".slipway" / "rehearsal"
LABEL = "slipway.rehearsal=rehearsal"
STATE = "/data/slipway/rehearsal"
SERVICES = ("api", "worker", "beat", "frontend", "admin", "publisher", "stations")
IMAGES = {name: "backend" if name in SERVICES[:3] else name for name in SERVICES}


@dataclass
class Looks:
    """Looks at the ground that stands; nothing here goes through the code under test."""

    client: docker.DockerClient

    @property
    def ground(self) -> dict[str, Any]:
        """Where the ground is, as the rehearsal left it for later commands."""
        found: dict[str, Any] = json.loads((FOLDER / "ground.json").read_text())
        return found

    @property
    def visitor(self) -> Visitor:
        return Visitor(FOLDER / "ca.pem")

    def containers(self, *labels: str) -> list[Any]:
        """Containers of the rehearsal, running or not."""
        found = self.client.containers.list(all=True, filters={"label": [LABEL, *labels]}, ignore_removed=True)
        return list(found)

    def platform(self, path: str) -> Any:
        """GET of the platform's API with the rehearsal's own token."""
        headers = {"Authorization": f"Bearer {self.ground['coolify_token']}"}
        answer = httpx.get(f"{self.ground['coolify_url']}/api/v1{path}", headers=headers, trust_env=False, timeout=30)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def tags(self) -> dict[str, str]:
        """Service -> the tag that the platform is configured to run."""
        return {one["name"]: one["docker_registry_image_tag"] for one in self.platform("/applications")}

    def running(self) -> dict[str, Any]:
        """Service -> its one running container, by the platform's uuid; two of one service are an error here."""
        found: dict[str, Any] = {}
        for one in self.platform("/applications"):
            listed = [c for c in self.containers(f"coolify.name={one['uuid']}") if c.status == "running"]
            assert len(listed) == 1, (one["name"], [c.name for c in listed])
            found[one["name"]] = listed[0]
        return found

    def ids(self) -> dict[str, str]:
        """Service -> id of its running container."""
        return {name: str(container.id) for name, container in self.running().items()}

    def settled(self, seconds: float = 60.0) -> None:
        """Wait until every service has one container: what is being stopped is gone."""
        until = time.monotonic() + seconds
        while len(self.containers("coolify.type=application")) != len(SERVICES):
            assert time.monotonic() < until, [c.name for c in self.containers("coolify.type=application")]
            time.sleep(0.3)

    def sql(self, query: str) -> str:
        """One answer of PostgreSQL, asked inside its own container."""
        (database,) = (c for c in self.containers("coolify.type=database") if "postgres" in c.attrs["Config"]["Image"])
        code, said = run_in(database, "sh", "-c", f'psql -X -At -U "$POSTGRES_USER" -d "$POSTGRES_DB" -c "{query}"')
        assert code == 0, said
        return said.strip()

    def host(self, script: str) -> str:
        """What a shell says on the host, through the engine instead of SSH."""
        (host,) = self.containers("slipway.part=host")
        code, said = run_in(host, "sh", "-c", script)
        assert code == 0, said
        return said.strip()

    @contextmanager
    def small_disk(self, folder: str, size: str) -> Iterator[None]:
        """Mount an empty file system of `size` over a folder of the host; that takes root on this machine."""
        (host,) = self.containers("slipway.part=host")
        inside = ("nsenter", "--target", str(host.attrs["State"]["Pid"]), "--mount")
        subprocess.run([*inside, "mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder], check=True)
        try:
            yield
        finally:
            subprocess.run([*inside, "umount", folder], check=True)

    def history(self) -> list[dict[str, Any]]:
        """The releases as the file on the host has them."""
        return [json.loads(line) for line in self.host(f"cat {STATE}/history.jsonl").splitlines()]

    def is_locked(self) -> bool:
        return self.host(f"test -e {STATE}/lock && echo held || echo free") == "held"

    def left(self) -> list[str]:
        """Everything on the engine that carries the rehearsal's label."""
        label: dict[str, Any] = {"label": LABEL.partition("=")[0]}
        return [
            *(str(c.name) for c in self.client.containers.list(all=True, filters=label, ignore_removed=True)),
            *(str(v.name) for v in self.client.volumes.list(filters=label)),
            *(str(n.name) for n in self.client.networks.list(filters=label)),
        ]


@contextmanager
def refusing(client: docker.DockerClient, container: Any, port: int) -> Iterator[None]:
    """Have a container's port refuse every connection, as that of a program that is gone, without changing its address.

    The rule is set in the container's own network by the machine's iptables, which every Docker engine comes with.
    """

    def rule(act: str) -> None:
        argv = ["/host", "iptables", act, "INPUT", "-p", "tcp", "--dport", str(port), "-j", "REJECT"]
        client.containers.run(
            "slipway/base-sshd:bookworm",
            [*argv, "--reject-with", "tcp-reset"],
            entrypoint="chroot",
            network_mode=f"container:{container.id}",
            volumes={"/": {"bind": "/host", "mode": "ro"}},
            cap_add=["NET_ADMIN", "NET_RAW"],
            environment={"PATH": "/usr/sbin:/sbin:/usr/bin:/bin"},
            labels={"slipway.test": "refusing"},
            remove=True,
        )

    rule("-I")
    try:
        yield
    finally:
        rule("-D")


def forget_images(client: docker.DockerClient, tags: list[str]) -> None:
    """Remove the names that images of a checkout's revisions got; what they share with others stays in the cache."""
    for image in client.images.list():
        for name in [name for name in image.tags if name.rpartition(":")[2] in tags]:
            client.images.remove(name, force=True)


def secrets() -> dict[str, str]:
    """What nobody may ever read anywhere: the rehearsal's own secrets and the platform's token."""
    lines = (FOLDER / "secrets.env").read_text().splitlines()
    made_up = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    token = json.loads((FOLDER / "ground.json").read_text())["coolify_token"]
    return {**made_up, "token": token.partition("|")[2]}


@contextmanager
def watching_command_lines() -> Iterator[set[str]]:
    """Collect every command line of this machine, those inside containers included, a few times a second."""
    seen: set[str] = set()
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(0.25):
            for file in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    seen.add(file.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
                except OSError:
                    continue  # that process ended meanwhile

    thread = threading.Thread(target=watch, name="watch")
    thread.start()
    try:
        yield seen
    finally:
        ended.set()
        thread.join(10)
