from dataclasses import replace
from datetime import UTC, datetime

import pytest

from slipway.config.workspace import Role
from slipway.errors import Refused, Unreachable, UsageError
from slipway.plan import Execution, Plan, PlanFailed, Step
from slipway.plans.deploy import deploy_plan
from slipway.plans.provision import provision_plan
from slipway.ports import Deployment, Say
from slipway.release.desired import DesiredService
from slipway.release.image import Version
from slipway.release.observed import Observed, RunningContainer
from slipway.release.release import Release
from slipway.secret import Secret
from slipway.testing import FakeContainers, FakePlatform, FakeStep, Lines

PORTAL = DesiredService("frontend", Role.STATIC, "r/frontend", 8080, "frontend.x", rolling=True)
BEAT = DesiredService("beat", Role.BEAT, "r/backend", None, None, rolling=False)
WORKER = DesiredService("worker", Role.WORKER, "r/backend", None, None, rolling=True)
API = DesiredService("api", Role.WEB, "r/backend", 8000, "api.x", rolling=True)
SERVICES = (PORTAL, BEAT, WORKER, API)
VARIABLES: dict[str, dict[str, str | Secret]] = {
    service.name: {"SECRET_KEY": Secret("hunter2-hunter2"), "MODE": "on"} for service in SERVICES
}


def release(number: str) -> Release:
    prints = {service.name: "f1" for service in SERVICES}
    return Release(Version(number, "abc"), {}, datetime(2026, 1, 1, tzinfo=UTC), prints, {})


class Ground:
    """A platform with all services made and an engine that has the images of 1 and 2."""

    def __init__(self) -> None:
        self.platform = FakePlatform()
        self.containers = FakeContainers({f"r/backend:{number}-abc": number for number in "12"})
        self.current: Release | None = None
        self.running: dict[str, RunningContainer] = {}
        self.crowded: frozenset[str] = frozenset()
        Execution(Lines()).run(
            provision_plan((), SERVICES, self.platform.observe(), self.platform, self.containers, tag="0-abc")
        )
        self.platform.calls.clear()

    def observed(self) -> Observed:
        return Observed(self.platform.observe(), self.current, dict(self.running), self.crowded)

    def plan(self, number: str, migrate: Step | None = None, redeploy: tuple[str, ...] = ()) -> Plan:
        return deploy_plan(
            SERVICES,
            VARIABLES,
            release(number),
            self.observed(),
            self.platform,
            self.containers,
            image_ids={service.name: f"sha256:{number}" for service in SERVICES},
            migrate=migrate,
            redeploy=redeploy,
        )

    def live(self, number: str) -> None:
        """Everything runs release `number` and the host has recorded it."""
        Execution(Lines()).run(self.plan(number))
        self.current = release(number)
        for service in SERVICES:
            image = f"{service.repository}:{number}-abc"
            self.running[service.name] = RunningContainer(
                "c", service.name, image, f"sha256:{number}", "running", "healthy"
            )
        self.platform.calls.clear()
        self.platform.deployed.clear()


@pytest.fixture
def ground() -> Ground:
    return Ground()


def names(plan: Plan) -> list[str]:
    return [step.name for step in plan.steps]


def test_variables_then_migration_then_services_as_they_depend_on_each_other(ground: Ground) -> None:
    plan = ground.plan("1", migrate=FakeStep("migrate"))
    assert names(plan) == [
        "variables api",
        "variables worker",
        "variables beat",
        "variables frontend",
        "migrate",
        "deploy api",
        "deploy worker",
        "pull beat",
        "deploy beat",
        "deploy frontend",
    ]
    assert ground.platform.calls == []


def test_the_dry_run_names_variables_and_tags_and_shows_no_value(ground: Ground) -> None:
    text = "\n".join(ground.plan("1").describe())
    assert "2 changed: MODE, SECRET_KEY" in text
    assert "nothing -> 1-abc" in text
    assert "the old container is stopped first" in text
    assert "hunter2" not in text


def test_a_release_that_runs_already_gets_an_empty_plan(ground: Ground) -> None:
    ground.live("1")
    assert ground.plan("1").is_empty
    assert names(ground.plan("1", migrate=FakeStep("migrate"))) == ["migrate"]
    assert names(ground.plan("1", redeploy=("worker",))) == ["deploy worker"]


@pytest.mark.parametrize(
    "change",
    [
        {"state": "exited"},
        {"health": "unhealthy"},
        {"health": "starting"},
        {"image": "r/backend:0-abc"},
        {"image": "i"},
        {"image_id": "sha256:of the same tag, built anew"},
    ],
)
def test_only_a_healthy_container_of_the_release_counts_as_already_so(ground: Ground, change: dict[str, str]) -> None:
    ground.live("1")
    ground.running["api"] = replace(ground.running["api"], **change)  # type: ignore[arg-type]  # all texts
    assert names(ground.plan("1")) == ["deploy api"]


def test_a_service_that_runs_twice_is_deployed_again(ground: Ground) -> None:
    ground.live("1")
    ground.crowded = frozenset({"worker"})
    assert names(ground.plan("1")) == ["deploy worker"]


