"""Endpoints of standalone databases: PostgreSQL and Redis."""

import secrets
import string
from functools import partial
from typing import Any

from . import application_api, container_status, database_file, naming, placement, server_jobs
from .answers import Answer, invalid, message, refuse
from .database_file import POSTGRESQL, REDIS
from .endpoint import Endpoint
from .requests import Call
from .rules import Rule, boolean, errors_of, number, text, texts
from .site import SERVER_IP, SERVER_UUID
from .store import Row

_IDENTIFIER = text(pattern=r"[A-Za-z_][A-Za-z0-9_]{0,62}")
_PASSWORD = text(pattern=r"[^\s'\"`$;|&<>\\]+")
_ANY = text(nullable=True)
_SECONDS = number(least=0, most=86_400)

_FRAME: dict[str, Rule] = {
    "name": _ANY,
    "description": _ANY,
    "image": _ANY,
    "is_public": boolean(),
    "public_port": number(nullable=True, whole=True, least=1024, most=65_535),
    "public_port_timeout": number(nullable=True, whole=True),
    "limits_memory": text(),
    "limits_memory_swap": text(),
    "limits_memory_swappiness": number(least=0, most=100),
    "limits_memory_reservation": text(),
    "limits_cpus": text(),
    "limits_cpuset": _ANY,
    "limits_cpu_shares": number(least=0),
    "instant_deploy": boolean(),
}
_PLACE: dict[str, Rule] = {
    "server_uuid": text(),
    "project_uuid": text(),
    "environment_name": _ANY,
    "environment_uuid": _ANY,
    "destination_uuid": text(),
    "tags": texts(least=2),
}
_HEALTH: dict[str, Rule] = {
    "health_check_enabled": boolean(),
    "health_check_interval": _SECONDS,
    "health_check_timeout": _SECONDS,
    "health_check_retries": _SECONDS,
    "health_check_start_period": _SECONDS,
}
_OWN: dict[str, dict[str, Rule]] = {
    POSTGRESQL: {
        "postgres_user": _IDENTIFIER,
        "postgres_password": _PASSWORD,
        "postgres_db": _IDENTIFIER,
        "postgres_initdb_args": _ANY,
        "postgres_host_auth_method": _ANY,
        "postgres_conf": _ANY,
    },
    REDIS: {"redis_password": _PASSWORD, "redis_conf": _ANY},
}
_DEFAULTS: dict[str, Any] = {
    "description": None,
    "status": "exited",
    "is_public": False,
    "public_port": None,
    "public_port_timeout": 3600,
    "limits_memory": "0",
    "limits_memory_swap": "0",
    "limits_memory_swappiness": 60,
    "limits_memory_reservation": "0",
    "limits_cpus": "0",
    "limits_cpuset": None,
    "limits_cpu_shares": 1024,
    "health_check_enabled": True,
    "health_check_interval": 15,
    "health_check_timeout": 5,
    "health_check_retries": 5,
    "health_check_start_period": 5,
    "enable_ssl": False,
    "last_online_at": None,
}
_SECRETS = frozenset({"postgres_password", "redis_password", "init_scripts"})
_LETTERS = string.ascii_letters + string.digits


def databases(call: Call) -> Answer:
    """All databases."""
    rows = sorted(call.site.store.where("databases"), key=lambda row: int(row["id"]))
    return Answer(200, [{**presented(call, row), "backup_configs": []} for row in rows])


def database(call: Call) -> Answer:
    """One database."""
    return Answer(200, presented(call, _required(call)))


def create_postgresql(call: Call) -> Answer:
    """A PostgreSQL; the answer shows `internal_db_url`, password included, to any token that may write."""
    return _create(call, POSTGRESQL, "postgres:16-alpine", {
        "postgres_user": "postgres", "postgres_password": _password(), "postgres_db": "postgres",
        "postgres_initdb_args": None, "postgres_host_auth_method": None, "postgres_conf": None,
    })  # fmt: skip


def create_redis(call: Call) -> Answer:
    """A Redis; the same answer."""
    return _create(call, REDIS, "redis:7.2", {"redis_password": _password(), "redis_conf": None})


def change(call: Call) -> Answer:
    """Changes the row; applies at the next restart."""
    row = _required(call)
    rules = {**_FRAME, **_HEALTH, **_OWN[row["database_type"]]}
    given = call.input
    errors: dict[str, Any] = errors_of(given, rules)
    errors |= {name: ["This field is not allowed."] for name in given if name not in rules}
    if errors:
        raise invalid(errors)
    fields = {name: value for name, value in given.items() if name != "instant_deploy"}
    call.site.store.update("databases", row["uuid"], **fields)
    return message(200, "Database updated.")


