"""Endpoints that start and stop: deploy, start, stop, restart, rollback."""

from datetime import UTC, datetime
from functools import partial

from . import application_api, deployment_queue, naming, server_jobs
from .answers import Answer, Refusal, invalid, message, refuse
from .compose_cli import CommandFailed
from .endpoint import Endpoint
from .requests import Call
from .rules import errors_of, text, unknown_fields
from .store import Row

QUEUE_FULL = "Deployment queue is full. Please wait for existing deployments to complete."
SKIPPED = "Deployment already queued for this commit."
_ROLLBACK_RULES = {"commit": text(least=1, most=255)}


def deploy(call: Call) -> Answer:
    """By uuid or by tag, each a comma list."""
    uuids, tags = (str(call.input.get(name) or "") for name in ("uuid", "tag"))
    if uuids and tags:
        raise refuse(400, "You can only use uuid or tag, not both.")
    if not uuids and not tags:
        raise refuse(400, "You must provide uuid or tag.")
    if call.input.get("pull_request_id") or call.input.get("pr"):
        raise refuse(400, "The stand-in deploys no previews.")
    return _deploy_uuids(call, _listed(uuids)) if uuids else _deploy_tags(call, _listed(tags))


def start(call: Call) -> Answer:
    """A deployment. A full queue is not noticed: it says `queued`, with a uuid that never exists."""
    return _queued(call, "Deployment request queued.", force=call.flag("force", default=False),
                   instant=call.flag("instant_deploy", default=False))  # fmt: skip


def restart(call: Call) -> Answer:
    """A full deployment with pull: `restart_only` is ignored for image applications."""
    return _queued(call, "Restart request queued.", restart_only=True)


def stop(call: Call) -> Answer:
    """Stops and removes all containers, some time later."""
    row = application_api.required(call)
    call.site.horizon.dispatch(lambda: server_jobs.stop_application(call.site, row))
    return message(200, "Application stopping request queued.")


def rollback_images(call: Call) -> Answer:
    """The local images of the repository. `current` is null unless a container is named like the uuid."""
    row = application_api.required(call)
    try:
        images = call.site.engine.images(row["docker_registry_image_name"])
        running = call.site.engine.image_of(row["uuid"])
    except CommandFailed:
        images, running = [], None
    current = running.rpartition(":")[2] if running else None
    listed = [
        {
            "tag": tag,
            "created_at": naming.timestamp(datetime.fromtimestamp(created, UTC)),
            "is_current": tag == current,
        }
        for tag, created in images
    ]
    return Answer(200, {"current": current, "images": listed})


def rollback(call: Call) -> Answer:
    """Deploys the *configured* tag, whatever `commit` says, and reports success (up to 4.3.11)."""
    row = application_api.required(call)
    errors = {**errors_of(call.input, _ROLLBACK_RULES, ("commit",)), **unknown_fields(call.input, _ROLLBACK_RULES)}
    if errors:
        raise invalid(errors)
    verdict = deployment_queue.enqueue(call.site, row, rollback=True, commit=call.input["commit"])
    if verdict.outcome == "full":
        raise refuse(400, QUEUE_FULL)
    return message(200, "Rollback deployment queued.", deployment_uuid=verdict.deployment_uuid)


def _queued(call: Call, text: str, *, force: bool = False, instant: bool = False, restart_only: bool = False) -> Answer:
    row = application_api.required(call)
    verdict = deployment_queue.enqueue(call.site, row, force=force, instant=instant, restart_only=restart_only)
    if verdict.outcome == "skipped":
        return message(200, SKIPPED)
    return message(200, text, deployment_uuid=verdict.deployment_uuid)


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _deploy_uuids(call: Call, uuids: list[str]) -> Answer:
    deployments = []
    for uuid in uuids:
        if database := call.site.store.find("databases", uuid):
            call.site.horizon.dispatch(partial(server_jobs.start_database, call.site, database))
            deployments.append({"message": f"Database {database['name']} started.", "resource_uuid": uuid})
        elif application := call.site.store.find("applications", uuid):
            deployments.append(_deploy_one(call, application))
    if not deployments:
        raise refuse(404, "No resources found.")
    return Answer(200, {"deployments": deployments})


def _deploy_one(call: Call, application: Row) -> Row:
    """One element of the answer. A skipped deployment has a `deployment_uuid` too, which was never stored."""
    verdict = deployment_queue.enqueue(call.site, application, force=call.flag("force", default=False))
    if verdict.outcome == "full":
        raise Refusal(Answer(429, {"message": QUEUE_FULL}, headers={"Retry-After": "60"}))
    queued = f"Application {application['name']} deployment queued."
    return {
        "message": SKIPPED if verdict.outcome == "skipped" else queued,
        "resource_uuid": application["uuid"],
        "deployment_uuid": verdict.deployment_uuid,
    }


def _deploy_tags(call: Call, tags: list[str]) -> Answer:
    wanted = {tag.lower() for tag in tags}
    found = [row for row in call.site.store.where("applications") if wanted & set(row["tags"])]
    if not found:
        raise refuse(404, "No resources found with this tag.")
    deployments = [_deploy_one(call, row) for row in found]
    details = [{name: one[name] for name in ("resource_uuid", "deployment_uuid")} for one in deployments]
    return Answer(200, {"message": [one["message"] for one in deployments], "details": details})


ENDPOINTS = (
    Endpoint("POST", "/deploy", "deploy", deploy, moved=True),
    Endpoint("POST", "/applications/{uuid}/start", "deploy", start, moved=True),
    Endpoint("POST", "/applications/{uuid}/restart", "deploy", restart, moved=True),
    Endpoint("POST", "/applications/{uuid}/stop", "deploy", stop, moved=True),
    Endpoint("GET", "/applications/{uuid}/rollback-images", "read", rollback_images),
    Endpoint("POST", "/applications/{uuid}/rollback", "deploy", rollback, json_guard=True),
)
