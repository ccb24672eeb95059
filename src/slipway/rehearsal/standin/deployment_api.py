"""Endpoints of deployments: what is active, one, those of an application, cancel."""

import json
from typing import Any

from . import application_api, deployment_queue
from .answers import Answer, invalid_by_framework, message, refuse
from .endpoint import Endpoint
from .requests import Call
from .store import Row

_INTERNAL = frozenset({"uuid", "application_uuid", "destination_uuid", "logs"})


def active(call: Call) -> Answer:
    """Those queued or running, sorted by id with their keys kept: an object when the table's order was another."""
    rows = [row for row in call.site.store.where("deployments") if row["status"] in deployment_queue.ACTIVE]
    numbered = sorted(enumerate(rows), key=lambda pair: int(pair[1]["id"]))
    if [index for index, _ in numbered] == list(range(len(numbered))):
        return Answer(200, [presented(call, row) for _, row in numbered])
    return Answer(200, {str(index): presented(call, row) for index, row in numbered})


def deployment(call: Call) -> Answer:
    """One deployment with its application."""
    row = _required(call)
    application = call.site.store.find("applications", row["application_uuid"])
    shown = presented(call, row)
    if application is not None:
        shown["application"] = application_api.presented(call, application)
    return Answer(200, shown)


def of_application(call: Call) -> Answer:
    """`{count, deployments}`, newest first."""
    row = application_api.required(call)
    skip, take = _window(call)
    found = call.site.store.where("deployments", application_uuid=row["uuid"])
    found.sort(key=lambda one: int(one["id"]), reverse=True)
    shown = [presented(call, one) for one in found[skip : skip + take]]
    return Answer(200, {"count": len(found), "deployments": shown})


def cancel(call: Call) -> Answer:
    """Cancels what is queued or running; a container that was started already stays."""
    row = _required(call)
    if row["status"] not in deployment_queue.ACTIVE:
        return message(400, f"Deployment cannot be cancelled. Current status: {row['status']}")
    deployment_queue.cancel(call.site, row["uuid"])
    more = {"deployment_uuid": row["uuid"], "status": "cancelled-by-user"}
    return message(200, "Deployment cancelled successfully.", **more)


def presented(call: Call, row: Row) -> Row:
    """The row as the API shows it; `logs` is a JSON string, for `read:sensitive` only."""
    shown: dict[str, Any] = {name: value for name, value in row.items() if name not in _INTERNAL}
    if call.token.sensitive:
        shown["logs"] = json.dumps(row["logs"])
    return shown


def _required(call: Call) -> Row:
    row = call.site.store.find("deployments", call.uuid)
    if row is None:
        raise refuse(404, "Deployment not found.")
    return row


def _window(call: Call) -> tuple[int, int]:
    values: dict[str, int] = {}
    errors: dict[str, list[str]] = {}
    for name, default, least in (("skip", 0, 0), ("take", 10, 1)):
        given = call.query.get(name, str(default))
        if not given.isascii() or not given.isdigit() or len(given) > 9:
            errors[name] = [f"The {name} field must be an integer."]
        elif int(given) < least:
            errors[name] = [f"The {name} field must be at least {least}."]
        else:
            values[name] = int(given)
    if errors:
        raise invalid_by_framework(errors)
    return values["skip"], values["take"]


ENDPOINTS = (
    Endpoint("GET", "/deployments", "read", active),
    Endpoint("GET", "/deployments/applications/{uuid}", "read", of_application),
    Endpoint("GET", "/deployments/{uuid}", "read", deployment),
    Endpoint("POST", "/deployments/{uuid}/cancel", "deploy", cancel),
)
