"""Endpoints of applications: list, get, create, change, delete, logs."""

import re
import secrets
from collections.abc import Mapping
from typing import Any

from . import container_status, deployment_queue, domains, naming, placement, proxy_labels, server_jobs
from .answers import Answer, invalid, message, refuse
from .application_fields import CREATE_RULES, DEFAULTS, HIDDEN, RULES, SENSITIVE, SETTINGS_DEFAULTS, stored
from .endpoint import Endpoint
from .requests import Call
from .rules import errors_of, unknown_fields
from .site import SERVER_NAME, SERVER_UUID
from .store import Row

_ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_REGENERATING = frozenset({
    "domains", "noindex_domains", "is_http_basic_auth_enabled", "http_basic_auth_username", "http_basic_auth_password",
    "is_gzip_enabled", "is_stripprefix_enabled",
})  # fmt: skip
_NOT_COLUMNS = frozenset({"force_domain_override", "instant_deploy", "domains"})


def applications(call: Call) -> Answer:
    """All applications by name, or those with a tag."""
    rows = sorted(call.site.store.where("applications"), key=lambda row: str(row["name"]))
    tag = call.query.get("tag")
    return Answer(200, [presented(call, row) for row in rows if tag is None or tag.lower() in row["tags"]])


def application(call: Call) -> Answer:
    """One application, with its settings and the relations that its accessors load."""
    row = required(call)
    environment = call.site.store.where("environments", id=row["environment_id"])[0]
    project = call.site.store.where("projects", id=environment["project_id"])[0]
    network = call.site.settings.network
    more = {
        "settings": row["settings"],
        "destination": {"network": network, "name": network, "server": {"uuid": SERVER_UUID, "name": SERVER_NAME}},
        "environment": {**environment, "project": {**project, "team": {"id": 0, "name": "Root Team"}}},
    }
    return Answer(200, {**presented(call, row), **more})


def create(call: Call) -> Answer:
    """An application of a Docker image."""
    errors = errors_of(call.input, CREATE_RULES, ("project_uuid", "server_uuid", "docker_registry_image_name"))
    errors |= unknown_fields(call.input, CREATE_RULES)
    if errors:
        raise invalid(errors)
    environment = placement.environment_of(call)
    uuid = naming.new_uuid()
    name, tag = naming.split_reference(
        call.input["docker_registry_image_name"], call.input.get("docker_registry_image_tag")
    )
    fqdn = _fqdn(call, uuid)
    row: Row = {
        **DEFAULTS,
        "uuid": uuid,
        "name": f"docker-image-{secrets.token_hex(8)}",
        "environment_id": environment["id"],
        "settings": dict(SETTINGS_DEFAULTS),
        "tags": [label.lower() for label in call.input.get("tags") or []],
    }
    _write(row, call)
    row |= {"docker_registry_image_name": name, "docker_registry_image_tag": tag or "latest", "fqdn": fqdn}
    if fqdn is None and wants_generated_domain(call.input):
        row["fqdn"] = domains.generated(uuid, call.site.settings.wildcard_domain)
    if not call.input.get("custom_labels"):
        row["custom_labels"] = proxy_labels.stored(row, call.site.settings.network)
    saved = call.site.store.insert("applications", row)
    if call.flag("instant_deploy", default=False):
        deployment_queue.enqueue(call.site, saved, instant=True)
    return Answer(201, {"uuid": uuid, "domains": row["fqdn"]})


def change(call: Call) -> Answer:
    """Changes the row only; nothing happens to containers until a deployment."""
    row = required(call, "Application not found")
    given = call.input
    errors = {**errors_of(given, RULES), **unknown_fields(given, RULES)}
    if errors:
        raise invalid(errors)
    if "domains" in given:
        row["fqdn"] = _fqdn(call, row["uuid"])
    row["settings"] = dict(row["settings"])
    _write(row, call)
    if regenerates_labels(given):
        row["custom_labels"] = proxy_labels.stored(row, call.site.settings.network)
    uuid = row.pop("uuid")
    saved = call.site.store.update("applications", uuid, **row)
    if call.flag("instant_deploy", default=False):
        verdict = deployment_queue.enqueue(call.site, saved)
        if verdict.outcome == "skipped":
            return message(200, "Deployment already queued for this commit.")
    return Answer(200, {"uuid": uuid})


def delete(call: Call) -> Answer:
    """Queues the removal of containers and row."""
    row = required(call)
    call.site.horizon.dispatch(lambda: server_jobs.delete_application(call.site, row))
    return message(200, "Application deletion request queued.")


def logs(call: Call) -> Answer:
    """The last lines of the newest container, which must be running."""
    row = required(call)
    lines = lines_asked(call)
    found = call.site.engine.containers(f"coolify.applicationId={row['id']}")
    if not found or found[0].state != "running":
        raise refuse(400, "Application is not running.")
    stamped = call.flag("show_timestamps", default=False)
    return Answer(200, {"logs": _ANSI.sub("", call.site.engine.logs(found[0].id, lines, timestamps=stamped))})


def lines_asked(call: Call) -> int:
    """How many log lines are wanted, 1 to 10000. Raises a Refusal with 422."""
    lines = call.query.get("lines", "100")
    if not lines.isascii() or not lines.isdigit() or not 1 <= int(lines[:9]) <= 10_000:
        raise invalid({"lines": ["The lines field must be between 1 and 10000."]})
    return int(lines)


def required(call: Call, text: str = "Application not found.") -> Row:
    """The application meant. Raises a Refusal with 404."""
    row = call.site.store.find("applications", call.uuid)
    if row is None:
        raise refuse(404, text)
    return row


def presented(call: Call, row: Row) -> Row:
    """The row as the API shows it to this token: ids and, without `read:sensitive`, secrets are hidden."""
    hidden = HIDDEN | {"settings"} | (frozenset() if call.token.sensitive else SENSITIVE)
    shown = {name: value for name, value in row.items() if name not in hidden}
    return {**shown, "status": container_status.shown(row), "server_status": True}


def wants_generated_domain(given: Mapping[str, Any]) -> bool:
    """Whether an application without domains gets a public one: unless the request says no."""
    return given.get("autogenerate_domain") not in {False, "0"}


def regenerates_labels(given: Mapping[str, Any]) -> bool:
    """Whether a PATCH writes the proxy labels anew. `ports_exposes`, `redirect` and force-https alone do not."""
    return bool(_REGENERATING & given.keys())


def _fqdn(call: Call, uuid: str) -> str | None:
    written = call.input.get("domains")
    if not written:
        return None
    fqdn = domains.normal(written)
    if not call.flag("force_domain_override", default=False):
        domains.refuse_conflicts(call.site.store, fqdn, uuid)
    return fqdn


def _write(row: Row, call: Call) -> None:
    """Puts the given fields where the row keeps them."""
    for name, value in call.input.items():
        if name in _NOT_COLUMNS or name not in RULES:
            continue
        place = row["settings"] if name in SETTINGS_DEFAULTS else row
        place[name] = stored(name, value)


ENDPOINTS = (
    Endpoint("GET", "/applications", "read", applications),
    Endpoint("POST", "/applications/dockerimage", "write", create, json_guard=True),
    Endpoint("GET", "/applications/{uuid}", "read", application),
    Endpoint("PATCH", "/applications/{uuid}", "write", change, json_guard=True),
    Endpoint("DELETE", "/applications/{uuid}", "write", delete),
    Endpoint("GET", "/applications/{uuid}/logs", "read", logs),
)
