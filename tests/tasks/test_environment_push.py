"""Showing, comparing and setting variables of a platform in memory, as a person types it."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import pytest
import yaml

from slipway.config.config import load_config
from slipway.config.models.environment import EnvironmentConfig
from slipway.config.workspace import Workspace
from slipway.errors import Unreachable
from slipway.plans.variables import wanted_variables
from slipway.testing import FakeLock
from tasks._session import Session
from tasks._target import giving_back
from tests.checks.test_environment import fill
from tests.tasks.typed import Desk
from tests.verbs.ground import Ground, image


@pytest.fixture
def ground(desk: Desk, monkeypatch: pytest.MonkeyPatch, workspace: Workspace) -> Ground:
    """Production as it was deployed: provisioned, released, every variable set."""
    fill(desk.root, "production", workspace)
    ground = Ground(load_config(desk.root, "production", workspace))
    ground.provision()
    for name, variables in wanted_variables(ground.config, ground.platform.observe()).items():
        ground.platform.set_variables(ground.platform.services[name].uuid, variables)
    ground.platform.calls.clear()

    @contextmanager
    def target(self: Session, config: object) -> Iterator[tuple[object, object]]:
        with giving_back(ground.lock, self.console.say):
            yield ground.target, ground.state

    monkeypatch.setattr(Session, "target", target)
    monkeypatch.setattr("tasks._target.open_platform", lambda config, mask: nullcontext(ground.platform))
    return ground


def change(ground: Ground, service: str, **values: str) -> None:
    found = ground.platform.services[service]
    ground.platform.set_variables(found.uuid, {**found.variables, **values})
    ground.platform.calls.clear()


def test_what_the_platform_has_is_compared_by_service_and_secrets_are_never_shown(desk: Desk, ground: Ground) -> None:
    same = desk.types("env.diff --env production")
    assert (same.code, "0 differ" in same.out) == (0, True), same.said
    key = ground.platform.services["api"].variables["SECRET_KEY"]
    change(ground, "api", DEBUG="true", SECRET_KEY="f" * 60, ODD="somebody-put-it-there")
    change(ground, "worker", DEBUG="true")
    ran = desk.types("env.diff --env production")
    assert ran.code == 1
    rows = [line.split() for line in ran.out.splitlines()]
    assert ["api,", "worker", "DEBUG", "different", "false", "true"] in rows
    assert ["api", "ODD", "only", "in", "platform", "(secret)", "(secret)"] in rows
    assert ["api", "SECRET_KEY", "different", "(secret)", "(secret)"] in rows
    document = desk.types("env.diff --env production --format json").document
    assert (document["ok"], document["left"], document["right"]) == (False, "production", "platform")
    outcomes = {(one["name"], one["outcome"]) for one in document["variables"] if one["outcome"] != "same"}
    assert outcomes == {("DEBUG", "different"), ("SECRET_KEY", "different"), ("ODD", "only right")}
    for text in ("f" * 60, key, "somebody-put-it-there"):
        assert text not in ran.said + repr(document)


def test_variables_are_set_under_the_lock_and_nothing_is_deployed(desk: Desk, ground: Ground) -> None:
    change(ground, "api", DEBUG="true")
    refused = desk.types("env.push --env production")
    assert (refused.code, ground.platform.calls) == (2, []), "nobody said yes"
    assert "variables api: 1 changed: DEBUG" in refused.out
    ran = desk.types("env.push --env production --yes --format json")
    assert ran.code == 0, ran.said
    assert [(step["name"], step["outcome"]) for step in ran.document["steps"]] == [
        ("lock", "done"),
        ("variables api", "done"),
        ("unlock", "done"),
    ]
    assert ground.platform.calls == [("set_variables", "api")]
    assert ground.journal.begun[-3:] == ["lock", "variables api", "unlock"]
    assert ground.lock.token is None
    told = desk.types("env.push --env production --yes")
    assert "up to date" in told.out


def test_the_line_at_the_end_says_who_needs_a_deployment(desk: Desk, ground: Ground) -> None:
    change(ground, "api", DEBUG="true")
    change(ground, "beat", DEBUG="true")
    told = desk.types("env.push --env production --yes").out.splitlines()[-1]
    assert told == "set on the platform for api, beat; their containers get them with `inv deploy --env production`"


def test_a_lock_that_another_run_has_and_a_broken_configuration_change_nothing(desk: Desk, ground: Ground) -> None:
    change(ground, "api", DEBUG="true")
    ground.lock = FakeLock(holder="somebody")
    ran = desk.types("env.push --env production --yes")
    assert (ran.code, "held by somebody" in ran.err) == (1, True)
    ground.lock = FakeLock()
    with (desk.root / "env" / "production.env").open("a") as file:
        file.write("EMAIL_HOST=${variable.EMAIL_HOST}\n")
    for task in ("env.push --yes", "deploy --yes", "db.migrate --yes"):
        ran = desk.types(f"{task} --env production")
        assert (ran.code, "EMAIL_HOST refers to itself" in ran.err) == (2, True), ran.said
    assert ground.platform.calls == []
    assert "acquire" not in ground.lock.said


@pytest.mark.parametrize("task", ["env.push --yes", "deploy --yes", "db.migrate --yes", "deploy.plan"])
def test_an_address_that_the_platform_never_hands_out_stops_every_act_before_its_first(
    desk: Desk, ground: Ground, monkeypatch: pytest.MonkeyPatch, task: str
) -> None:
    change(ground, "api", DEBUG="true")
    built = {name: image(name) for name in ground.config.workspace.image_names}
    monkeypatch.setattr(Session, "built_images", lambda self: built)
    monkeypatch.setattr("tasks._acts.push", lambda *_: pytest.fail("images were pushed"))
    with (desk.root / "env" / "production.env").open("a") as file:
        file.write("DATABASE_READ_URL=${service.postgres.external_url}\n")
    ran = desk.types(f"{task} --env production")
    assert (ran.code, "no value for ${service.postgres.external_url}" in ran.err) == (2, True), ran.said
    assert "env/production.env:22" in ran.err
    assert ground.platform.calls == []
    assert ground.lock.token is None


def test_what_a_reference_stands_for_is_asked_of_the_platform(
    desk: Desk, ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    (found,) = desk.types(
        "env.show --env production --service api --name DATABASE_URL --observe --format json"
    ).document["variables"]
    password = ground.platform.databases["postgres"].internal_url.reveal().split(":")[2].split("@")[0]
    assert found["value"].startswith("postgresql://app:[secret")
    assert found["references"][0]["source"] == "the platform, now"
    text = desk.types("env.show --env production --name DATABASE_URL").out
    assert "the platform, once it is deployed" in text
    assert password not in repr(found) + text

    def nobody(config: object, mask: object) -> object:
        raise Unreachable("Coolify does not answer")

    monkeypatch.setattr("tasks._target.open_platform", nobody)
    assert desk.types("env.show --env production --observe").code == 3


def test_the_environment_is_shown_as_the_value_that_a_deployment_reads(desk: Desk, ground: Ground) -> None:
    ran = desk.types("env.show --env production --typed --observe --format json")
    assert ran.code == 0, ran.said
    told = ran.document["environment"]
    found = EnvironmentConfig.model_json_schema(mode="serialization")
    assert set(told) == set(found["properties"])
    assert [one["service"]["name"] for one in told["services"]] == list(ground.config.workspace.services)
    assert told["database"]["name"]
    said = desk.types("env.show --env production --typed --observe").out
    assert yaml.safe_load(said) == told


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        ("env.show --env production --typed --name SECRET_KEY", 2, "without --service and --name"),
        ("env.show --env production --service apy", 2, "services are api, worker"),
        ("env.show --env production --name SECRET_KEI", 2, "did you mean SECRET_KEY?"),
        ("env.show --env production --name SENTRY_DSN", 1, "SENTRY_DSN has no value"),
        ("env.diff --env production --with production", 2, "is the same environment"),
        ("env.diff --env production --with nowhere", 2, "env/nowhere.env: there is no such file"),
        ("env.diff", 2, "no rehearsal is standing"),
        ("env.show --observe", 2, "no rehearsal is standing"),
        ("env.seal --env ../x", 2, "an environment is named in small letters"),
    ],
)
def test_wrong_use_is_told(desk: Desk, words: str, code: int, told: str) -> None:
    ran = desk.types(words)
    assert (ran.code, told in ran.err) == (code, True), ran.said


def test_two_environments_side_by_side(desk: Desk, ground: Ground) -> None:
    staging = Path(desk.root / "env" / "staging.secrets.env")
    desk.writes("staging.secrets.env", (desk.root / "env" / "production.secrets.env").read_text())
    ran = desk.types("env.diff --env production --with staging")
    assert ran.code == 1
    assert "secrets with one value in both: DEMO_USER_PASSWORD, EMAIL_HOST_PASSWORD" in ran.out
    assert [line.split() for line in ran.out.splitlines() if "SLIPWAY_DOMAIN" in line] == [
        ["slipway", "SLIPWAY_DOMAIN", "different", "zamio.com", "staging.zamio.com"]
    ]
    assert staging.read_text().split("=")[1][:10] not in ran.said