def delete(call: Call) -> Answer:
    """Queues the removal; the volume goes too unless `delete_volumes=false`."""
    row = _required(call)
    with_volumes = call.flag("delete_volumes", default=True)
    call.site.horizon.dispatch(partial(server_jobs.delete_database, call.site, row, with_volumes=with_volumes))
    return message(200, "Database deletion request queued.")


def start(call: Call) -> Answer:
    """Queues a start, unless the cached status says it runs."""
    row = _required(call)
    if str(row["status"]).startswith("running"):
        raise refuse(400, "Database is already running.")
    return _dispatch(call, row, server_jobs.start_database, "Database starting request queued.")


def stop(call: Call) -> Answer:
    """Queues a stop, unless the cached status says it is stopped."""
    row = _required(call)
    if str(row["status"]).startswith("exited"):
        raise refuse(400, "Database is already stopped.")
    return _dispatch(call, row, server_jobs.stop_database, "Database stopping request queued.")


def restart(call: Call) -> Answer:
    """Queues a restart, which is a start."""
    return _dispatch(call, _required(call), server_jobs.start_database, "Database restarting request queued.")


def logs(call: Call) -> Answer:
    """The container's last lines."""
    row = _required(call)
    found = call.site.engine.find(row["uuid"])
    if found is None or found.state != "running":
        raise refuse(400, "Database is not running.")
    return Answer(200, {"logs": call.site.engine.logs(found.id, application_api.lines_asked(call))})


def presented(call: Call, row: Row) -> Row:
    """The row as the API shows it: passwords and URLs only to `read:sensitive`."""
    hidden = {"id", "tags", "mount_path"} | (set() if call.token.sensitive else _SECRETS)
    shown = {name: value for name, value in row.items() if name not in hidden}
    network = call.site.settings.network
    shown |= {
        "status": container_status.shown(row),
        "server_status": True,
        "destination": {"network": network, "name": network, "server": {"uuid": SERVER_UUID}},
    }
    if call.token.sensitive:
        shown["internal_db_url"] = database_file.internal_url(row)
        shown["external_db_url"] = database_file.external_url(row, SERVER_IP)
    return shown


def _create(call: Call, kind: str, image: str, own: Row) -> Answer:
    rules = {**_FRAME, **_PLACE, **_OWN[kind]}
    unknown = [name for name in call.input if name not in rules]
    if unknown:
        raise invalid(unknown)
    # Coolify does not enforce the frame's types here; a wrong one is refused all the same, since it could not be used.
    if errors := errors_of(call.input, rules, ("server_uuid", "project_uuid")):
        raise invalid(errors)
    environment = placement.environment_of(call)
    uuid = naming.new_uuid()
    given = {name: value for name, value in call.input.items() if name not in _PLACE and value is not None}
    given.pop("instant_deploy", None)
    row: Row = {
        **_DEFAULTS,
        "uuid": uuid,
        "name": f"{'redis' if kind == REDIS else 'postgresql'}-database-{uuid}",
        "image": image,
        **own,
        **given,
        "database_type": kind,
        "environment_id": environment["id"],
        "tags": [tag.lower() for tag in call.input.get("tags") or []],
    }
    row["mount_path"] = database_file.mount_path(kind, row["image"])
    saved = call.site.store.insert("databases", row)
    if call.flag("instant_deploy", default=False):
        call.site.horizon.dispatch(partial(server_jobs.start_database, call.site, saved))
    return Answer(201, {"uuid": uuid, "internal_db_url": database_file.internal_url(saved)})


def _dispatch(call: Call, row: Row, job: Any, text_: str) -> Answer:
    call.site.horizon.dispatch(lambda: job(call.site, call.site.store.find("databases", row["uuid"]) or row))
    return message(200, text_)


def _required(call: Call) -> Row:
    row = call.site.store.find("databases", call.uuid)
    if row is None:
        raise refuse(404, "Database not found.")
    return row


def _password() -> str:
    return "".join(secrets.choice(_LETTERS) for _ in range(64))


ENDPOINTS = (
    Endpoint("GET", "/databases", "read", databases),
    Endpoint("POST", "/databases/postgresql", "write", create_postgresql, json_guard=True),
    Endpoint("POST", "/databases/redis", "write", create_redis, json_guard=True),
    Endpoint("GET", "/databases/{uuid}", "read", database),
    Endpoint("PATCH", "/databases/{uuid}", "write", change, json_guard=True),
    Endpoint("DELETE", "/databases/{uuid}", "write", delete),
    Endpoint("GET", "/databases/{uuid}/logs", "read", logs),
    Endpoint("POST", "/databases/{uuid}/start", "deploy", start, moved=True),
    Endpoint("POST", "/databases/{uuid}/stop", "deploy", stop, moved=True),
    Endpoint("POST", "/databases/{uuid}/restart", "deploy", restart, moved=True),
)
