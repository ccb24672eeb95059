"""Every trap bites: with the one line that carries it switched off, its scenario shows something else.

Each entry names the trap, the scenario with what it normally shows, and a function or value whose replacement takes the
trap away. The tests in test_traps.py and test_traps_engine.py compare with the same constants, so they fail then.
"""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from slipway.rehearsal.standin import (
    answers,
    application_api,
    application_fields,
    compose_file,
    deployment_job,
    deployment_queue,
    env_api,
    env_file,
    gates,
    health_check,
    health_wait,
    naming,
    rules,
    run_options,
)
from slipway.rehearsal.standin.compose_cli import CommandFailed
from slipway.rehearsal.standin.engine import Engine
from tests.rehearsal.standin import trap_scenarios as plain
from tests.rehearsal.standin import trap_scenarios_engine as real
from tests.rehearsal.standin.ground import Standin
from tests.rehearsal.standin.trap_scenarios_engine import Deployer

ALL = {2, 3, 6, 7, 8, 10, 14, 15, 16, 17, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29}


@dataclass(frozen=True)
class Bite:
    """A trap without its line: `place.name` becomes `instead`, and what the scenario `shows` changes."""

    trap: int
    scenario: Callable[[Any], dict[str, Any]]
    seen: dict[str, Any]
    shows: tuple[str, ...]
    place: Any
    name: str
    instead: Any

    def __str__(self) -> str:
        owner = getattr(self.place, "__name__", "value").rpartition(".")[2]
        return f"trap_{self.trap:02}-{owner}.{self.name}"

    def switch_off(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Replaces the line for the length of a test."""
        if isinstance(self.place, dict):
            monkeypatch.setitem(self.place, self.name, self.instead)
        else:
            monkeypatch.setattr(self.place, self.name, self.instead)


def _without_quotes(options: str) -> str:
    return options.partition('"')[0] + options.rpartition('"')[2]


def _quoted(value: str | None, **_: bool) -> str | None:
    """What a careful writer of .env files would do."""
    return json.dumps(value).replace("$", "\\$") if value else None


def _with_command(application: dict[str, Any], *rest: Any) -> dict[str, Any]:
    document = _document(application, *rest)
    for service in document["services"].values():
        service["command"] = application["start_command"]
    return document


def _as_requested(site: Any, uuid: str) -> dict[str, Any]:
    return {**_configuration(site, uuid), "docker_registry_image_tag": "ok"}


def _with_revert(site: Any, uuid: str, status: str) -> bool:
    """Puts the last good tag back after a failure, as one might wish."""
    row = site.store.find("deployments", uuid)
    if status == "failed":
        site.store.update("applications", row["application_uuid"], docker_registry_image_tag="ok")
    return _settle(site, uuid, status)


def _healthy_without_check(engine: Engine, name: str) -> tuple[str, str]:
    try:
        return _health(engine, name)
    except CommandFailed:
        return "healthy", ""


def _with_drain(job: deployment_job.Job, name: str) -> None:
    time.sleep(4)
    _stop_and_remove(job, name)


_document = compose_file.for_application
_configuration = deployment_job.configuration
_settle = deployment_queue.settle
_health = Engine.health
_stop_and_remove = deployment_job.Job._stop_and_remove


def _keeping(name: str, row: dict[str, Any], given: Mapping[str, Any]) -> Any:
    return given.get(name, row[name])


def _with_uuid(row: dict[str, Any], container: str) -> list[str]:
    return [container, row["uuid"], "api", "zamio-api"]


def _patient(status: str) -> bool:
    return status != "unhealthy"


def _plain(number: int, shows: str | tuple[str, ...], place: Any, name: str, instead: Any, part: str = "") -> Bite:
    suffix = f"{number:02}{part}"
    scenario, seen = getattr(plain, f"trap_{suffix}"), getattr(plain, f"SEEN_{suffix.upper()}")
    return Bite(number, scenario, seen, (shows,) if isinstance(shows, str) else shows, place, name, instead)


def _real(number: int, shows: str | tuple[str, ...], place: Any, name: str, instead: Any) -> Bite:
    scenario, seen = getattr(real, f"trap_{number:02}"), getattr(real, f"SEEN_{number:02}")
    return Bite(number, scenario, seen, (shows,) if isinstance(shows, str) else shows, place, name, instead)


CHECKED = {**application_fields.DEFAULTS, "health_check_enabled": True}
PLAIN = [
    _plain(2, "limit", answers, "wants_json", lambda _: True),
    _plain(3, "get", gates, "moved_to_post", lambda _: None),
    _plain(6, "again", deployment_queue, "find_duplicate", lambda *_: None),
    _plain(7, ("deploy", "stored", "rollback"), deployment_queue, "is_full", lambda *_: False),
    _plain(8, "recorded", deployment_queue, "recorded_tag", lambda row: row["docker_registry_image_tag"], "_row"),
    _plain(15, "default", application_api, "DEFAULTS", CHECKED, "_default"),
    _plain(16, "commands", application_fields.RULES, "health_check_command", rules.text(), "_command"),
    _plain(17, "passed", health_wait, "counts_as_healthy", _patient, "_budget"),
    _plain(23, "name", naming, "container_name", lambda row, _: row["uuid"], "_names"),
    _plain(23, "id in application", application_api, "HIDDEN", frozenset(), "_names"),
    _plain(25, "domain", application_api, "wants_generated_domain", lambda _: False),
    _plain(26, "ports_exposes alone", application_api, "regenerates_labels", lambda _: True),
    _plain(27, "twins", env_api, "preview_twin", lambda _: None),
    _plain(27, ("omitted literal", "omitted multiline"), env_api, "flag_on_update", _keeping),
    _plain(29, "web", env_file, "listener", lambda *_: [], "_file"),
    _plain(29, "web", env_file, "predefined", lambda *_: [], "_file"),
    _plain(29, "web", env_file, "encoded", lambda value, **_: value, "_file"),
]
REAL = [
    _real(8, "runs", deployment_job, "configuration", _as_requested),
    _real(10, "configured", deployment_queue, "settle", _with_revert),
    _real(10, "pulled", deployment_job, "pull_image", lambda _: ""),
    _real(14, "only on the host", deployment_job, "pull_image", lambda _: ""),
    _real(15, "crashing", health_wait, "is_needed", lambda row: not row["health_check_enabled"]),
    _real(16, "http without port", Engine, "health", _healthy_without_check),
    _real(16, "no curl in the image", health_check, "_request", lambda _: "true"),
    _real(20, ("never healthy", "cannot be pulled"), deployment_job, "why_not_rolling", lambda _: None),
    _real(21, "grace", deployment_job, "grace_period", lambda _: 3),
    _real(21, "drained before", deployment_job.Job, "_stop_and_remove", _with_drain),
    _real(22, "running", deployment_job, "stopped_first", lambda _row, containers, _name: containers),
    _real(23, "by default", compose_file, "aliases", _with_uuid),
    _real(24, "hostname", run_options, "scanned", _without_quotes),
    _real(24, "command", compose_file, "for_application", _with_command),
    _real(28, ("literal False", "apostrophe", "trailing backslash"), env_file, "encoded", _quoted),
    _real(28, "literal True", env_file, "looks_like_json", lambda _: False),
    _real(29, "injected", env_file, "listener", lambda *_: []),
]


def unchanged(bite: Bite, seen: dict[str, Any]) -> list[str]:
    """What shows as before, although the line is gone."""
    return [name for name in bite.shows if seen[name] == bite.seen[name]]


def test_no_trap_is_left_out() -> None:
    assert {bite.trap for bite in [*PLAIN, *REAL]} == ALL


@pytest.mark.parametrize("bite", PLAIN, ids=str)
def test_without_its_line_the_trap_is_gone(bite: Bite, standin: Standin, monkeypatch: pytest.MonkeyPatch) -> None:
    bite.switch_off(monkeypatch)
    assert unchanged(bite, bite.scenario(standin)) == []


@pytest.mark.docker
@pytest.mark.parametrize("bite", REAL, ids=str)
def test_without_its_line_the_trap_is_gone_from_the_engine_too(
    bite: Bite, world: Deployer, monkeypatch: pytest.MonkeyPatch
) -> None:
    bite.switch_off(monkeypatch)
    assert unchanged(bite, bite.scenario(world)) == []
