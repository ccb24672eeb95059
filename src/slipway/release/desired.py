"""What the platform shall have: one value a database and one a service, computed from Config without effects."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from slipway.config.health import HealthContract
from slipway.config.workspace import Engine, Role
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
    `alias` the stable name on the platform's network; `rolling` is False for beat, which may never run twice.
    """

    name: str
    role: Role
    repository: str
    port: int | None
    domain: str | None
    rolling: bool
    health: HealthContract = field(default_factory=HealthContract)

    @property
    def alias(self) -> str:
        """The service's stable host name on the platform's network."""
        return self.name


Variables = Mapping[str, str | Secret]
"""A service's variables: what its process gets, secrets as `Secret`."""
