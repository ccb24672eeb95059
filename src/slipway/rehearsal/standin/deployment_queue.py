"""The deployment queue: what is refused, what is skipped, what starts at once, what starts later."""

import hashlib
import json
from datetime import UTC, datetime
from typing import Literal, NamedTuple

from . import naming
from .site import DESTINATION_UUID, SERVER_NAME, Site
from .store import Row, Store

ACTIVE = ("queued", "in_progress")


class Verdict(NamedTuple):
    """What became of a request to deploy. The uuid was stored only if the outcome is `queued`."""

    outcome: Literal["queued", "skipped", "full"]
    deployment_uuid: str


def enqueue(
    site: Site,
    application: Row,
    *,
    force: bool = False,
    rollback: bool = False,
    instant: bool = False,
    restart_only: bool = False,
    commit: str | None = None,
) -> Verdict:
    """Puts a deployment into the queue, or not; starts it at once if a slot is free.

    The uuid is made up before anything is decided, so a caller gets one in every case.
    """
    uuid = naming.new_uuid()
    commit = commit or application["git_commit_sha"] or "HEAD"
    with site.store.transaction():
        if is_full(site.store, site.settings.queue_limit):
            return Verdict("full", uuid)
        if not (force or rollback or instant) and find_duplicate(site.store, application, commit):
            return Verdict("skipped", uuid)
        row = site.store.insert("deployments", _new_row(site, application, uuid, commit) | {
            "force_rebuild": force, "rollback": rollback, "restart_only": restart_only,
        })  # fmt: skip
        if instant or may_start(site.store, application["uuid"], site.settings.concurrent_builds):
            _start(site, row)
    return Verdict("queued", uuid)


def is_full(store: Store, limit: int) -> bool:
    """Whether as many deployments wait as the server lets wait."""
    return len(store.where("deployments", status="queued")) >= limit


def find_duplicate(store: Store, application: Row, commit: str) -> Row | None:
    """An active deployment of the same application and commit. The image's tag plays no part."""
    for row in store.where("deployments", application_uuid=application["uuid"], commit=commit):
        if row["status"] in ACTIVE:
            return row
    return None


def may_start(store: Store, application_uuid: str, concurrent: int) -> bool:
    """Whether no deployment of this application runs, and fewer than so many on the server."""
    running = store.where("deployments", status="in_progress")
    return len(running) < concurrent and all(row["application_uuid"] != application_uuid for row in running)


def settle(site: Site, uuid: str, status: str) -> bool:
    """Ends a running deployment with a status, then starts what waits. False if it had ended already."""
    with site.store.transaction():
        row = site.store.find("deployments", uuid)
        if row is None or row["status"] != "in_progress":
            return False
        site.store.update("deployments", uuid, status=status)
        advance(site)
    return True


def cancel(site: Site, uuid: str) -> None:
    """Marks an active deployment cancelled, kills what its helper runs, and starts what waits.

    A new container that was started already stays.
    """
    with site.store.transaction():
        site.store.update("deployments", uuid, status="cancelled-by-user")
        site.compose.kill(uuid)
        advance(site)


def advance(site: Site) -> None:
    """Starts every waiting deployment that may start, oldest first."""
    with site.store.transaction():
        waiting = sorted(site.store.where("deployments", status="queued"), key=lambda row: int(row["id"]))
        for row in waiting:
            if may_start(site.store, row["application_uuid"], site.settings.concurrent_builds):
                _start(site, row)


def fail_all_active(store: Store) -> int:
    """Marks every active deployment failed, as a start of Coolify does; returns how many there were."""
    with store.transaction():
        active = [row for status in ACTIVE for row in store.where("deployments", status=status)]
        for row in active:
            store.update("deployments", row["uuid"], status="failed")
    return len(active)


def log(site: Site, uuid: str, output: str, *, hidden: bool = False, stderr: bool = False) -> None:
    """Adds an entry to a deployment's log; values shown only once are redacted."""
    with site.store.transaction():
        row = site.store.find("deployments", uuid)
        if row is None:
            return
        for variable in site.store.where("envs", application_uuid=row["application_uuid"], is_shown_once=True):
            if variable["value"]:
                output = output.replace(variable["value"], "<REDACTED>")
        entry = {
            "command": None,
            "output": output,
            "type": "stderr" if stderr else "stdout",
            "timestamp": naming.timestamp(),
            "hidden": hidden,
            "batch": 1,
        }
        if row["logs"]:
            entry["order"] = len(row["logs"]) + 1
        site.store.update("deployments", uuid, logs=[*row["logs"], entry])


def recorded_tag(application: Row) -> str | None:
    """The image tag that the deployment's row keeps: none, except for previews."""
    del application
    return None


def _start(site: Site, row: Row) -> None:
    """Marks the deployment running and hands it to a worker. The container's name is fixed here, the tag is not."""
    application = site.store.find("applications", row["application_uuid"])
    if application is None:
        site.store.update("deployments", row["uuid"], status="failed")
        return
    container = naming.container_name(application, datetime.now(UTC))
    site.store.update("deployments", row["uuid"], status="in_progress", horizon_job_id=naming.new_uuid())
    site.horizon.dispatch(lambda: site.deploy(site, row["uuid"], container))


def _new_row(site: Site, application: Row, uuid: str, commit: str) -> Row:
    environment = site.store.where("environments", id=application["environment_id"])[0]
    project = site.store.where("projects", id=environment["project_id"])[0]
    path = f"/project/{project['uuid']}/environment/{environment['uuid']}/application/{application['uuid']}"
    configuration = json.dumps({key: application[key] for key in sorted(application) if key != "updated_at"})
    return {
        "uuid": uuid,
        "application_uuid": application["uuid"],
        "application_id": str(application["id"]),
        "application_name": application["name"],
        "deployment_uuid": uuid,
        "deployment_url": f"{path}/deployment/{uuid}",
        "pull_request_id": 0,
        "docker_registry_image_tag": recorded_tag(application),
        "configuration_hash": hashlib.sha256(configuration.encode()).hexdigest(),
        "commit": commit,
        "commit_message": None,
        "status": "queued",
        "is_webhook": False,
        "is_api": True,
        "git_type": None,
        "server_id": 0,
        "server_name": SERVER_NAME,
        "destination_id": str(application["destination_id"]),
        "destination_uuid": DESTINATION_UUID,
        "build_server_id": None,
        "only_this_server": False,
        "current_process_id": None,
        "horizon_job_id": None,
        "horizon_job_worker": None,
        "finished_at": None,
        "logs": [],
    }
