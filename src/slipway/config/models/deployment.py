"""DeploymentConfig: the platform, the host and the registry of one environment, and what is deployed there."""

from pathlib import Path

from pydantic import Field

from slipway.config.config import Config
from slipway.config.models.base import Model, SecretField
from slipway.config.models.reading import Reading
from slipway.config.models.service import ServiceConfig, scope, service_config


class DeploymentService(Model):
    """One service as the platform is told of it."""

    repository: str = Field(description="The image without tag: registry, workspace and image name.")
    scope: str = Field(description="What keeps its names apart from those of other environments.")
    service: ServiceConfig = Field(description="The service itself.")


class DeploymentConfig(Model):
    """Where Slipway acts for one environment."""

    platform_url: str = Field(description="The Coolify instance, with or without /api/v1.")
    platform_token: SecretField = Field(description="An API token of it.")
    token_source: str = Field(description="The place that the token comes from, for messages.")
    project: str = Field(description="The Coolify project that holds the services.")
    server: str = Field(description="Name of the Coolify server; empty where the team has one.")
    network: str = Field(description="The Docker network of the platform's destination.")
    registry: str = Field(description="The registry that images are pushed to, without scheme.")
    ssh_host: str = Field(description="The host that the platform runs on.")
    ssh_port: int = Field(description="Its SSH port.", ge=1, le=65535)
    ssh_user: str = Field(description="The user there; it must be allowed to use Docker.")
    ssh_key_file: Path = Field(description="The one private key that is shown to the host.")
    ssh_known_hosts: Path = Field(description="The file whose host keys are believed.")
    ca_file: Path | None = Field(description="An authority (PEM) that is trusted besides the system's; None for none.")
    public_address: str | None = Field(description="Address at which public names are looked for instead of DNS.")


def deployment_config(config: Config) -> DeploymentConfig:
    """Return where an environment is deployed to. Raises one `UsageError` with everything missing or misshapen."""
    read = Reading(config)
    ca_file = read.text("SLIPWAY_CA_FILE", "")
    found = DeploymentConfig(
        platform_url=read.text("SLIPWAY_COOLIFY_URL"),
        platform_token=read.secret("SLIPWAY_COOLIFY_TOKEN"),
        token_source=read.where("SLIPWAY_COOLIFY_TOKEN"),
        project=read.text("SLIPWAY_COOLIFY_PROJECT"),
        server=read.text("SLIPWAY_COOLIFY_SERVER", ""),
        network=read.text("SLIPWAY_NETWORK"),
        registry=read.text("SLIPWAY_REGISTRY"),
        ssh_host=read.text("SLIPWAY_SSH_HOST"),
        ssh_port=read.port("SLIPWAY_SSH_PORT"),
        ssh_user=read.text("SLIPWAY_SSH_USER"),
        ssh_key_file=read.file("SLIPWAY_SSH_KEY_FILE"),
        ssh_known_hosts=read.file("SLIPWAY_SSH_KNOWN_HOSTS"),
        ca_file=Path(ca_file) if ca_file else None,
        public_address=read.text("SLIPWAY_PUBLIC_ADDRESS", "") or None,
    )
    read.done(f"where {config.environment} is deployed to")
    return found


def deployment_services(config: Config, registry: str) -> tuple[DeploymentService, ...]:
    """Return every service of the workspace as the platform is told of it, in the file's order."""
    workspace = config.workspace
    return tuple(
        DeploymentService(
            repository="/".join(part for part in (registry, workspace.name, service.image) if part),
            scope=scope(config),
            service=service_config(config, name),
        )
        for name, service in workspace.services.items()
    )
