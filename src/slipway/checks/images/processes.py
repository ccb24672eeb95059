"""What runs in a container: under tini, as a user without privileges, only what its role needs, none a zombie."""

from collections.abc import Iterable
from dataclasses import dataclass

from slipway.checks.images.stage import Stage
from slipway.checks.issue import Issue, Severity
from slipway.config.workspace import Role

_INITS = ("tini", "docker-init")
_OWN_INIT = 'begin the ENTRYPOINT with "tini", "--"'
# `sleep` is the portal's script waiting out its drain.
_PORTAL_PROGRAMS = ("tini", "serve", "sh", "bash", "nginx", "sleep")
_ALL_STATUSES = "cat /proc/[0-9]*/status 2>/dev/null"


@dataclass(frozen=True, slots=True)
class Process:
    """One process as `/proc/<pid>/status` shows it: `uids` are real, effective, saved and of the file system."""

    parent: int
    uids: tuple[int, ...]
    name: str = ""
    state: str = ""
    capabilities: int = 0


def processes(host: object) -> dict[int, Process]:
    """Return the container's processes by id, process 1 and its descendants and no others.

    The shells of this check and Docker's own health check hang below nobody, so they are not among them. A process
    that vanished while its file was read is left out; empty where nothing can be read.
    """
    table = _read(host.run(_ALL_STATUSES).stdout)  # type: ignore[attr-defined]
    return {pid: process for pid, process in table.items() if _is_below_first(pid, table)}


def _read(statuses: str) -> dict[int, Process]:
    table: dict[int, Process] = {}
    seen: dict[str, str] = {}
    for line in [*statuses.splitlines(), "Name:"]:
        key, _, value = line.partition(":")
        if key == "Name":
            if {"Pid", "PPid", "Uid"} <= set(seen):
                uids = tuple(map(int, seen["Uid"].split()))
                capabilities = int(seen.get("CapEff", "0"), 16)
                state = seen.get("State", "")[:1]
                table[int(seen["Pid"])] = Process(int(seen["PPid"]), uids, seen["Name"], state, capabilities)
            seen = {}
        seen.setdefault(key, value.strip())
    return table


def _is_below_first(pid: int, table: dict[int, Process]) -> bool:
    while pid in table and pid != 1:
        pid = table[pid].parent
    return pid == 1


def runs_unprivileged(stage: Stage) -> Iterable[Issue]:
    """The image names a user; no process in the container runs as root or has a capability."""
    if stage.image.user.split(":")[0] in ("", "0", "root"):
        yield stage.issue("user", "the image runs as root", "end the Dockerfile with USER 10001:10001")
    table = processes(stage.host)
    if 1 not in table:
        yield stage.issue("user", "the container's processes cannot be read", "does the image have `cat`?")
    for pid, process in sorted(table.items()):
        if 0 in process.uids:
            yield stage.issue("user", f"process {pid} runs as root", "drop privileges before starting it")
        elif process.capabilities:
            told = f"process {pid} ({process.name}) has capabilities {process.capabilities:#x}"
            yield stage.issue("capabilities", told, "a user's process needs none: take its file capabilities away")


def runs_what_it_should(stage: Stage) -> Iterable[Issue]:
    """Process 1 is an init that reaps, nothing waits to be reaped, and only the role's programs run."""
    table = processes(stage.host)
    first = table.get(1)
    if first is not None and first.name not in _INITS:
        yield stage.issue("processes", f"process 1 is {first.name}, which reaps no orphans", _OWN_INIT)
    for pid, process in sorted(table.items()):
        if process.state == "Z":
            told = f"process {pid} ({process.name}) is a zombie of process {process.parent}"
            yield stage.issue("processes", told, "its parent must wait for it")
    strange = {process.name for process in table.values() if not _belongs(process.name, stage.service.role)}
    for name in sorted(strange - {first.name if first else ""}):
        told = f"{name} runs, which a {stage.service.role} service does not need"
        yield stage.issue("processes", told, "one container, one program", Severity.WARNING)


def _belongs(name: str, role: Role) -> bool:
    if role is Role.STATIC:
        return name in _PORTAL_PROGRAMS
    # The kernel cuts names at 15 characters; Celery and others name their processes like `[celeryd: ...`.
    return name in _INITS or name.startswith(("python", "[celeryd", "celery", "uvicorn", "daphne", "gunicorn"))
