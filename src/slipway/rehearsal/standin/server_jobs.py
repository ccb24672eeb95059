"""What workers do for start, stop and delete: no job id exists, and failures show only in the status."""

import logging
import shutil
from pathlib import Path

from . import compose_file, container_status, database_file, deployment_job
from .compose_cli import CommandFailed
from .site import Site
from .store import Row

log = logging.getLogger("standin")

_DATABASE_GRACE = 10


def stop_application(site: Site, application: Row) -> None:
    """Stops and removes all the application's containers."""
    for container in site.engine.containers(f"coolify.applicationId={application['id']}"):
        site.engine.stop(container.id, deployment_job.grace_period(application))
        site.engine.remove(container.id)
    container_status.refresh_application(site, application["uuid"])


def delete_application(site: Site, application: Row) -> None:
    """Removes containers, folder and row."""
    stop_application(site, application)
    shutil.rmtree(site.settings.data / "applications" / str(application["uuid"]), ignore_errors=True)
    with site.store.transaction():
        for variable in site.store.where("envs", application_uuid=application["uuid"]):
            site.store.delete("envs", variable["uuid"])
        site.store.delete("applications", application["uuid"])


def start_database(site: Site, database: Row) -> None:
    """Pulls, stops and removes the old container, starts the new one."""
    uuid = str(database["uuid"])
    file = _write(site, database)
    try:
        site.compose.run(uuid, uuid, file, "pull")
        site.engine.stop(uuid, _DATABASE_GRACE)
        site.engine.remove(uuid)
        site.compose.run(uuid, uuid, file, "up", "-d")
    except CommandFailed as error:
        log.warning("database %s did not start: %s", uuid, error)
    container_status.refresh_database(site, uuid)


def stop_database(site: Site, database: Row) -> None:
    """Stops and removes the container; the volume stays."""
    site.engine.stop(database["uuid"], _DATABASE_GRACE)
    site.engine.remove(database["uuid"])
    container_status.refresh_database(site, database["uuid"])


def delete_database(site: Site, database: Row, *, with_volumes: bool) -> None:
    """Removes container, folder, row and, if asked, the volume."""
    stop_database(site, database)
    if with_volumes:
        site.engine.remove_volume(database_file.volume_of(database))
    shutil.rmtree(_folder(site, database), ignore_errors=True)
    with site.store.transaction():
        site.store.delete("databases", database["uuid"])


def _write(site: Site, database: Row) -> Path:
    environment = site.store.where("environments", id=database["environment_id"])[0]
    project = site.store.where("projects", id=environment["project_id"])[0]
    document = database_file.for_database(database, environment, project, site.settings.network, site.settings.labels)
    folder = _folder(site, database)
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "docker-compose.yml"
    file.touch(mode=0o600)
    file.write_text(compose_file.written(document), encoding="utf-8")
    return file


def _folder(site: Site, database: Row) -> Path:
    return site.settings.data / "databases" / str(database["uuid"])
