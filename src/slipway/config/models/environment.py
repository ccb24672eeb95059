"""EnvironmentConfig: everything that is known of one environment, as one value."""

from pydantic import Field

from slipway.config import references
from slipway.config.config import Config
from slipway.config.models.base import Model
from slipway.config.models.database import DatabaseConfig
from slipway.config.models.deployment import (
    DeploymentConfig,
    DeploymentService,
    deployment_config,
    deployment_services,
)
from slipway.config.models.reading import Reading
from slipway.config.models.redis import RedisConfig
from slipway.config.models.security import SecurityConfig, security_config
from slipway.config.schema import Stage
from slipway.config.workspace import Name, Role


class EnvironmentConfig(Model):
    """One environment of the workspace."""

    name: Name = Field(description="The environment's name: local, rehearsal, staging, production or one of your own.")
    stage: Stage = Field(description="How strict the rules are.")
    domain: str = Field(description="The domain that every public name ends in.")
    services: tuple[DeploymentService, ...] = Field(description="What runs there, in the workspace file's order.")
    security: SecurityConfig = Field(description="Whom the API trusts.")
    database: DatabaseConfig | None = Field(
        description="PostgreSQL; None until the platform has handed out its address."
    )
    redis: RedisConfig | None = Field(description="Redis; None until the platform has handed out its address.")
    deployment: DeploymentConfig | None = Field(
        description="Where it is deployed to; None for an environment that is not."
    )


def environment_config(config: Config, resolve: references.Values | None = None) -> EnvironmentConfig:
    """Return one environment as a value.

    `resolve` holds what the platform hands out (`service.postgres.internal_url` and its like); without it the databases
    are None where their address is such a reference. Raises `UsageError` naming everything missing or misshapen.
    """
    (api, *_) = config.workspace.services_with(Role.WEB)
    values = resolve or {}
    read = Reading(config, api, values)
    database, redis = (_handed_out(config, read, name, values) for name in ("DATABASE_URL", "REDIS_URL"))
    read.done(f"the databases of {config.environment}")
    is_deployed = Reading(config).has("SLIPWAY_SSH_HOST")
    deployment = deployment_config(config) if is_deployed else None
    return EnvironmentConfig(
        name=config.environment,
        stage=config.stage,
        domain=config.domain,
        services=deployment_services(config, deployment.registry if deployment else ""),
        security=security_config(config),
        database=DatabaseConfig.from_url(database, read.where("DATABASE_URL")) if database else None,
        redis=RedisConfig.from_url(redis, read.where("REDIS_URL")) if redis else None,
        deployment=deployment,
    )


def _handed_out(config: Config, read: Reading, name: str, values: references.Values) -> str:
    """Return a database's address, "" while only the platform knows it."""
    setting = read.setting(name)
    unknown = {*references.observed_names(config.workspace)} - values.keys()
    return "" if setting is None or unknown & {*setting.references} else read.text(name, "")
