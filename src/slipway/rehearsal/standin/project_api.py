"""Endpoints of projects and environments."""

from . import container_status
from .answers import Answer, invalid, message, refuse
from .endpoint import Endpoint
from .requests import Call
from .rules import errors_of, text, unknown_fields
from .store import Row

_PROJECT_RULES = {"name": text(least=3, most=255), "description": text(nullable=True)}
_ENVIRONMENT_RULES = {"name": text(least=1, most=255), "description": text(nullable=True)}


def projects(call: Call) -> Answer:
    """All projects."""
    return Answer(200, [_pick(row, "id", "uuid", "description", "name") for row in call.site.store.where("projects")])


def create_project(call: Call) -> Answer:
    """A project is born with an environment `production`."""
    fields = {**errors_of(call.input, _PROJECT_RULES, ("name",)), **unknown_fields(call.input, _PROJECT_RULES)}
    if fields:
        raise invalid(fields)
    row = call.site.store.insert("projects", {"name": call.input["name"], "description": call.input.get("description")})
    _new_environment(call, row, "production")
    return Answer(201, {"uuid": row["uuid"]})


def project(call: Call) -> Answer:
    """One project with its environments."""
    row = _project(call)
    names = ("id", "uuid", "name", "description", "project_id", "created_at", "updated_at")
    return Answer(200, {**row, "environments": [_pick(found, *names) for found in _environments(call, row)]})


def environments(call: Call) -> Answer:
    """The project's environments."""
    return Answer(200, [_pick(row, "id", "uuid", "name") for row in _environments(call, _project(call))])


def create_environment(call: Call) -> Answer:
    """Names are lower-cased, a slash becomes a hyphen."""
    fields = {**errors_of(call.input, _ENVIRONMENT_RULES, ("name",)), **unknown_fields(call.input, _ENVIRONMENT_RULES)}
    if fields:
        raise invalid(fields)
    row = _project(call)
    name = call.input["name"].lower().replace("/", "-")
    if any(found["name"] == name for found in _environments(call, row)):
        return message(409, "Environment with this name already exists.")
    return Answer(201, {"uuid": _new_environment(call, row, name)["uuid"]})


def environment(call: Call) -> Answer:
    """One environment, by name or uuid, with what is in it."""
    row = _project(call)
    wanted = call.path["environment_name_or_uuid"]
    for found in _environments(call, row):
        if wanted in {found["name"], found["uuid"]}:
            return Answer(200, {**found, **_contents(call, found)})
    raise refuse(404, "Environment not found.")


def _contents(call: Call, row: Row) -> Row:
    """Names, uuids and statuses by kind; the kinds that the stand-in does not have are empty."""
    empty: Row = {kind: [] for kind in ("mongodbs", "mysqls", "mariadbs", "services")}
    applications = call.site.store.where("applications", environment_id=row["id"])
    databases = call.site.store.where("databases", environment_id=row["id"])
    return empty | {
        "applications": [_summary(found) for found in applications],
        "postgresqls": [_summary(found) for found in databases if found["database_type"] == "standalone-postgresql"],
        "redis": [_summary(found) for found in databases if found["database_type"] == "standalone-redis"],
    }


def _summary(row: Row) -> Row:
    picked = _pick(row, "uuid", "name", "description", "created_at", "updated_at")
    return {**picked, "status": container_status.shown(row)}


def _project(call: Call) -> Row:
    row = call.site.store.find("projects", call.uuid)
    if row is None:
        raise refuse(404, "Project not found.")
    return row


def _environments(call: Call, row: Row) -> list[Row]:
    return sorted(call.site.store.where("environments", project_id=row["id"]), key=lambda found: int(found["id"]))


def _new_environment(call: Call, row: Row, name: str) -> Row:
    new = {"name": name, "description": call.input.get("description"), "project_id": row["id"]}
    return call.site.store.insert("environments", new)


def _pick(row: Row, *names: str) -> Row:
    return {name: row[name] for name in names}


ENDPOINTS = (
    Endpoint("GET", "/projects", "read", projects),
    Endpoint("POST", "/projects", "write", create_project, json_guard=True),
    Endpoint("GET", "/projects/{uuid}", "read", project),
    Endpoint("GET", "/projects/{uuid}/environments", "read", environments),
    Endpoint("POST", "/projects/{uuid}/environments", "write", create_environment, json_guard=True),
    Endpoint("GET", "/projects/{uuid}/{environment_name_or_uuid}", "read", environment),
)
