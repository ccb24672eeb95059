"""An application's or database's cached status: how containers are read, and the job that refreshes it."""

import logging

from . import naming
from .compose_cli import CommandFailed
from .engine import Container
from .site import Site
from .store import Row

log = logging.getLogger("standin")


def aggregated(containers: list[Container]) -> str:
    """`<state>:<health>` of some containers together."""
    states = {container.state for container in containers}
    if not containers or states <= {"exited", "dead", "removing"}:
        return "exited:unhealthy"
    if len(states) > 1 and states & {"restarting", "exited", "dead"}:
        return "degraded:unhealthy"
    for state in ("restarting", "paused"):
        if state in states:
            return f"{state}:unknown"
    healths = {container.health for container in containers}
    if "created" in states or "starting" in healths:
        return "starting:unknown"
    if "unhealthy" in healths:
        return "running:unhealthy"
    return "running:unknown" if healths & {None, "none"} else "running:healthy"


def shown(row: Row) -> str:
    """The status as the API gives it; a plain word reads back as unhealthy."""
    status = str(row["status"])
    return status if ":" in status else f"{status}:unhealthy"


def refresh_application(site: Site, uuid: str) -> None:
    """Looks at the application's containers and stores what it sees; one that restarted too often is stopped."""
    application = site.store.find("applications", uuid)
    if application is None:
        return
    containers = site.engine.containers(f"coolify.applicationId={application['id']}")
    restarts = max((container.restarts for container in containers), default=0)
    limit = application["max_restart_count"]
    if limit and restarts >= limit:
        log.info("application %s restarted %d times and is stopped", uuid, restarts)
        for container in containers:
            site.engine.stop(container.id, 30)
            site.engine.remove(container.id)
        containers = []
    _store(site, "applications", uuid, status=aggregated(containers), restart_count=restarts)


def refresh_database(site: Site, uuid: str) -> None:
    """The same for a database's one container."""
    found = site.engine.find(uuid)
    _store(site, "databases", uuid, status=aggregated([found] if found else []))


def refresh_all(site: Site) -> None:
    """The job that runs each minute. An engine that does not answer leaves everything as it was."""
    try:
        for application in site.store.where("applications"):
            refresh_application(site, application["uuid"])
        for database in site.store.where("databases"):
            refresh_database(site, database["uuid"])
    except CommandFailed as error:
        log.warning("status not refreshed: %s", error)


def _store(site: Site, table: str, uuid: str, **fields: object) -> None:
    with site.store.transaction():
        if site.store.find(table, uuid) is None:
            return
        if str(fields["status"]).startswith("running"):
            fields["last_online_at"] = naming.timestamp()
        site.store.update(table, uuid, **fields)
