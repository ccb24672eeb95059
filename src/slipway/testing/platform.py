"""A platform in memory."""

import threading
from dataclasses import replace

from slipway.config.workspace import Engine
from slipway.errors import Refused
from slipway.ports import Deployment, Say
from slipway.release.desired import DesiredDatabase, DesiredService, Variables
from slipway.release.observed import ObservedDatabase, ObservedPlatform, ObservedService, RunningContainer
from slipway.secret import Secret
from slipway.testing.failing import Failing
from slipway.testing.host import FakeContainers


class FakePlatform(Failing):
    """A platform in memory: databases run once created, a deployment finishes at once.

    `engine` shows the containers of databases and deployed services, `services` and `databases` are what `observe`
    answers, `calls` has every changing call as (method, service name), `failures` what a call raises, `deployed` the
    (service, tag) pairs that finished, in order.
    """

    def __init__(self, project: str = "fake", engine: FakeContainers | None = None) -> None:
        super().__init__()
        self.engine = engine or FakeContainers()
        self.project = project
        self.databases: dict[str, ObservedDatabase] = {}
        self.services: dict[str, ObservedService] = {}
        self.deployed: list[tuple[str, str]] = []
        self._turn = threading.Lock()

    def require_abilities(self) -> None:
        """The token may do everything here, unless `failures` has an error under ("require_abilities", "")."""
        if failure := self.failures.get(("require_abilities", "")):
            raise failure

    def observe(self) -> ObservedPlatform:
        """Return copies of what there is."""
        known = self.project if self.databases or self.services else None
        return ObservedPlatform(known, dict(self.databases), dict(self.services))

    def create_database(self, desired: DesiredDatabase, say: Say) -> ObservedDatabase:
        """Create it running; its uuid is its name."""
        self._called("create_database", desired.name)
        # As Coolify hands them out: Redis has numbered databases.
        within = "0" if desired.engine is Engine.REDIS else desired.database
        url = Secret(f"{desired.engine}://{desired.user}:{desired.password.reveal()}@{desired.name}/{within}")
        database = ObservedDatabase(desired.name, desired.name, "running:healthy", url, desired.image)
        self.databases[desired.name] = database
        labels = {"coolify.type": "database"}
        self.engine.containers.append(
            RunningContainer(desired.name, desired.name, desired.image, "sha256:0", "running", "healthy", labels)
        )
        say(f"database {desired.name} runs")
        return database

    def create_service(self, desired: DesiredService, tag: str, say: Say) -> str:
        """Create it, not started; its uuid is `uuid-<name>`."""
        self._called("create_service", desired.name)
        uuid = f"uuid-{desired.name}"
        self.services[desired.name] = ObservedService(desired.name, uuid, tag, "exited")
        say(f"service {desired.name} exists")
        return uuid

    def configure(self, uuid: str, desired: DesiredService, say: Say) -> None:
        """Take the settings over."""
        service = self._service(uuid)
        self._called("configure", service.name)
        self.services[service.name] = replace(service, domain=desired.domain, settings=desired.settings)
        say(f"service {service.name} is configured")

    def set_variables(self, uuid: str, variables: Variables) -> tuple[str, ...]:
        """Take the variables over and return the names that changed."""
        service = self._service(uuid)
        self._called("set_variables", service.name)
        new = {name: value.reveal() if isinstance(value, Secret) else value for name, value in variables.items()}
        old = service.variables
        self.services[service.name] = replace(service, variables=new)
        return tuple(sorted(name for name in {*old, *new} if old.get(name) != new.get(name)))

    def deploy(self, uuid: str, tag: str, say: Say) -> Deployment:
        """Finish at once: a healthy container takes over. A failure from `failures` leaves everything as it was."""
        service = self._service(uuid)
        self._called("deploy", service.name)
        image = f"{service.settings.get('image', service.name)}:{tag}"
        label = {"coolify.name": uuid}
        started = RunningContainer(
            f"{uuid}-{tag}", f"{uuid}-{tag}", image, self.engine.images.get(image, ""), "running", "healthy", label
        )
        with self._turn:  # portals are deployed side by side
            self.engine.containers[:] = [started, *(one for one in self.engine.containers if one.labels != label)]
        self.services[service.name] = replace(service, tag=tag, status="running:healthy")
        self.deployed.append((service.name, tag))
        say(f"{service.name}: finished")
        return Deployment(f"deployment-{len(self.deployed)}", "finished")

    def _service(self, uuid: str) -> ObservedService:
        for service in self.services.values():
            if service.uuid == uuid:
                return service
        raise Refused(f"no application {uuid}", where="fake platform")
