from dataclasses import replace

import pytest

from slipway.config.workspace import Engine, Role
from slipway.errors import Refused
from slipway.plan import Execution, Plan, PlanFailed
from slipway.plans.provision import configured_services, provision_plan
from slipway.release.desired import DesiredDatabase, DesiredService
from slipway.secret import Secret
from slipway.steps.platform import AwaitDatabase
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


def planned(platform: FakePlatform, tag: str = "1") -> Plan:
    return provision_plan(DATABASES, SERVICES, platform.observe(), platform, platform.engine, tag=tag)


def names(platform: FakePlatform) -> list[str]:
    return [step.name for step in planned(platform).steps]


def test_an_empty_platform_gets_databases_first_and_nothing_acts_while_planning(platform: FakePlatform) -> None:
    plan = planned(platform)
    assert [step.name for step in plan.steps] == [
        "create database postgres",
        "create database redis",
        "await database postgres",
        "await database redis",
        "create api",
        "create beat",
    ]
    assert platform.calls == []
    assert "hunter" not in "\n".join(plan.describe())
    assert "r/backend:1" in plan.describe()[4]


def test_a_platform_that_is_so_already_gets_an_empty_plan(platform: FakePlatform) -> None:
    Execution(Lines()).run(planned(platform))
    plan = planned(platform, tag="2")
    assert plan.is_empty


def test_a_changed_setting_is_configured_and_named(platform: FakePlatform) -> None:
    Execution(Lines()).run(planned(platform))
    moved = (replace(SERVICES[0], domain="api.example.org", port=9000), SERVICES[1])
    plan = provision_plan(DATABASES, moved, platform.observe(), platform, platform.engine, tag="1")
    assert plan.describe() == ["configure api: port 8000 -> 9000; domain api.zamio.localhost -> api.example.org"]
    assert configured_services(plan) == {"api"}
    Execution(Lines()).run(plan)
    assert provision_plan(DATABASES, moved, platform.observe(), platform, platform.engine, tag="1").is_empty


def test_a_database_that_does_not_run_is_started(platform: FakePlatform) -> None:
    Execution(Lines()).run(planned(platform))
    platform.databases["redis"] = replace(platform.databases["redis"], status="exited:unhealthy")
    assert names(platform) == ["start database redis", "await database redis"]


def test_what_exists_beside_ours_is_left_alone(platform: FakePlatform) -> None:
    Execution(Lines()).run(planned(platform))
    platform.services["wiki"] = replace(platform.services["api"], name="wiki", uuid="w")
    assert names(platform) == []


def test_a_failure_keeps_what_was_created_and_the_next_run_goes_on(platform: FakePlatform) -> None:
    platform.failures["configure", "beat"] = Refused("no", where="service beat")
    with pytest.raises(PlanFailed) as caught:
        Execution(Lines()).run(planned(platform))
    assert [str(result.outcome) for result in caught.value.results] == ["done"] * 5 + ["failed"]
    platform.failures.clear()
    assert names(platform) == ["configure beat"]


def test_a_database_that_does_not_come_up_is_named_with_its_last_lines(platform: FakePlatform) -> None:
    create, _ = provision_plan(DATABASES[:1], (), platform.observe(), platform, platform.engine, tag="1").steps
    create.run(lambda _: None)
    platform.engine.containers[:] = [replace(platform.engine.containers[0], health="starting")]
    platform.engine.written["postgres"] = "initdb: no space left on device"
    with pytest.raises(Refused) as caught:
        AwaitDatabase(platform, platform.engine, "postgres", seconds=0.1, pause=0.02).run(lambda _: None)
    assert "running starting after" in caught.value.message
    assert caught.value.details == ("initdb: no space left on device",)
    platform.engine.containers.clear()
    with pytest.raises(Refused, match="not there yet"):
        AwaitDatabase(platform, platform.engine, "postgres", seconds=0.1, pause=0.02).run(lambda _: None)
