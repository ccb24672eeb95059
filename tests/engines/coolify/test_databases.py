from dataclasses import replace
from typing import Any

import pytest

from slipway.config.workspace import Engine
from slipway.errors import PersonNeeded, UsageError
from slipway.release.desired import DesiredDatabase
from slipway.secret import Mask, Secret
from slipway.testing import Lines
from tests.engines.coolify.test_services import environment
from tests.engines.coolify.wire import Wire, problem

POSTGRES = DesiredDatabase("postgres", Engine.POSTGRESQL, "r:5000/base-postgres:bookworm", Secret("hunter2-hunter2"))
REDIS = DesiredDatabase("redis", Engine.REDIS, "r:5000/base-redis:bookworm", Secret("hunter3-hunter3"))
CREATE = ("POST", "/databases/postgresql")
START = ("POST", "/databases/d1/start")
READ = ("GET", "/databases/d1")


def database(status: str, **other: Any) -> dict[str, Any]:
    url = "postgres://app:hunter2-hunter2@d1:5432/app"
    return {"uuid": "d1", "name": "postgres", "status": status, "image": "i", "internal_db_url": url, **other}


@pytest.fixture
def wire() -> Wire:
    return (
        environment()
        .on(*CREATE, {"uuid": "d1", "internal_db_url": "postgres://app:hunter2-hunter2@d1:5432/app"})
        .on(*START, {"message": "Database starting request queued."})
        .on(*READ, database("exited:unhealthy"), database("starting:unknown"), database("running:healthy"))
    )


def test_a_database_is_created_and_started(wire: Wire) -> None:
    say = Lines()
    with wire.client() as coolify:
        made = coolify.create_database(POSTGRES, say)
    assert made.uuid == "d1"
    assert wire.bodies(*CREATE) == [
        {
            "project_uuid": "p1",
            "environment_name": "rehearsal",
            "server_uuid": "s1",
            "name": "postgres",
            "image": "r:5000/base-postgres:bookworm",
            "instant_deploy": False,
            "postgres_user": "app",
            "postgres_password": "hunter2-hunter2",
            "postgres_db": "app",
        }
    ]
    assert wire.changes() == [CREATE, START]
    assert "hunter2" not in say.text


def test_redis_gets_its_password_and_no_user(wire: Wire) -> None:
    wire.on("POST", "/databases/redis", {"uuid": "d1"}).on(*READ, database("running:healthy"))
    with wire.client() as coolify:
        coolify.create_database(REDIS, Lines())
    (body,) = wire.bodies("POST", "/databases/redis")
    assert body["redis_password"] == "hunter3-hunter3"
    assert not [name for name in body if name.startswith("postgres")]


def test_a_database_left_by_a_killed_run_is_started_and_not_made_twice(wire: Wire) -> None:
    wire.on("GET", "/projects/p1/e1", {"applications": [], "postgresqls": [{"uuid": "d1", "name": "postgres"}]})
    with wire.client() as coolify:
        coolify.create_database(POSTGRES, Lines())
    assert wire.changes() == [START]


@pytest.mark.parametrize(
    "other",
    [
        {"password": Secret("short")},
        {"password": Secret("has$dollar-sign")},
        {"password": Secret("has white space")},
        {"password": Secret("has@at-sign/slash")},
        {"user": "app-user"},
        {"user": "u" * 64},
        {"database": "app; drop"},
    ],
)
def test_what_coolify_or_a_url_cannot_carry_is_refused_before_anything_is_sent(wire: Wire, other: Any) -> None:
    with wire.client() as coolify, pytest.raises(UsageError) as caught:
        coolify.create_database(replace(POSTGRES, **other), Lines())
    assert wire.sent == []
    assert "dollar" not in str(caught.value)


def test_a_token_that_may_not_see_the_url_is_told_which_ability_lacks(wire: Wire) -> None:
    hidden = {name: value for name, value in database("running").items() if name != "internal_db_url"}
    wire.on(*READ, hidden)
    with wire.client() as coolify, pytest.raises(UsageError, match="read:sensitive"):
        coolify.create_database(POSTGRES, Lines())


def test_a_database_without_url_needs_a_person(wire: Wire) -> None:
    wire.on(*READ, database("running", internal_db_url=None))
    with wire.client() as coolify, pytest.raises(PersonNeeded):
        coolify.create_database(POSTGRES, Lines())


def test_unknown_fields_given_as_a_list_of_names_are_readable_and_the_password_masked(wire: Wire) -> None:
    wire.on(*CREATE, problem(422, "Validation failed: hunter2-hunter2", errors=["postgres_user", "image"]))
    with wire.client(mask=Mask()) as coolify, pytest.raises(UsageError) as caught:
        coolify.create_database(POSTGRES, Lines())
    assert caught.value.details == ("postgres_user: unknown or wrong", "image: unknown or wrong")
    assert "hunter2" not in str(caught.value)


def test_an_address_from_outside_is_read_where_somebody_made_the_database_public(wire: Wire) -> None:
    url = "postgres://app:hunter2-hunter2@192.0.2.7:5433/app"
    wire.on(*READ, database("running", external_db_url=url))
    mask = Mask()
    with wire.client(mask=mask) as coolify:
        assert coolify.create_database(POSTGRES, Lines()).external_url == Secret(url)
    assert mask(f"see {url}") == "see [secret]"
