"""What the migration step asks by psql, on a real PostgreSQL and the engine's API."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from slipway.command import Command, Result
from slipway.engines.host.engine import HostEngine
from slipway.errors import Refused, Unreachable
from slipway.ports import OneOff, Say
from slipway.secret import Secret
from slipway.steps.migrate import Migrate
from slipway.testing import Lines
from tests.hosts import TOOLS, have, left, network, postgres, sql

pytestmark = pytest.mark.docker


class Migrating:
    """The local engine, but for the migration itself: `statements` run instead of an image."""

    def __init__(self, engine: HostEngine, server: Any, statements: str, *applied: str) -> None:
        self.engine, self.server, self.statements, self.applied = engine, server, statements, applied

    def pull(self, reference: str, say: Say) -> str:
        return reference

    def run_once(self, one_off: OneOff, say: Say) -> Result:
        if one_off.name != "migrate":
            return self.engine.run_once(one_off, say)
        sql(self.server, self.statements)
        report = {"applied": self.applied, "pending_before": len(self.applied), "heads": {}}
        return Result(Command(one_off.argv), 0, json.dumps(report), "")

    def running(self, label: str) -> tuple[()]:
        return ()

    def logs(self, container: str, lines: int = 40) -> str:
        return ""


@pytest.fixture(scope="module")
def net() -> Iterator[str]:
    with network() as name:
        yield name


@pytest.fixture(scope="module")
def server(net: str) -> Iterator[Any]:
    have("tools")
    with postgres(net) as running:
        yield running


@pytest.fixture(scope="module")
def engine() -> Iterator[HostEngine]:
    with HostEngine.local() as opened:
        yield opened


def _step(containers: Any, server: Any, net: str, password: str = "throwaway-1") -> Migrate:
    url = Secret(f"postgres://app:{password}@{server.name}:5432/app")
    return Migrate(containers, "image", TOOLS, net, {}, url, {"slipway.test": "migrate"})


def test_from_a_fresh_database_to_the_next_migration(engine: HostEngine, server: Any, net: str) -> None:
    create = (
        "CREATE TABLE django_migrations (id serial, app text, name text);"
        "INSERT INTO django_migrations (app, name) VALUES ('a', '0001_initial')"
    )
    first = Migrating(engine, server, create, "a.0001_initial")
    assert _step(first, server, net).run(Lines()) == "1 applied; django_migrations has 1 rows (before: 0)"
    second = Migrating(engine, server, "SELECT 1", "a.0002_next")
    with pytest.raises(Refused, match=r"does not have: a\.0002_next"):
        _step(second, server, net).run(Lines())
    insert = "INSERT INTO django_migrations (app, name) VALUES ('a', '0002_next')"
    third = Migrating(engine, server, insert, "a.0002_next")
    assert _step(third, server, net).run(Lines()) == "1 applied; django_migrations has 2 rows (before: 1)"
    assert left("slipway.test=migrate") == []


def test_a_wrong_password_is_not_shown(engine: HostEngine, server: Any, net: str) -> None:
    with pytest.raises(Unreachable, match="does not answer psql") as raised:
        _step(Migrating(engine, server, "SELECT 1"), server, net, "wrong-password").run(Lines())
    assert any("authentication failed" in line for line in raised.value.details)
    assert "wrong-password" not in str(raised.value)
