"""Asking: wait until a service is green by its own check, then put every rule to it."""

import time
from collections.abc import Callable

from slipway.checks.images.rules import check_stage
from slipway.checks.images.stage import HEALTHCHECK, RUN_DIR, Stage
from slipway.checks.issue import Issue
from slipway.rehearsal.stage.scene import Hosts, Scene

GREEN_WITHIN = 60.0
_PAUSE = 0.3
_GLANCE = 0.1
_GLANCES = 20
"""How often a sign of life is looked for before the check is asked all the same."""


def asks_green(hosts: Hosts) -> tuple[bool, str]:
    """Ask the image's own health check, as its user; return its answer and its line."""
    answer = hosts.user.run(HEALTHCHECK)
    said = (answer.stdout.strip() or answer.stderr.strip())[:300]
    return answer.rc == 0, said or f"answers {answer.rc}"


def await_sign(scene: Scene, name: str, hosts: Hosts, stop: Callable[[float], bool]) -> None:
    """Wait for what must be there before a check can be green, at most two seconds or until `stop(seconds)`.

    A check is a process of its own, so asking one that is red in vain costs the service, which is just starting, its
    processor. To look for an open port or a file costs a line in a shell that is open anyway.
    """
    service = scene.workspace.services[name]
    sign = f"[ -e {RUN_DIR}/{service.role}.heartbeat ]"
    if service.port:
        sign = f"grep -qE ':{service.port:04X} 0+:0000 0A ' /proc/net/tcp /proc/net/tcp6"
    for _ in range(_GLANCES):
        if hosts.user.run(sign).rc == 0 or stop(_GLANCE):
            return


def await_health(
    hosts: Hosts, seconds: float, *, green: bool = True, meanwhile: Callable[[], object] = lambda: None
) -> tuple[bool, str]:
    """Ask until the check is green (or red), at most `seconds`; return whether it came to be, and its last line."""
    deadline = time.monotonic() + seconds
    while True:
        meanwhile()
        is_green, said = asks_green(hosts)
        if is_green is green or time.monotonic() > deadline:
            return is_green is green, said
        time.sleep(_PAUSE)


def await_green(scene: Scene, name: str, hosts: Hosts) -> list[Issue]:
    """Wait for green; return an issue where it does not come. Raises `StoppedByItself`."""

    def pause(seconds: float) -> bool:
        _still(scene, name)
        time.sleep(seconds)
        return False

    await_sign(scene, name, hosts, pause)
    is_green, said = await_health(hosts, GREEN_WITHIN, meanwhile=lambda: _still(scene, name))
    return [] if is_green else [scene.issue(name, "health", f"not green after {GREEN_WITHIN:.0f} s: {said}")]


def _still(scene: Scene, name: str) -> None:
    if not scene.is_running(name):
        raise StoppedByItself(name)


class StoppedByItself(Exception):
    """The container of this service ended while somebody waited for it."""


def ask(scene: Scene, name: str, hosts: Hosts) -> list[Issue]:
    """Put every rule to a running container."""
    service = scene.workspace.services[name]
    image = scene.images[service.image]
    stage = Stage(name, service, scene.workspace, image, hosts.user, hosts.root, scene.known)
    return check_stage(stage)


def engine_agrees(scene: Scene, name: str, seconds: float = 12.0) -> list[Issue]:
    """Wait until the engine's own asking shows green, too: that is what a platform goes by."""
    deadline = time.monotonic() + seconds
    while True:
        state = scene.state(name)
        health = (state.get("Health") or {}).get("Status")
        if health == "healthy" or state.get("Status") != "running":
            return []
        if health is None:
            return [scene.issue(name, "health", "the image has no HEALTHCHECK", f"HEALTHCHECK CMD {HEALTHCHECK}")]
        if time.monotonic() > deadline:
            log = state["Health"].get("Log") or [{}]
            said = str(log[-1].get("Output", "")).strip()[:300]
            return [scene.issue(name, "health", f"green when asked, but {health} for the engine: {said}")]
        time.sleep(_PAUSE)
