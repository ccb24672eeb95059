"""Where a new application or database goes: project, environment, server, destination."""

from .answers import refuse
from .requests import Call
from .site import DESTINATION_UUID, SERVER_UUID
from .store import Row


def environment_of(call: Call) -> Row:
    """The environment that the request names, by name first. Raises a Refusal with 404, 422 or 400."""
    name, uuid = call.input.get("environment_name"), call.input.get("environment_uuid")
    if not name and not uuid:
        raise refuse(422, "You need to provide at least one of environment_name or environment_uuid.")
    project = call.site.store.find("projects", str(call.input["project_uuid"]))
    if project is None:
        raise refuse(404, "Project not found.")
    inside = call.site.store.where("environments", project_id=project["id"])
    found = next((row for row in inside if row["name"] == name), None)
    found = found or next((row for row in inside if row["uuid"] == uuid), None)
    if found is None:
        raise refuse(404, "Environment not found.")
    if call.input["server_uuid"] != SERVER_UUID:
        raise refuse(404, "Server not found.")
    if call.input.get("destination_uuid") not in {None, DESTINATION_UUID}:
        raise refuse(404, "Destination not found.")
    return found