def test_variables_set_by_a_killed_run_still_need_their_deployment(ground: Ground) -> None:
    ground.live("1")
    assert ground.current
    ground.current = replace(ground.current, fingerprints={**ground.current.fingerprints, "api": "f0"})
    assert names(ground.plan("1")) == ["deploy api"]


def test_a_variable_changed_by_hand_is_put_right_and_deployed(ground: Ground) -> None:
    ground.live("1")
    ground.platform.services["api"] = replace(ground.platform.services["api"], variables={"MODE": "off"})
    assert names(ground.plan("1")) == ["variables api", "deploy api"]


def test_a_failing_service_takes_the_ones_before_it_back(ground: Ground) -> None:
    ground.live("1")
    ground.platform.failures["deploy", "worker"] = Refused("unhealthy")
    with pytest.raises(PlanFailed) as caught:
        Execution(Lines()).run(ground.plan("2"))
    assert ground.platform.deployed == [("api", "2-abc"), ("api", "1-abc")]
    outcomes = [(result.name, str(result.outcome)) for result in caught.value.results]
    assert outcomes == [("deploy api", "done"), ("deploy worker", "failed"), ("deploy api", "undone")]


def test_going_back_means_variables_before_the_tag(ground: Ground) -> None:
    ground.live("1")
    before = dict(ground.platform.services["api"].variables)
    plan = deploy_plan(
        (API, WORKER),
        {name: {**VARIABLES[name], "NEW": "x"} for name in ("api", "worker")},
        release("2"),
        ground.observed(),
        ground.platform,
        ground.containers,
        image_ids={"api": "sha256:2", "worker": "sha256:2"},
    )
    ground.platform.failures["deploy", "worker"] = Refused("unhealthy")
    with pytest.raises(PlanFailed):
        Execution(Lines()).run(plan)
    assert ground.platform.calls[-4:] == [
        ("set_variables", "api"),
        ("deploy", "api"),
        ("set_variables", "worker"),
        ("set_variables", "api"),
    ]
    assert ground.platform.services["api"].variables == before
    assert ground.platform.services["worker"].variables == before


def test_a_failed_service_that_stops_the_old_one_first_is_brought_back(ground: Ground) -> None:
    ground.live("1")
    plan = ground.plan("2")
    deploy_in_memory = ground.platform.deploy

    def failing(uuid: str, tag: str, say: Say) -> Deployment:
        if (uuid, tag) == ("uuid-beat", "2-abc"):
            raise Refused("down")
        return deploy_in_memory(uuid, tag, say)

    ground.platform.deploy = failing  # type: ignore[method-assign]
    with pytest.raises(PlanFailed):
        Execution(Lines()).run(plan)
    assert ground.platform.deployed[2:] == [("beat", "1-abc"), ("worker", "1-abc"), ("api", "1-abc")]


@pytest.mark.parametrize("error", [Unreachable("no answer"), UsageError("no ability")])
def test_where_nothing_was_started_nothing_is_brought_back(ground: Ground, error: Exception) -> None:
    ground.live("1")
    ground.platform.failures["deploy", "api"] = error
    with pytest.raises(PlanFailed):
        Execution(Lines()).run(ground.plan("2"))
    assert ground.platform.calls == [("deploy", "api")]


def test_an_interrupt_deploys_the_previous_tag_again(ground: Ground) -> None:
    ground.live("1")
    plan = ground.plan("2")
    deploy_in_memory = ground.platform.deploy

    def interrupted(uuid: str, tag: str, say: Say) -> Deployment:
        if (uuid, tag) == ("uuid-worker", "2-abc"):
            raise KeyboardInterrupt
        return deploy_in_memory(uuid, tag, say)

    ground.platform.deploy = interrupted  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        Execution(Lines()).run(plan)
    assert ground.platform.deployed == [("api", "2-abc"), ("worker", "1-abc"), ("api", "1-abc")]


def test_an_image_that_the_host_cannot_pull_stops_beat_before_its_old_container_does(ground: Ground) -> None:
    ground.live("1")
    del ground.containers.images["r/backend:2-abc"]
    with pytest.raises(PlanFailed, match="no registry has"):
        Execution(Lines()).run(ground.plan("2"))
    assert ("deploy", "beat") not in ground.platform.calls


def test_a_first_deployment_that_fails_has_nothing_to_go_back_to(ground: Ground) -> None:
    ground.platform.failures["deploy", "worker"] = Refused("unhealthy")
    with pytest.raises(PlanFailed):
        Execution(Lines()).run(ground.plan("1"))
    assert ground.platform.deployed == [("api", "1-abc")]


def test_a_service_that_is_not_on_the_platform_or_has_no_variables_is_named(ground: Ground) -> None:
    with pytest.raises(UsageError, match="no variables are known for api"):
        deploy_plan((API,), {}, release("1"), ground.observed(), ground.platform, ground.containers, image_ids={})
    del ground.platform.services["api"]
    with pytest.raises(UsageError, match="not on the platform yet: api"):
        ground.plan("1")
