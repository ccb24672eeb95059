"""Endpoints of the instance: version, switch, servers, destinations, resources."""

from typing import Any

from . import container_status
from .answers import Answer, message, refuse
from .endpoint import Endpoint
from .requests import Call
from .settings import VERSION
from .site import DESTINATION_UUID, SERVER_IP, SERVER_NAME, SERVER_UUID
from .store import Row


def version(_: Call) -> Answer:
    """Plain text, no `v`."""
    return Answer(200, text=VERSION)


def enable(call: Call) -> Answer:
    """Switches the API on."""
    call.site.store.set_instance(is_api_enabled=True)
    return message(200, "API enabled.")


def disable(call: Call) -> Answer:
    """Switches the API off; only this and its counterpart answer then."""
    call.site.store.set_instance(is_api_enabled=False)
    return message(200, "API disabled.")


def servers(call: Call) -> Answer:
    """The one server."""
    return Answer(200, [_server(call)])


def server(call: Call) -> Answer:
    """The server, with its resources if asked for."""
    _require_server(call)
    row = _server(call)
    if call.flag("resources", default=False):
        row["resources"] = _resources(call)
    return Answer(200, row)


def server_resources(call: Call) -> Answer:
    """What runs on the server; here the numeric id of an application is visible."""
    _require_server(call)
    return Answer(200, _resources(call))


def destinations(call: Call) -> Answer:
    """The one docker network."""
    if "uuid" in call.path:
        _require_server(call)
    times = dict.fromkeys(("created_at", "updated_at"), _EPOCH)
    network = call.site.settings.network
    return Answer(200, [{"uuid": DESTINATION_UUID, "name": network, "network": network, "type": "standalone",
                         "server_uuid": SERVER_UUID, **times}])  # fmt: skip


def resources(call: Call) -> Answer:
    """Raw dumps of all applications and databases, numeric ids included."""
    found = []
    for row in call.site.store.where("applications"):
        hidden = {"tags", *([] if call.token.sensitive else ["custom_labels", "http_basic_auth_password"])}
        dump = {name: value for name, value in row.items() if name not in hidden}
        found.append({**dump, "status": container_status.shown(row), "type": "application"})
    for row in call.site.store.where("databases"):
        dump = {name: value for name, value in row.items() if call.token.sensitive or not name.endswith("_password")}
        found.append({**dump, "status": container_status.shown(row), "type": row["database_type"]})
    return Answer(200, found)


_EPOCH = "2026-01-01T00:00:00.000000Z"


def _require_server(call: Call) -> None:
    if call.uuid != SERVER_UUID:
        raise refuse(404, "Server not found.")


def _server(call: Call) -> Row:
    settings = call.site.settings
    return {
        "uuid": SERVER_UUID,
        "name": SERVER_NAME,
        "description": "The server that the stand-in deploys to.",
        "ip": SERVER_IP,
        "user": "root",
        "port": 22,
        "is_coolify_host": True,
        "is_reachable": True,
        "is_usable": True,
        "settings": {
            "concurrent_builds": settings.concurrent_builds,
            "deployment_queue_limit": settings.queue_limit,
            "dynamic_timeout": settings.dynamic_timeout,
            "is_swarm_manager": False,
            "is_swarm_worker": False,
            "is_build_server": False,
            "generate_exact_labels": False,
            "wildcard_domain": settings.wildcard_domain or None,
            "backup_compression_cpu_percentage": 25,
        },
    }


def _resources(call: Call) -> list[dict[str, Any]]:
    found = []
    for table, kind in (("applications", "application"), ("databases", None)):
        found += [
            {
                "id": row["id"],
                "uuid": row["uuid"],
                "name": row["name"],
                "type": kind or row["database_type"],
                "created_at": row["created_at"],
                "updated_at": row["updated_at"],
                "status": container_status.shown(row),
            }
            for row in call.site.store.where(table)
        ]
    return found


ENDPOINTS = (
    Endpoint("GET", "/version", "read", version),
    Endpoint("POST", "/enable", "write", enable, moved=True, ungated=True),
    Endpoint("POST", "/disable", "write", disable, moved=True, ungated=True),
    Endpoint("GET", "/servers", "read", servers),
    Endpoint("GET", "/servers/{uuid}", "read", server),
    Endpoint("GET", "/servers/{uuid}/resources", "read", server_resources),
    Endpoint("GET", "/servers/{uuid}/destinations", "read", destinations),
    Endpoint("GET", "/destinations", "read", destinations),
    Endpoint("GET", "/resources", "read", resources),
)
