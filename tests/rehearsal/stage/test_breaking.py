"""A check that does not turn red where its role is broken is caught, and so is one that never turns green again."""

import importlib.util
from pathlib import Path

import pytest

from slipway.checks.images.stage import HEALTHCHECK
from slipway.config.workspace import Role
from slipway.rehearsal.stage import breaking
from slipway.rehearsal.stage.breaking import AGED, broker_away, standing_still
from tests.rehearsal.stage.conftest import SERVING, Stand

ALWAYS_GREEN = {HEALTHCHECK: "#!/bin/sh\n[ ! -e /run/draining ]\n"}


def breaks(stand: Stand, files: dict[str, str], role: Role) -> list[str]:
    with stand(files, role) as (scene, hosts):
        assert hosts.user.run(HEALTHCHECK).rc == 0
        return [issue.message for issue in standing_still(scene, "admin", hosts)]


@pytest.mark.docker
@pytest.mark.parametrize("role", [Role.STATIC, Role.WORKER])
def test_a_truthful_check_turns_red_and_green_again(stand: Stand, role: Role) -> None:
    assert breaks(stand, {}, role) == []


@pytest.mark.docker
@pytest.mark.parametrize("role", [Role.STATIC, Role.WORKER])
def test_a_check_that_is_always_green_is_caught(stand: Stand, role: Role, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(breaking, "_RED_WITHIN", dict.fromkeys(Role, 1.5))
    (told,) = breaks(stand, ALWAYS_GREEN, role)
    assert "stays green while none of its" in told


@pytest.mark.docker
def test_a_heartbeat_that_nobody_touches_is_caught(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file is made once, at the start: green for a while, and then red for ever."""
    monkeypatch.setattr(breaking, "_GREEN_AGAIN_WITHIN", 1.5)
    once = SERVING.replace(
        "while true; do touch /run/slipway/worker.heartbeat;", "touch /run/slipway/worker.heartbeat; while true; do"
    )
    (told,) = breaks(stand, {"/start": once}, Role.WORKER)
    assert told.startswith("not green again")


@pytest.mark.docker
def test_a_worker_that_beats_without_its_broker_is_caught(stand: Stand) -> None:
    with stand({}, Role.WORKER) as (scene, hosts):
        (issue,) = broker_away(scene, "admin", hosts)
    assert "stays green while Redis is away" in issue.message


@pytest.mark.docker
def test_a_portal_that_needs_redis_is_caught(stand: Stand) -> None:
    with stand({HEALTHCHECK: "#!/bin/sh\necho no redis; exit 1\n"}) as (scene, hosts):
        (issue,) = broker_away(scene, "admin", hosts)
    assert "takes every container out at once: no redis" in issue.message


def test_heartbeats_are_aged_by_a_second_more_than_the_check_allows() -> None:
    file = Path(__file__).parents[3] / "runtime/src/slipway_runtime/healthcheck.py"
    spec = importlib.util.spec_from_file_location("healthcheck_of_the_image", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert {str(role): seconds - 1 for role, seconds in AGED.items()} == module.STALE
