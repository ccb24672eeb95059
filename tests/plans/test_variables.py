"""The plan that sets variables and deploys nothing, and what acts with a variable that would stay open."""

from pathlib import Path

import pytest

from slipway.config.workspace import Workspace
from slipway.errors import UsageError
from slipway.plan import Plan
from slipway.plans.desired import platform_values
from slipway.plans.variables import variables_plan, wanted_variables
from slipway.secret import Secret
from slipway.verbs.deploy import prepare_provisioning
from tests.verbs.ground import ONE, Ground, environment, run


@pytest.fixture
def ground(root: Path, workspace: Workspace) -> Ground:
    return Ground(environment(root, workspace))


def planned(ground: Ground) -> Plan:
    observed = ground.platform.observe()
    wanted = wanted_variables(ground.config, observed)
    return variables_plan("rehearsal", wanted, observed, ground.platform, ground.lock)


def test_only_what_differs_is_set_and_the_release_keeps_its_name(ground: Ground) -> None:
    ground.provision()
    ground.deploy(ONE)
    assert planned(ground).is_empty
    api = ground.platform.services["api"]
    ground.platform.set_variables(api.uuid, {**api.variables, "DEBUG": "true", "ODD": "1"})
    plan = planned(ground)
    assert plan.describe() == ["variables api: 2 changed: DEBUG, ODD", "unlock: give the environment's lock back"]
    ground.platform.calls.clear()
    run(plan)
    assert ground.platform.calls == [("set_variables", "api")], "nothing is deployed"
    assert ground.platform.services["api"].variables["SLIPWAY_VERSION"] == ONE.number
    assert planned(ground).is_empty


def test_the_next_deployment_knows_that_containers_have_older_ones(root: Path, workspace: Workspace) -> None:
    before = Ground(environment(root, workspace))
    before.provision()
    before.deploy(ONE)
    after = Ground(environment(root, workspace, DEFAULT_FROM_EMAIL="new@zamio.com"))
    after.platform, after.containers, after.state, after.migrated = (
        before.platform,
        before.containers,
        before.state,
        before.migrated,
    )
    run(planned(after))
    assert after.platform.services["worker"].variables["DEFAULT_FROM_EMAIL"] == "new@zamio.com"
    assert "deploy worker" in [step.name for step in after.prepare(ONE).deploying]


def test_a_failure_puts_the_variables_before_it_back(ground: Ground) -> None:
    from slipway.errors import Refused
    from slipway.plan import PlanFailed

    ground.provision()
    ground.deploy(ONE)
    for name in ("api", "worker"):
        service = ground.platform.services[name]
        ground.platform.set_variables(service.uuid, {**service.variables, "DEBUG": "true"})
    plan = planned(ground)
    ground.platform.failures["set_variables", "worker"] = Refused("Coolify said no")
    with pytest.raises(PlanFailed, match="said no"):
        run(plan)
    assert ground.platform.services["api"].variables["DEBUG"] == "true"


def test_without_services_there_is_nothing_to_set(ground: Ground) -> None:
    with pytest.raises(UsageError, match="none of the services is on the platform yet"):
        planned(ground)


def test_every_reference_that_exists_is_resolved_by_what_is_observed(ground: Ground) -> None:
    ground.provision()
    values = platform_values(ground.config, ground.platform.observe())
    assert values["service.postgres.host"] == "postgres"
    assert values["service.postgres.user"] == "app"
    assert isinstance(values["service.postgres.password"], Secret)
    assert values["service.api.internal_url"] == f"http://{values['service.api.host']}:{values['service.api.port']}"


@pytest.mark.parametrize("provisioned", [False, True])
def test_a_reference_that_nobody_will_hand_out_is_refused_before_anything_acts(
    root: Path, workspace: Workspace, *, provisioned: bool
) -> None:
    """No platform makes a database public of itself, so an address from outside stays open for ever."""
    (root / "env" / "rehearsal.api.env").write_text("DATABASE_READ_URL=${service.postgres.external_url}\n")
    ground = Ground(environment(root, workspace))
    if provisioned:
        whole = Ground(environment(root, workspace, DATABASE_READ_URL="postgresql://a:b@h:1/d"))
        whole.provision()
        ground.platform = whole.platform
    ground.platform.calls.clear()
    with pytest.raises(UsageError, match=r"no value for \$\{service.postgres.external_url\}") as raised:
        prepare_provisioning(ground.config, ground.target, ONE.tag)
    assert raised.value.where == "env/rehearsal.api.env:1"
    assert ground.platform.calls == []
    assert ground.lock.said == []


def test_a_part_that_the_database_does_not_have_is_refused_once_that_is_seen(root: Path, workspace: Workspace) -> None:
    (root / "env" / "rehearsal.api.env").write_text("EMAIL_HOST_USER=${service.redis.user}\n")
    ground = Ground(environment(root, workspace))
    ground.provision()
    from dataclasses import replace

    redis = ground.platform.databases["redis"]
    ground.platform.databases["redis"] = replace(redis, internal_url=Secret("redis://:pw@redis:6379/0"))
    with pytest.raises(UsageError, match=r"service.redis.user"):
        prepare_provisioning(ground.config, ground.target, ONE.tag)
