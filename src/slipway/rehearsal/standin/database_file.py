"""The compose document of a standalone database, and the URLs it is reached under."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from . import naming
from .store import Row

POSTGRESQL = "standalone-postgresql"
REDIS = "standalone-redis"


def for_database(
    database: Row, environment: Row, project: Row, network: str, extra_labels: Mapping[str, str]
) -> dict[str, Any]:
    """The document. The container's name is the database's uuid, which is its stable name in the network."""
    uuid = database["uuid"]
    volume, target = volume_of(database), database["mount_path"]
    service: dict[str, Any] = {
        "image": database["image"],
        "container_name": uuid,
        "environment": _environment(database),
        "restart": "unless-stopped",
        "networks": [network],
        "labels": {
            **extra_labels,
            "coolify.managed": "true",
            "coolify.type": "database",
            "coolify.databaseId": str(database["id"]),
            "coolify.resourceName": naming.slug(database["name"]),
            "coolify.serviceName": naming.slug(database["name"]),
            "coolify.projectName": naming.slug(project["name"]),
            "coolify.environmentName": naming.slug(environment["name"]),
            "coolify.database.subType": database["database_type"],
        },
        "mem_limit": database["limits_memory"],
        "memswap_limit": database["limits_memory_swap"],
        "mem_swappiness": database["limits_memory_swappiness"],
        "mem_reservation": database["limits_memory_reservation"],
        "cpus": float(database["limits_cpus"]),
        "cpu_shares": database["limits_cpu_shares"],
        "volumes": [f"{volume}:{target}"],
    }
    if database["limits_cpuset"]:
        service["cpuset"] = database["limits_cpuset"]
    if database["database_type"] == REDIS:
        service["command"] = f"redis-server --requirepass {database['redis_password']} --appendonly yes"
    if database["health_check_enabled"]:
        service["healthcheck"] = {
            "test": _test(database),
            "interval": f"{database['health_check_interval']}s",
            "timeout": f"{database['health_check_timeout']}s",
            "retries": database["health_check_retries"],
            "start_period": f"{database['health_check_start_period']}s",
        }
    return {
        "services": {uuid: service},
        "networks": {network: {"external": True, "name": network}},
        "volumes": {volume: {"name": volume, "external": False, "labels": dict(extra_labels)}},
    }


def volume_of(database: Row) -> str:
    """The name of the volume that holds the data."""
    kind = "redis-data" if database["database_type"] == REDIS else "postgres-data"
    return f"{kind}-{database['uuid']}"


def mount_path(database_type: str, image: str) -> str:
    """Where the volume is mounted; decided when the database is made. PostgreSQL 18 moved it."""
    if database_type == REDIS:
        return "/data"
    tag = image.rsplit("/", 1)[-1].partition(":")[2]
    major = tag.split(".")[0].split("-")[0]
    return "/var/lib/postgresql" if major.isdigit() and int(major) >= 18 else "/var/lib/postgresql/data"


def internal_url(database: Row) -> str:
    """The URL inside the network, password included."""
    return _url(database, database["uuid"], 6379 if database["database_type"] == REDIS else 5432)


def external_url(database: Row, server_ip: str) -> str | None:
    """The URL from outside; null unless the database was made public."""
    if not database["is_public"] or not database["public_port"]:
        return None
    return _url(database, server_ip, database["public_port"])


def _url(database: Row, host: str, port: int) -> str:
    if database["database_type"] == REDIS:
        return f"redis://default:{quote(database['redis_password'], safe='')}@{host}:{port}/0"
    user, password = (quote(database[f"postgres_{part}"], safe="") for part in ("user", "password"))
    return f"postgres://{user}:{password}@{host}:{port}/{database['postgres_db']}"


def _environment(database: Row) -> list[str]:
    if database["database_type"] == REDIS:
        return [f"REDIS_PASSWORD={database['redis_password']}", "REDIS_USERNAME=default"]
    user = database["postgres_user"]
    return [
        f"POSTGRES_USER={user}",
        f"PGUSER={user}",
        f"POSTGRES_PASSWORD={database['postgres_password']}",
        f"POSTGRES_DB={database['postgres_db']}",
    ]


def _test(database: Row) -> list[str]:
    if database["database_type"] == REDIS:
        # As Coolify has it: the shell runs redis-cli without its argument, so this hardly ever fails.
        return ["CMD-SHELL", "redis-cli", "ping"]
    return ["CMD", "psql", "-U", database["postgres_user"], "-d", database["postgres_db"], "-c", "SELECT 1"]
