"""What the platform shall have, from Config alone."""

from collections.abc import Mapping

from slipway.config.config import Config
from slipway.config.fault import refuse
from slipway.config.models.deployment import deployment_services
from slipway.config.references import EXTERNAL, database_values, sample_values, service_values
from slipway.config.workspace import Engine
from slipway.errors import UsageError
from slipway.release.desired import DesiredDatabase, DesiredService
from slipway.release.observed import ObservedPlatform
from slipway.secret import Secret

_PASSWORD = {Engine.POSTGRESQL: "POSTGRES_PASSWORD", Engine.REDIS: "REDIS_PASSWORD"}
_IMAGE = {Engine.POSTGRESQL: "SLIPWAY_POSTGRES_IMAGE", Engine.REDIS: "SLIPWAY_REDIS_IMAGE"}


def desired_databases(config: Config) -> tuple[DesiredDatabase, ...]:
    """Return the workspace's databases with the environment's images and passwords.

    Raises `UsageError` naming the variables that have no value.
    """
    secrets = config.secrets()
    missing = [
        name
        for database in config.workspace.databases.values()
        for name in (_PASSWORD[database.engine], _IMAGE[database.engine])
        if config.setting(name) is None
    ]
    if missing:
        raise UsageError(
            f"no value for {', '.join(missing)}",
            where=f"env/{config.environment}.env",
            hint=f"`inv check.env --env {config.environment}` says where each belongs",
        )
    user, database_name = (optional_setting(config, name) or "app" for name in ("POSTGRES_USER", "POSTGRES_DB"))
    return tuple(
        DesiredDatabase(
            name,
            database.engine,
            setting(config, _IMAGE[database.engine]),
            secrets[_PASSWORD[database.engine]],
            user,
            database_name,
        )
        for name, database in config.workspace.databases.items()
    )


def desired_services(config: Config, registry: str) -> tuple[DesiredService, ...]:
    """Return the workspace's services; beat is never rolled, because two of them would send every task twice."""
    return tuple(
        DesiredService(
            name=found.service.name,
            role=found.service.role,
            repository=found.repository,
            port=found.service.network.port,
            domain=found.service.network.host,
            rolling=found.service.update.rolling,
            health=config.health(found.service.name),
            scope=found.scope,
        )
        for found in deployment_services(config, registry)
    )


def platform_values(config: Config, observed: ObservedPlatform) -> Mapping[str, str | Secret]:
    """Return what references to the platform's own names stand for: databases by URL, services by alias and port."""
    values: dict[str, str | Secret] = {}
    for name, database in observed.databases.items():
        values |= database_values(name, database.internal_url, database.external_url)
    for found in deployment_services(config, registry=""):
        network = found.service.network
        if network.port:
            values |= service_values(found.service.name, network.alias, network.port)
    return values


def refuse_open(config: Config, observed: ObservedPlatform) -> None:
    """Refuse, before anything acts, variables whose references the platform neither hands out nor will.

    What a database gets with its creation (`internal_url` and the like) may still be to come; an address from outside
    never comes of itself. Raises one `UsageError` that names every one of them, with file and line.
    """
    samples, values = sample_values(config.workspace), platform_values(config, observed)
    coming = {
        name: text
        for name, text in samples.items()
        if name.split(".")[1] not in observed.databases and not name.endswith(f".{EXTERNAL}")
    }
    refuse(config.open_faults({**coming, **values}), f"the configuration of {config.environment}")


def setting(config: Config, name: str) -> str:
    """Return a variable of Slipway's own (SLIPWAY_...). Raises `UsageError` when it has no value."""
    found = config.setting(name) if name in config.schema.variables else None
    if found is None or not found.text:
        is_secret = name in config.schema.variables and config.schema.variables[name].secret
        file = f"env/{config.environment}.{'secrets.' if is_secret else ''}env"
        raise UsageError(f"{name} has no value", where=file, hint=f"add a line {name}=... there")
    value = config.expand(found.text.reveal())
    return value.reveal() if isinstance(value, Secret) else value


def optional_setting(config: Config, name: str) -> str:
    """Return a variable of Slipway's own, "" when it has no value."""
    known = name in config.schema.variables and config.setting(name) is not None
    return setting(config, name) if known else ""
