"""Breaking: a check that is green proves nothing until it was seen red. Each role is broken, seen red, and mended."""

import time

from slipway.checks.images.stage import RUN_DIR
from slipway.checks.issue import Issue
from slipway.config.workspace import Role
from slipway.rehearsal.stage.asking import asks_green, await_health
from slipway.rehearsal.stage.scene import Hosts, Scene, freeze

AGED = {Role.WORKER: 11, Role.BEAT: 16}
"""Seconds by which a heartbeat is made older: one more than the check allows (`healthcheck.py`, STALE)."""
_RED_WITHIN = {Role.WEB: 8.0, Role.STATIC: 8.0, Role.WORKER: 4.0, Role.BEAT: 4.0}
_GREEN_AGAIN_WITHIN = 15.0
_BEAT = 1.3  # seconds in which a worker that is well touches its file again
_UNAGED_WITHIN = 30.0


def standing_still(scene: Scene, name: str, hosts: Hosts) -> list[Issue]:
    """Stop every process of the service where it stands: its port stays open, its file stays there, it does nothing.

    Waiting out a heartbeat's limit takes 10 and 15 s. Its file is made that much older instead: whoever is stopped
    cannot touch it, and whoever lives does so within seconds, which the way back to green shows.
    """
    role = scene.workspace.services[name].role
    frozen = freeze(hosts)
    if not frozen:
        return [
            scene.issue(name, "health", "nothing but process 1 runs, so nothing can be broken", "run it below tini")
        ]
    issues = []
    try:
        is_aged = role not in AGED or _age(hosts, role)
        is_red, said = await_health(hosts, _RED_WITHIN[role] if is_aged else _UNAGED_WITHIN, green=False)
        if not is_red:
            told = f"the check stays green while none of its {frozen} processes moves: {said}"
            issues.append(scene.issue(name, "health", told, "ask for what only a living process does"))
    finally:
        freeze(hosts, thaw=True)
    is_green, said = await_health(hosts, _GREEN_AGAIN_WITHIN)
    if not is_green:
        told = f"not green again {_GREEN_AGAIN_WITHIN:.0f} s after its processes went on: {said}"
        issues.append(scene.issue(name, "health", told))
    return issues


def broker_away(scene: Scene, name: str, hosts: Hosts) -> list[Issue]:
    """With Redis gone a worker must turn red, as it gets no work; web must not, or all would go at once."""
    role = scene.workspace.services[name].role
    if role is not Role.WORKER:
        is_green, said = asks_green(hosts)
        told = f"the check is red when Redis is away, which takes every container out at once: {said}"
        return [] if is_green else [scene.issue(name, "health", told, "look at this process only")]
    deadline = time.monotonic() + 10
    said = ""
    while time.monotonic() < deadline:
        _age(hosts, role)
        time.sleep(_BEAT)
        is_green, said = asks_green(hosts)
        if not is_green:
            return []
    return [scene.issue(name, "health", f"the check stays green while Redis is away: {said}")]


def broker_back(scene: Scene, name: str, hosts: Hosts) -> list[Issue]:
    """Once Redis is there again the worker turns green by itself."""
    is_green, said = await_health(hosts, _GREEN_AGAIN_WITHIN)
    told = f"not green {_GREEN_AGAIN_WITHIN:.0f} s after Redis came back: {said}"
    return [] if is_green else [scene.issue(name, "health", told)]


def _age(hosts: Hosts, role: Role) -> bool:
    """Make the heartbeat of a role older; False where there is no such file."""
    file = f"{RUN_DIR}/{role}.heartbeat"
    asked = hosts.root.run(f"[ -e {file} ] && touch -d @$(($(date +%s) - {AGED[role]})) {file}")
    return bool(asked.rc == 0)
