"""Coolify: the platform that runs services, driven over its API and never trusted (facts from Coolify 4.3.11's code).

Three things look at the same instance: this facade, the translators next to it, and the stand-in of the
rehearsal, which is written from the same facts and shares nothing with them.
"""

from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from slipway.engines.coolify import databases, services
from slipway.engines.coolify.deploy import Deploying
from slipway.engines.coolify.errors import BadRequest, NotFound
from slipway.engines.coolify.http import Api, Patience, Time, as_object, text_of
from slipway.engines.coolify.scope import ScopeFinder
from slipway.engines.coolify.variables import read_variables, set_variables
from slipway.errors import Refused, UsageError
from slipway.ports import Deployment, Say
from slipway.release.desired import DesiredDatabase, DesiredService, Variables
from slipway.release.observed import ObservedDatabase, ObservedPlatform, ObservedService
from slipway.secret import Mask, Secret

if TYPE_CHECKING:
    import httpx

_NOTHING = "0" * 24  # a well-formed uuid that no resource has


class Coolify:
    """Port `Platform` for one project and one environment of one Coolify instance (4.2 or newer).

    `base_url` with or without `/api/v1`. `token_source` says in messages where the token was read
    (`env/production.secrets.env:3`). `server` and `network` are names, needed only where the team has several servers,
    or the server several destinations. `ca_file` (PEM) is trusted besides the system's authorities. `mask` learns
    every secret that passes; give it the console's.
    """

    def __init__(
        self,
        base_url: str,
        token: Secret,
        project: str,
        environment: str,
        *,
        token_source: str,
        server: str = "",
        network: str = "",
        ca_file: Path | None = None,
        patience: Patience | None = None,
        clock: Time | None = None,
        mask: Mask | None = None,
        transport: "httpx.BaseTransport | None" = None,
    ) -> None:
        self._api = Api(
            base_url,
            token,
            token_source=token_source,
            ca_file=ca_file,
            patience=patience,
            clock=clock,
            mask=mask,
            transport=transport,
        )
        self._scope = ScopeFinder(self._api, project, environment, server, network)
        self._project = project

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give the connections back."""
        self._api.close()

    def version(self) -> str:
        """Return the instance's version; raises `UsageError` below 4.2."""
        return self._api.version()

    def require_abilities(self) -> None:
        """Find out, without changing anything, that the token may read, write and deploy; raises as a use of it would.

        Coolify tells no token its abilities, but checks them before it looks at what was asked.
        """
        self._api.get("servers")
        with suppress(NotFound, BadRequest):
            self._api.send("PATCH", "applications", _NOTHING, body={"description": "Slipway asks whether it may write"})
        with suppress(NotFound, BadRequest):
            self._api.send("POST", "deploy", body={"force": True})

    def observe(self) -> ObservedPlatform:
        """Read the environment: services and databases by name, with real tags, settings and variable values.

        Raises `UsageError` where the token may not read values, `PersonNeeded` where two things have one name.
        """
        scope = self._scope.find()
        if scope is None:
            return ObservedPlatform(project=self._project if self._scope.has_project() else None)
        found = self._scope.resources(scope)
        return ObservedPlatform(
            project=self._project,
            databases={name: databases.read_database(self._api, name, uuid) for name, uuid in found.databases.items()},
            services={name: self._observe_service(name, uuid) for name, uuid in found.applications.items()},
        )

    def _observe_service(self, name: str, uuid: str) -> ObservedService:
        record = services.read_application(self._api, uuid)
        return services.observed_service(name, record, read_variables(self._api, uuid))

    def create_database(self, desired: DesiredDatabase, say: Say) -> ObservedDatabase:
        """Create and start a database and wait until it runs. One that a killed run left behind is gone on with."""
        databases.creation_fields(desired)
        scope = self._scope.ensure()
        uuid = self._scope.resources(scope).databases.get(desired.name)
        if uuid is None:
            uuid = databases.create_database(self._api, desired, self._scope.home(scope))
            say(f"database {desired.name} is {uuid}")
        return databases.start_database(self._api, desired.name, uuid, say)

    def create_service(self, desired: DesiredService, tag: str, say: Say) -> str:
        """Create an application that is not started; one of that name that exists already is taken."""
        scope = self._scope.ensure()
        existing = self._scope.resources(scope).applications.get(desired.name)
        if existing:
            say(f"service {desired.name} exists already: {existing}")
            return existing
        body = {**self._scope.home(scope), **services.creation_fields(desired, tag)}
        answer = as_object(self._api.send("POST", "applications", "dockerimage", body=body), "a new application")
        uuid = text_of(answer, "uuid")
        if not uuid:
            raise Refused("Coolify created the application and gave no uuid", where=f"service {desired.name}")
        say(f"service {desired.name} is {uuid}")
        return uuid

    def configure(self, uuid: str, desired: DesiredService, say: Say) -> None:
        """Send every setting and read it back; raises `Refused` naming a field that did not arrive."""
        problems = desired.health.problems()
        if problems:
            raise UsageError(
                "its health contract would lose requests", where=f"service {desired.name}", details=problems
            )
        services.configure(self._api, uuid, desired)
        say(f"service {desired.name} is configured")

    def set_variables(self, uuid: str, variables: Variables) -> tuple[str, ...]:
        """Make the variables exactly these, read them back and return the names that changed."""
        return set_variables(self._api, uuid, variables)

    def deploy(self, uuid: str, tag: str, say: Say) -> Deployment:
        """Deploy `tag` and wait for its end; on failure, cancellation or interrupt the previous tag is put back."""
        return Deploying(self._api, uuid, say).deploy(tag)
