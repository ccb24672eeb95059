"""ServiceConfig and its parts: what one service is, where it is reached, what it keeps and what it takes."""

from pydantic import Field

from slipway.config.config import Config
from slipway.config.models.base import Model
from slipway.config.models.health import HealthCheckConfig, UpdateStrategy
from slipway.config.models.reading import Reading
from slipway.config.workspace import Name, Role

APPLICATION = "/app"
"""Where the backend image has the project."""


class NetworkConfig(Model):
    """Where a service is reached, inside and outside."""

    network: str = Field(description="The Docker network that services and databases share.")
    alias: str = Field(description="Stable host name inside that network, whichever container runs.")
    port: int | None = Field(default=None, description="TCP port that the container listens on; None for none.")
    host: str | None = Field(default=None, description="Public host name without scheme; None for a service inside.")

    @property
    def internal_url(self) -> str | None:
        """The address inside the network."""
        return f"http://{self.alias}:{self.port}" if self.port else None

    @property
    def public_url(self) -> str | None:
        """The address that browsers use."""
        return f"https://{self.host}" if self.host else None


class VolumeConfig(Model):
    """A folder of a container that its process may write to; everything else of it is read only to the process."""

    path: str = Field(description="Absolute path inside the container.", pattern="^/")
    persistent: bool = Field(
        description="Whether its content outlives the container: it is a volume, or a bucket's mount."
    )


class ResourceLimits(Model):
    """What one container of a service may take. Processor and memory are bounded on the platform, not here."""

    processes: int | None = Field(
        default=None, description="Processes that work; None: from the container's CPU limit."
    )
    connections: int | None = Field(
        default=None, description="Database connections that one process holds at most; None for a portal."
    )
    tasks_per_process: int | None = Field(
        default=None, description="Celery tasks after which a process is replaced; None for other roles."
    )


class ServiceConfig(Model):
    """One deployable service of the workspace in one environment."""

    name: Name = Field(description="The service's name in the workspace file.")
    role: Role = Field(description="How it runs: web, worker, beat or static.")
    image: Name = Field(description="The image that it runs, by its name in the workspace.")
    health: HealthCheckConfig = Field(description="The container's own check.")
    update: UpdateStrategy = Field(description="How its next release takes over.")
    network: NetworkConfig = Field(description="Where it is reached.")
    volumes: tuple[VolumeConfig, ...] = Field(default=(), description="Folders that its process may write to.")
    limits: ResourceLimits = Field(description="What one container of it may take.")


def service_config(config: Config, name: str) -> ServiceConfig:
    """Return one service. Raises `UsageError` naming every variable of it that is missing or misshapen."""
    found, health = config.workspace.services[name], config.health(name)
    read = Reading(config, name)
    service = ServiceConfig(
        name=name,
        role=found.role,
        image=found.image,
        health=HealthCheckConfig.of(health),
        update=UpdateStrategy.of(found.role, health),
        network=NetworkConfig(
            network=read.text("SLIPWAY_NETWORK", "coolify"),
            alias=f"{scope(config)}-{name}",
            port=found.port,
            host=config.public_host(name),
        ),
        volumes=_volumes(config, found.role, read),
        limits=_limits(found.role, read),
    )
    read.done(f"service {name}")
    return service


def scope(config: Config) -> str:
    """Return what keeps the names of one environment apart from those of others on the same network."""
    return f"{config.workspace.name}-{config.environment}"


def _volumes(config: Config, role: Role, read: Reading) -> tuple[VolumeConfig, ...]:
    if role is Role.STATIC:
        return ()
    own = tuple(
        VolumeConfig(path=f"{APPLICATION}/{path}", persistent=False) for path in config.workspace.backend.writable
    )
    media = read.text("MEDIA_ROOT", "")
    if not media:
        return own
    if not media.startswith("/"):
        read.fault("MEDIA_ROOT", "MEDIA_ROOT is no absolute path")
        return own
    return (*own, VolumeConfig(path=media, persistent=True))


def _limits(role: Role, read: Reading) -> ResourceLimits:
    """Return the limits; the defaults are the runtime's (docs/overlay/server.md, docs/overlay/data.md)."""
    if role is Role.STATIC:
        return ResourceLimits()
    if role is Role.WEB:
        processes = read.number("WEB_CONCURRENCY", 0)
        return ResourceLimits(processes=processes or None, connections=read.number("DB_POOL_SIZE", 10) or None)
    if role is Role.BEAT:
        return ResourceLimits(processes=1, connections=1)
    return ResourceLimits(
        processes=read.number("CELERY_WORKER_CONCURRENCY", 4),
        connections=1,
        tasks_per_process=read.number("CELERY_MAX_TASKS_PER_CHILD", 1000),
    )
