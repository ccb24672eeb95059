"""What the platform shall have: one value a database and one a service, computed from Config without effects."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from slipway.config.health import HealthContract
from slipway.config.workspace import Engine, Role
from slipway.release.image import Version
from slipway.secret import Secret


@dataclass(frozen=True, slots=True)
class DesiredDatabase:
    """A database: `name` is the workspace's (`postgres`, `redis`), `image` a reference that the host can pull."""

    name: str
    engine: Engine
    image: str
    password: Secret
    user: str = "app"
    database: str = "app"


@dataclass(frozen=True, slots=True)
class DesiredService:
    """A service as the platform shall run it.

    `repository` is the image without tag; `domain` the public host name without scheme, None for worker and beat;
    `scope` keeps the stable name on the platform's network apart from that of other environments; `rolling` is False
    for beat, which may never run twice.
    """

    name: str
    role: Role
    repository: str
    port: int | None
    domain: str | None
    rolling: bool
    health: HealthContract = field(default_factory=HealthContract)
    scope: str = ""

    @property
    def alias(self) -> str:
        """The service's stable host name on the platform's network."""
        return f"{self.scope}-{self.name}" if self.scope else self.name

    @property
    def settings(self) -> Mapping[str, str]:
        """What the platform has to be told besides tag and variables, as `service_settings` words it."""
        return service_settings(
            repository=self.repository,
            port=str(self.port or ""),
            domain=self.domain or "",
            alias=self.alias,
            rolling=self.rolling,
            health=health_words(
                self.health.interval, self.health.timeout, self.health.retries, self.health.start_period
            ),
            grace=str(self.health.grace),
        )


def health_words(interval: object, timeout: object, retries: object, start_period: object) -> str:
    """Return how the platform asks the container's own check, in words that compare equal when it is the same."""
    return f"healthcheck every {interval} s, within {timeout} s, {retries} times, after {start_period} s"


def service_settings(
    *, repository: str, port: str, domain: str, alias: str, rolling: bool, health: str, grace: str
) -> Mapping[str, str]:
    """Return a service's settings in one wording for what is desired and what is observed; "" means none."""
    return {
        "image": repository,
        "port": port,
        "domain": domain,
        "alias": alias,
        "new release": "beside the old one" if rolling else "after the old one",
        "health": health,
        "stop grace": f"{grace} s",
    }


Variables = Mapping[str, str | Secret]
"""A service's variables: what its process gets, secrets as `Secret`."""


RELEASE_VARIABLES = ("SLIPWAY_VERSION", "SLIPWAY_REVISION")
"""By these a process knows its release."""


def release_variables(role: Role, version: Version) -> Variables:
    """Return the variables by which a process knows its release, whichever release its image was built for.

    Portals run no code of their own that could tell it.
    """
    if role is Role.STATIC:
        return {}
    return dict(zip(RELEASE_VARIABLES, (version.number, version.revision), strict=True))
