"""A stage for built images: every service started from its image beside a real PostgreSQL and Redis, then taken away.

Used by `inv check.images`. What can be asked of a running container is in `checks/images.py`; here is what needs a
signal, a second container or a task sent through the broker.
"""

import json
import secrets
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from slipway.checks.images import HEALTHCHECK, Stage, check_stage
from slipway.checks.issue import Issue, Severity
from slipway.config.workspace import Engine, Role, Workspace
from slipway.engines.container_host import ExecBackend, container_host
from slipway.errors import Refused, SlipwayError, Unreachable
from slipway.ports import BuiltImage, Say
from slipway.rehearsal.engine_says import asking
from slipway.rehearsal.owner import Owner
from slipway.rehearsal.removal import Removal
from slipway.release.desired import Variables
from slipway.secret import Mask, Secret

if TYPE_CHECKING:
    import docker
    from docker.models.containers import Container

LABEL = "slipway.stage"
_DRAIN = 3
# The password goes from the environment to standard input, never to an argument.
_REDIS = ["sh", "-c", "printf 'requirepass %s\\nprotected-mode no\\n' \"$REDISCLI_AUTH\" | exec redis-server -"]
_GREEN_WITHIN = 60.0
_PASSWORD_BYTES = 18


@dataclass(slots=True)
class ImageStage:
    """The stage: use it as a context manager; leaving it removes every container, volume and network it made.

    `images`: image name -> built image; `databases`: engine -> image reference; `variables`: gives a service's
    variables once the databases' URLs are known (keys as in the references, `service.postgres.internal_url`).
    """

    client: "docker.DockerClient"
    workspace: Workspace
    images: Mapping[str, BuiltImage]
    databases: Mapping[Engine, str]
    variables: Callable[[str, Mapping[str, Secret]], Variables]
    say: Say
    name: str = field(default_factory=lambda: f"slipway-stage-{secrets.token_hex(4)}")
    _network: Any = None
    _containers: dict[str, "Container"] = field(default_factory=dict)
    _known: tuple[Secret, ...] = ()

    def __enter__(self) -> Self:
        try:
            with asking(self.name):
                self._open_network()
                self._raise_curtain()
        except BaseException:
            self._leave()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.close()
        else:
            self._leave()

    def close(self) -> None:
        """Remove everything that carries this stage's label. Raises `Unreachable` naming what still stands."""
        Removal(self.client, (f"{LABEL}={self.name}",), self.name).remove(self.say)

    def check(self) -> list[Issue]:
        """Ask everything about every service and return the findings in the workspace's order.

        Raises `Unreachable` when the engine does not answer, or has no room.
        """
        with asking(self.name):
            return self._check()

    def _leave(self) -> None:
        """Close after an error, which is what has to be told."""
        try:
            self.close()
        except SlipwayError as error:
            self.say(f"not all of the stage could be removed: {error.message}; `inv rehearse.down` does so")

    @property
    def _labels(self) -> dict[str, str]:
        return {LABEL: self.name, **Owner.here().labels()}

    def _open_network(self) -> None:
        self._network = self.client.networks.create(self.name, labels=self._labels)

    def _check(self) -> list[Issue]:
        with ThreadPoolExecutor(max_workers=len(self._containers)) as pool:
            found = dict(zip(self._services, pool.map(self._check_service, self._services), strict=True))
        issues = [issue for name in self._services for issue in found[name]]
        issues += self._task_comes_back()
        with ThreadPoolExecutor(max_workers=len(self._containers)) as pool:
            stopped = pool.map(self._stops_well, [n for n in self._services if self._is_running(n)])
        return issues + [issue for listed in stopped for issue in listed]

    @property
    def _services(self) -> tuple[str, ...]:
        return tuple(self.workspace.services)

    def _raise_curtain(self) -> None:
        password = Secret(secrets.token_urlsafe(_PASSWORD_BYTES))
        urls: dict[str, Secret] = {}
        for name, database in self.workspace.databases.items():
            image = self.databases[database.engine]
            if database.engine is Engine.POSTGRESQL:
                environment = {"POSTGRES_USER": "app", "POSTGRES_DB": "app", "POSTGRES_PASSWORD": password.reveal()}
                self._run(name, image, environment=environment)
                url = f"postgres://app:{password.reveal()}@{name}:5432/app"
            else:
                # Its address is a secret only with a password: a project's default address is no leak of it.
                self._run(name, image, command=_REDIS, environment={"REDISCLI_AUTH": password.reveal()})
                url = f"redis://default:{password.reveal()}@{name}:6379/0"
            urls[f"service.{name}.internal_url"] = Secret(url)
        self.say("PostgreSQL and Redis started")
        self._await_databases()
        first = self.workspace.services_with(Role.WEB)[0]
        self._migrate(first, self.variables(first, urls))
        for name, service in self.workspace.services.items():
            variables = {**self.variables(name, urls), "SLIPWAY_DRAIN_SECONDS": str(_DRAIN)}
            self._known += tuple(v for v in variables.values() if isinstance(v, Secret))
            image = self.images[service.image].id
            self._run(name, image, environment=_plain(variables) | {"SLIPWAY_ROLE": str(service.role)})
        self.say(f"{len(self._services)} services started")

    def _run(self, name: str, image: str, **options: Any) -> "Container":
        container = self.client.containers.create(
            image,
            name=f"{self.name}-{name}",
            hostname=name,
            labels=self._labels,
            detach=True,
            networking_config={self.name: self.client.api.create_endpoint_config(aliases=[name])},
            network=self.name,
            **options,
        )
        container.start()
        self._containers[name] = container
        return container

    def _await_databases(self, seconds: float = 45) -> None:
        asks = {Engine.POSTGRESQL: "pg_isready -q -h 127.0.0.1 -U app -d app", Engine.REDIS: "redis-cli ping"}
        deadline = time.monotonic() + seconds
        for name, database in self.workspace.databases.items():
            while self._containers[name].exec_run(["sh", "-c", asks[database.engine]])[0] != 0:
                if time.monotonic() > deadline:
                    raise Unreachable(f"{name} is not ready after {seconds:.0f} s", details=self._logs(name))
                time.sleep(0.2)

    def _migrate(self, name: str, variables: Variables) -> None:
        container = self._run(
            "migrate",
            self.images[self.workspace.services[name].image].id,
            command=["migrate"],
            environment=_plain(variables) | {"SLIPWAY_ROLE": "migrate"},
        )
        code = self._end_of(container)
        if code != 0:
            raise Refused(
                f"the migrations do not apply to an empty database (exit {code})",
                where=f"image {self.workspace.services[name].image}",
                details=self._logs("migrate"),
            )
        self.say("migrations applied to an empty database")

    def _end_of(self, container: "Container", seconds: float = 600) -> int:
        """Wait for the migrations' end and return their exit code."""
        import requests

        try:
            return int(container.wait(timeout=int(seconds))["StatusCode"])
        # A timeout in the middle of an answer arrives as a lost connection.
        except (requests.Timeout, requests.ConnectionError) as error:
            raise Refused(
                f"the migrations of an empty database did not end within {seconds:.0f} s",
                where=self.name,
                details=self._logs("migrate"),
            ) from error

    def _logs(self, name: str, lines: int = 12) -> tuple[str, ...]:
        text = self._containers[name].logs(tail=lines).decode(errors="replace")
        return tuple(Mask(self._known)(text).splitlines())

    def _is_running(self, name: str) -> bool:
        self._containers[name].reload()
        return str(self._containers[name].status) == "running"

    def _issue(self, name: str, rule: str, message: str, hint: str = "") -> Issue:
        image = self.images[self.workspace.services[name].image]
        return Issue(f"images.{rule}", Severity.ERROR, name, f"{name} ({image.tags[0]})", message, hint)

    def _check_service(self, name: str) -> list[Issue]:
        service = self.workspace.services[name]
        health = self._await_green(name)
        if not self._is_running(name):
            logs = " | ".join(line for line in self._logs(name) if line.strip())
            return [self._issue(name, "start", f"the container stopped by itself: {logs}", "read its last lines above")]
        issues = []
        if health != "healthy":
            late = f"{health} after {_GREEN_WITHIN:.0f} s: {self._why(name)}"
            issues.append(self._issue(name, "health", late))
        with ExitStack() as stack:
            container = self._containers[name].id or ""
            user = stack.enter_context(ExecBackend(self.client, container))
            root = stack.enter_context(ExecBackend(self.client, container, user="0"))
            stage = Stage(
                name,
                service,
                self.workspace,
                self.images[service.image],
                container_host(user),
                container_host(root),
                self._known,
            )
            # Docker's word on the health comes with the time it took; the same from inside would only repeat it.
            said = {issue.id for issue in issues}
            return issues + [issue for issue in check_stage(stage) if issue.id not in said]

    def _await_green(self, name: str) -> str:
        deadline = time.monotonic() + _GREEN_WITHIN
        while True:
            self._containers[name].reload()
            state = self._containers[name].attrs["State"]
            health = str(state.get("Health", {}).get("Status", "without a check"))
            if health in ("healthy", "without a check") or state["Status"] != "running" or time.monotonic() > deadline:
                return health
            time.sleep(0.3)

    def _why(self, name: str) -> str:
        log = self._containers[name].attrs["State"].get("Health", {}).get("Log") or [{}]
        return str(log[-1].get("Output", "")).strip()[:300]

    def _task_comes_back(self) -> Iterable[Issue]:
        """Send a Celery task from the API's container and wait for the worker's answer."""
        probe = self.workspace.probes.task
        sender, worker = self.workspace.services_with(Role.WEB)[0], self.workspace.services_with(Role.WORKER)[0]
        if not self._is_running(sender) or not self._is_running(worker):
            return [self._issue(worker, "task", f"no {probe.name} can be sent: api or worker does not run")]
        code, output = self._containers[sender].exec_run(
            ["python", "-m", "slipway_runtime.send_task", probe.name, json.dumps(list(probe.args)), "--seconds", "20"]
        )
        text = output.decode(errors="replace").strip() if isinstance(output, bytes) else ""
        if code == 0:
            self.say(f"Celery task: {text.splitlines()[-1] if text else 'came back'}")
            return []
        logs = " | ".join(self._logs(worker, 4))
        last = text.splitlines()[-1] if text else "no answer"
        return [self._issue(worker, "task", f"{probe.name} did not come back: {last}; the worker's last lines: {logs}")]

    def _stops_well(self, name: str) -> list[Issue]:
        """SIGTERM turns the check red at once while web and static serve on; the container ends with 0 in time."""
        service = self.workspace.services[name]
        container = self._containers[name]
        serves_on = service.role in (Role.WEB, Role.STATIC)
        issues: list[Issue] = []
        begin = time.monotonic()
        container.kill(signal="SIGTERM")
        if serves_on:
            time.sleep(0.7)
            issues += self._drains(name)
        limit = _DRAIN + 12
        try:
            code = container.wait(timeout=limit)["StatusCode"]
        except Exception as error:  # noqa: BLE001 - requests' own timeout classes, whatever the transport
            return [*issues, self._issue(name, "signal", f"still runs {limit} s after SIGTERM: {type(error).__name__}")]
        seconds = time.monotonic() - begin
        if code != 0:
            issues.append(self._issue(name, "signal", f"ends with {code} after SIGTERM ({seconds:.1f} s)"))
        if serves_on and seconds < _DRAIN:
            issues.append(self._issue(name, "signal", f"stopped after {seconds:.1f} s, before its drain of {_DRAIN} s"))
        return issues

    def _drains(self, name: str) -> Iterable[Issue]:
        """Ask a container that was told to stop: its check must be red, its port must answer."""
        import docker.errors

        service = self.workspace.services[name]
        path = service.health_path if service.role is Role.WEB else "/"
        request = f"GET {path} HTTP/1.0\\r\\nHost: localhost\\r\\nX-Forwarded-Proto: https\\r\\n\\r\\n"
        ask = f"exec 3<>/dev/tcp/127.0.0.1/{service.port} && printf %b '{request}' >&3 && head -n 1 <&3"
        try:
            red, why = self._containers[name].exec_run([HEALTHCHECK])
            _, line = self._containers[name].exec_run(["bash", "-c", ask])
        except docker.errors.APIError as error:  # it stopped at once, or between the two questions
            yield self._issue(name, "signal", f"does not serve on after SIGTERM: {error.explanation or error}")
            return
        if red != 1:
            yield self._issue(name, "signal", f"the check is not red after SIGTERM (exit {red}): {why!r}")
        if b" 200" not in line:
            yield self._issue(name, "signal", f"does not serve on while draining: {line!r}")


def sweep(client: "docker.DockerClient", say: Say) -> int:
    """Remove the stages that killed processes of this checkout left; return how many things went."""
    me, left = Owner.here(), set()
    with asking("image stages"):
        found = (
            *client.api.containers(all=True, filters={"label": LABEL}),
            *client.api.networks(filters={"label": LABEL}),
        )
    for labels in (thing.get("Labels") or {} for thing in found):
        owner = Owner.of(labels)
        if owner is not None and owner.is_same_checkout(me) and not owner.runs():
            left.add(str(labels[LABEL]))
    return sum(Removal(client, (f"{LABEL}={name}",), name).remove(say) for name in sorted(left))


def _plain(variables: Variables) -> dict[str, str]:
    """Reveal variables for the engine's API, which is where they leave for the container."""
    return {key: value.reveal() if isinstance(value, Secret) else value for key, value in variables.items()}
