"""Comparing and setting variables through the real client, over HTTP, on a Coolify stand-in."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from slipway.config.workspace import Workspace
from slipway.plans.desired import desired_databases, desired_services
from slipway.testing import Lines
from tasks._session import Session, session
from tasks._target import giving_back, open_platform
from tests.checks.test_environment import fill
from tests.rehearsal.standin import ground as standins
from tests.tasks.typed import Desk
from tests.verbs.ground import Ground


@pytest.fixture
def standin(
    desk: Desk, workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[standins.Standin]:
    """A Coolify that has production's databases and services, without their variables yet."""
    fill(desk.root, "production", workspace)
    with standins.running(standins.settings(tmp_path), held=True) as standin:
        monkeypatch.setenv("SLIPWAY_COOLIFY_URL", str(standin.client.base_url))
        monkeypatch.setenv("SLIPWAY_COOLIFY_TOKEN", standins.BEARERS["root"])
        standin.place()
        with session(env="production") as s:
            with open_platform(s.config, s.mask) as platform:
                for service in desired_services(s.config, "127.0.0.1:5000"):
                    platform.create_service(service, "1", Lines())
            for desired in desired_databases(s.config):
                own = {"postgres_user": "app", "postgres_db": "app", "postgres_password": desired.password.reveal()}
                fields = own if desired.name == "postgres" else {"redis_password": desired.password.reveal()}
                body = {**standin.place(), "name": desired.name, "image": desired.image, **fields}
                standin.good("POST", f"/databases/{desired.engine}", body)
            there = Ground(s.config)

        @contextmanager
        def target(self: Session, config: object) -> Iterator[tuple[object, object]]:
            with giving_back(there.lock, self.console.say), open_platform(s.config, self.mask) as platform:
                yield replace(there.target, platform=platform), there.state

        monkeypatch.setattr(Session, "target", target)
        yield standin


def test_set_compared_changed_by_somebody_and_set_again(desk: Desk, standin: standins.Standin) -> None:
    before = desk.types("env.diff --env production --format json")
    assert (before.code, {one["outcome"] for one in before.document["variables"]}) == (1, {"only left"})
    ran = desk.types("env.push --env production --yes")
    assert ran.code == 0, ran.said
    assert "set on the platform for api, worker, beat, frontend, admin, publisher, stations" in ran.out
    assert desk.types("env.diff --env production").code == 0
    (api,) = (one["uuid"] for one in standin.good("GET", "/applications") if one["name"] == "api")
    has = {
        row["key"]: row["value"] for row in standin.good("GET", f"/applications/{api}/envs") if not row["is_preview"]
    }
    assert "@" in has["DATABASE_URL"]
    assert has["BASE_URL"] == "https://api.zamio.com"
    standin.good("PATCH", f"/applications/{api}/envs", {"key": "DEBUG", "value": "true"})
    standin.good("POST", f"/applications/{api}/envs", {"key": "ODD", "value": "by-hand"})
    rows = [line.split() for line in desk.types("env.diff --env production").out.splitlines()]
    assert ["api", "DEBUG", "different", "false", "true"] in rows
    assert ["api", "ODD", "only", "in", "platform", "(secret)", "(secret)"] in rows
    assert "variables api: 2 changed: DEBUG, ODD" in desk.types("env.push --env production --yes").out
    assert desk.types("env.push --env production --yes --format json").document["steps"][0]["name"] == "lock"
    assert desk.types("env.diff --env production").code == 0


def test_a_database_that_was_made_public_has_an_address_from_outside(desk: Desk, standin: standins.Standin) -> None:
    with (desk.root / "env" / "production.env").open("a") as file:
        file.write("DATABASE_READ_URL=${service.postgres.external_url}\n")
    closed = desk.types("env.push --env production --yes")
    assert (closed.code, "no value for ${service.postgres.external_url}" in closed.err) == (2, True), closed.said
    (row,) = standin.site.store.where("databases", name="postgres")
    standin.site.store.update("databases", row["uuid"], is_public=True, public_port=5433)
    assert desk.types("env.push --env production --yes").code == 0
    shown = desk.types("env.show --env production --observe --name DATABASE_READ_URL").out
    assert "]@host.docker.internal:5433/app" in shown
