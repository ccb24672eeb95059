"""Asking: wait until a service is green by its own check, then put every rule to it."""

import time
from collections.abc import Callable

from slipway.checks.images.rules import check_stage
from slipway.checks.images.stage import HEALTHCHECK, Stage
from slipway.checks.issue import Issue
from slipway.rehearsal.stage.scene import Hosts, Scene

GREEN_WITHIN = 60.0
_PAUSE = 0.3


def asks_green(hosts: Hosts) -> tuple[bool, str]:
    """Ask the image's own health check, as its user; return its answer and its line."""
    answer = hosts.user.run(HEALTHCHECK)
    said = (answer.stdout.strip() or answer.stderr.strip())[:300]
    return answer.rc == 0, said or f"answers {answer.rc}"


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
