"""Stopping: SIGTERM turns the check red at once while web and static serve on; the container ends with 0 in time."""

import time
from collections.abc import Iterable

from slipway.checks.issue import Issue
from slipway.config.workspace import Engine, Role
from slipway.errors import Unreachable
from slipway.rehearsal.stage.asking import await_health
from slipway.rehearsal.stage.opening import DRAIN
from slipway.rehearsal.stage.scene import Hosts, Scene

_LONGEST = 12  # seconds after the drain
_RED_WITHIN = 1.0


def stops_well(scene: Scene, name: str, hosts: Hosts, drain: float = DRAIN) -> list[Issue]:
    """Tell a container to stop and watch it; it is gone afterwards or still runs, which is told."""
    import requests

    role = scene.workspace.services[name].role
    serves_on = role in (Role.WEB, Role.STATIC)
    issues: list[Issue] = []
    container = scene.container(name)
    begin = time.monotonic()
    container.kill(signal="SIGTERM")
    if serves_on:
        issues += _drains(scene, name, hosts)
    limit = int(drain) + _LONGEST
    try:
        code = container.wait(timeout=limit)["StatusCode"]
    except (requests.Timeout, requests.ConnectionError):
        return [*issues, scene.issue(name, "signal", f"still runs {limit} s after SIGTERM")]
    seconds = time.monotonic() - begin
    if code != 0:
        issues.append(scene.issue(name, "signal", f"ends with {code} after SIGTERM ({seconds:.1f} s)"))
    if serves_on and seconds < drain:
        issues.append(scene.issue(name, "signal", f"stopped after {seconds:.1f} s, before its drain of {drain:g} s"))
    return issues


def _drains(scene: Scene, name: str, hosts: Hosts) -> Iterable[Issue]:
    try:
        is_red, said = await_health(hosts, _RED_WITHIN, green=False)
        line = _status_line(scene, name)
    except Unreachable as error:  # it stopped at once, or between the two questions
        yield scene.issue(name, "signal", f"does not serve on after SIGTERM: {error.message}")
        return
    if not is_red:
        yield scene.issue(name, "signal", f"the check is not red after SIGTERM: {said}")
    if " 200" not in line:
        yield scene.issue(name, "signal", f"does not serve on while draining: {line!r}")


def _status_line(scene: Scene, name: str) -> str:
    """Ask its port from another container, as a router does, and return the first line of the answer.

    From the database's container: what the image itself has to ask with (bash, nc, Python) is its own affair.
    """
    service = scene.workspace.services[name]
    path = service.health_path if service.role is Role.WEB else "/"
    request = f"GET {path} HTTP/1.0\\r\\nHost: localhost\\r\\nX-Forwarded-Proto: https\\r\\n\\r\\n"
    ask = (
        f"if command -v bash >/dev/null; then exec timeout 3 bash -c '"
        f'exec 3<>/dev/tcp/{name}/{service.port} && printf %b "{request}" >&3 && head -n 1 <&3'
        f"'; else printf '{request}' | nc {name} {service.port} | head -n 1; fi"
    )
    _, answer = scene.container(_neighbour(scene)).exec_run(["sh", "-c", ask])
    return answer.decode(errors="replace").strip()[:200] if isinstance(answer, bytes) else ""


def _neighbour(scene: Scene) -> str:
    return next(name for name, database in scene.workspace.databases.items() if database.engine is Engine.POSTGRESQL)
