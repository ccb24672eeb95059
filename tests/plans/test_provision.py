from dataclasses import replace

import pytest

from slipway.config.workspace import Engine, Role
from slipway.errors import Refused
from slipway.plan import Execution, PlanFailed
from slipway.plans.provision import configured_services, provision_plan
from slipway.release.desired import DesiredDatabase, DesiredService
from slipway.secret import Secret
from slipway.testing import FakePlatform, Lines

DATABASES = (
    DesiredDatabase("postgres", Engine.POSTGRESQL, "r/postgres:15", Secret("hunter2-hunter2")),
    DesiredDatabase("redis", Engine.REDIS, "r/redis:7", Secret("hunter3-hunter3")),
)
SERVICES = (
    DesiredService("api", Role.WEB, "r/backend", 8000, "api.zamio.localhost", rolling=True),
    DesiredService("beat", Role.BEAT, "r/backend", None, None, rolling=False),
)


@pytest.fixture
def platform() -> FakePlatform:
    return FakePlatform()


def names(platform: FakePlatform) -> list[str]:
    return [step.name for step in provision_plan(DATABASES, SERVICES, platform.observe(), platform, tag="1").steps]


def test_an_empty_platform_gets_databases_first_and_nothing_acts_while_planning(platform: FakePlatform) -> None:
    plan = provision_plan(DATABASES, SERVICES, platform.observe(), platform, tag="1")
    assert [step.name for step in plan.steps] == [
        "create database postgres",
        "create database redis",
        "create api",
        "create beat",
    ]
    assert platform.calls == []
    assert "hunter" not in "\n".join(plan.describe())
    assert "r/backend:1" in plan.describe()[2]


def test_a_platform_that_is_so_already_gets_an_empty_plan(platform: FakePlatform) -> None:
    Execution(Lines()).run(provision_plan(DATABASES, SERVICES, platform.observe(), platform, tag="1"))
    plan = provision_plan(DATABASES, SERVICES, platform.observe(), platform, tag="2")
    assert plan.is_empty


def test_a_changed_setting_is_configured_and_named(platform: FakePlatform) -> None:
    Execution(Lines()).run(provision_plan(DATABASES, SERVICES, platform.observe(), platform, tag="1"))
    moved = (replace(SERVICES[0], domain="api.example.org", port=9000), SERVICES[1])
    plan = provision_plan(DATABASES, moved, platform.observe(), platform, tag="1")
    assert plan.describe() == ["configure api: port 8000 -> 9000; domain api.zamio.localhost -> api.example.org"]
    assert configured_services(plan) == {"api"}
    Execution(Lines()).run(plan)
    assert provision_plan(DATABASES, moved, platform.observe(), platform, tag="1").is_empty


def test_a_database_that_does_not_run_is_started(platform: FakePlatform) -> None:
    Execution(Lines()).run(provision_plan(DATABASES, SERVICES, platform.observe(), platform, tag="1"))
    platform.databases["redis"] = replace(platform.databases["redis"], status="exited:unhealthy")
    assert names(platform) == ["start database redis"]


def test_what_exists_beside_ours_is_left_alone(platform: FakePlatform) -> None:
    Execution(Lines()).run(provision_plan(DATABASES, SERVICES, platform.observe(), platform, tag="1"))
    platform.services["wiki"] = replace(platform.services["api"], name="wiki", uuid="w")
    assert names(platform) == []


def test_a_failure_keeps_what_was_created_and_the_next_run_goes_on(platform: FakePlatform) -> None:
    platform.failures["configure", "beat"] = Refused("no", where="service beat")
    with pytest.raises(PlanFailed) as caught:
        Execution(Lines()).run(provision_plan(DATABASES, SERVICES, platform.observe(), platform, tag="1"))
    assert [str(result.outcome) for result in caught.value.results] == ["done", "done", "done", "failed"]
    platform.failures.clear()
    assert names(platform) == ["configure beat"]
