"""Scene: what stands on a stage. Starts containers beside each other, reads them, takes everything away."""

import secrets
import threading
import time
from collections.abc import Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from slipway.checks.images.processes import processes
from slipway.checks.issue import Issue, Severity
from slipway.config.workspace import Workspace
from slipway.engines.container_host import ExecBackend, container_host
from slipway.errors import Unreachable
from slipway.ports import BuiltImage, Say
from slipway.rehearsal.owner import Owner
from slipway.rehearsal.removal import Removal
from slipway.rehearsal.stage.lines import spoken
from slipway.release.desired import Variables
from slipway.secret import Mask, Secret

if TYPE_CHECKING:
    from collections.abc import Iterator

    import docker
    from docker.models.containers import Container

LABEL = "slipway.stage"
_LOG_SIZE = "4m"  # an image that floods its output must not fill this machine's disk


@dataclass(frozen=True, slots=True)
class Hosts:
    """One container's two shells: testinfra's `host` as the image's user, and as uid 0."""

    user: Any
    root: Any


@dataclass(slots=True)
class Scene:
    """Containers on a network of their own, all with the stage's label. `known` are the secrets to mask in logs."""

    client: "docker.DockerClient"
    workspace: Workspace
    images: Mapping[str, BuiltImage]
    say: Say
    name: str = field(default_factory=lambda: f"slipway-stage-{secrets.token_hex(4)}")
    known: tuple[Secret, ...] = ()
    _containers: dict[str, "Container"] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _is_closed: bool = False

    def open(self) -> None:
        """Make the network."""
        self.client.networks.create(self.name, labels=self._labels)

    def close(self) -> None:
        """Remove everything of this stage and let nothing be started. Raises `Unreachable` naming what still stands."""
        with self._lock:  # a container that is being created is waited for, and found
            self._is_closed = True
        Removal(self.client, (f"{LABEL}={self.name}",), self.name).remove(self.say)

    @property
    def _labels(self) -> dict[str, str]:
        return {LABEL: self.name, **Owner.here().labels()}

    def run(self, name: str, image: str, **options: Any) -> "Container":
        """Start `image` as host `name`. Raises docker's `APIError` where the engine cannot start it."""
        from docker.types import LogConfig

        with self._lock:
            if self._is_closed:
                raise Unreachable("the stage is being taken away", where=self.name)
            container = self.client.containers.create(
                image,
                name=f"{self.name}-{name}",
                hostname=name,
                labels=self._labels,
                detach=True,
                networking_config={self.name: self.client.api.create_endpoint_config(aliases=[name])},
                network=self.name,
                log_config=LogConfig(type="json-file", config={"max-size": _LOG_SIZE, "max-file": "1"}),
                **options,
            )
            self._containers[name] = container
        container.start()
        return container

    def container(self, name: str) -> "Container":
        """Return the container that was started as `name`."""
        return self._containers[name]

    def has(self, name: str) -> bool:
        """Whether a container was started as `name`."""
        return name in self._containers

    def state(self, name: str) -> dict[str, Any]:
        """Return the engine's `State` of a container; of one that was never started `{}`."""
        if name not in self._containers:
            return {}
        found = self.client.api.inspect_container(self._containers[name].id or "")
        state: dict[str, Any] = found["State"]
        return state

    def is_running(self, name: str) -> bool:
        """Whether it runs now."""
        return self.state(name).get("Status") == "running"

    def logs(self, name: str, lines: int = 12) -> tuple[str, ...]:
        """Return its last lines as a person reads them, secrets masked."""
        text = self._containers[name].logs(tail=lines).decode(errors="replace")
        return tuple(spoken(line) for line in Mask(self.known)(text).splitlines())

    def last_words(self, name: str, lines: int = 12) -> str:
        """Return its last lines as one."""
        return " | ".join(line for line in self.logs(name, lines) if line.strip()) or "it said nothing"

    def issue(
        self, name: str, rule: str, message: str, hint: str = "", severity: Severity = Severity.ERROR, where: str = ""
    ) -> Issue:
        """Return an issue about the service `name`; `where` is its image unless given."""
        image = self.images[self.workspace.services[name].image]
        place = where or f"{name} ({image.tags[0]})"
        return Issue(f"images.{rule}", severity, name, place, Mask(self.known)(message), hint)

    @contextmanager
    def hosts(self, name: str) -> "Iterator[Hosts]":
        """Open both shells in a container. Raises `Unreachable` where it has none."""
        with ExitStack() as stack:
            container = self._containers[name].id or ""
            user = stack.enter_context(ExecBackend(self.client, container))
            root = stack.enter_context(ExecBackend(self.client, container, user="0"))
            yield Hosts(container_host(user), container_host(root))


def freeze(hosts: Hosts, *, thaw: bool = False) -> int:
    """Stop every process but the init where it stands (SIGSTOP), or let them go on; return how many there are."""
    frozen: set[int] = set()
    # Again, until none is new: one that was about to fork has a child by now.
    for _ in range(5):
        fresh = set(processes(hosts.root)) - frozen - {1}
        if not fresh:
            break
        hosts.root.run(f"kill -{'CONT' if thaw else 'STOP'} {' '.join(map(str, sorted(fresh)))}")
        frozen |= fresh
        if thaw:
            break
        time.sleep(0.05)
    return len(frozen)


def plain(variables: Variables) -> dict[str, str]:
    """Reveal variables for the engine's API, which is where they leave for the container."""
    return {key: value.reveal() if isinstance(value, Secret) else value for key, value in variables.items()}
