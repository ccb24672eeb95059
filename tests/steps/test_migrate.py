"""The migration step, against an engine in memory."""

import json
from collections.abc import Sequence

import pytest

from slipway.command import Command, Result
from slipway.errors import Refused, Unreachable, UsageError
from slipway.ports import OneOff, Say
from slipway.secret import Secret
from slipway.steps.migrate import ARGV, Migrate, connection_variables
from slipway.testing import FakeContainers, Lines

IMAGE = "127.0.0.1:5000/zamio/backend:0.1.0-abc"
URL = Secret("postgres://app:p%40ss-word@db-uuid:5432/app?sslmode=require")


class Database(FakeContainers):
    """An engine whose psql lists `before`, then `after`."""

    def __init__(self, before: Sequence[str], after: Sequence[str], report: object, code: int = 0) -> None:
        super().__init__({IMAGE: "sha256:1"})
        self.listings = [list(before), list(after)]
        said = report if isinstance(report, str) else json.dumps(report)
        self.answers = {"migrate": (code, f"Applying...\n{said}\n")}

    def run_once(self, one_off: OneOff, say: Say) -> Result:
        if one_off.name == "psql" and "psql" not in self.answers:
            self._called("run_once", "psql")
            self.one_offs.append(one_off)
            return Result(Command(one_off.argv), 0, "\n".join(self.listings.pop(0)), "")
        return super().run_once(one_off, say)


def _step(containers: FakeContainers) -> Migrate:
    variables = {"DATABASE_URL": URL, "SECRET_KEY": Secret("a-secret-key")}
    return Migrate(containers, IMAGE, "slipway/tools:bookworm", "coolify", variables, URL, {"slipway.environment": "x"})


def _report(*applied: str, heads: dict[str, str] | None = None) -> dict[str, object]:
    return {"ok": True, "applied": list(applied), "pending_before": len(applied), "heads": heads or {}}


def test_the_new_image_migrates_once_and_sql_sees_it() -> None:
    engine = Database(["a.0001"], ["a.0001", "a.0002"], _report("a.0002", heads={"a": "0002"}))
    step = _step(engine)
    assert step.run(Lines()) == "1 applied; django_migrations has 2 rows (before: 1)"
    assert engine.calls == [("run_once", "psql"), ("pull", IMAGE), ("run_once", "migrate"), ("run_once", "psql")]
    migration = engine.one_offs[1]
    assert (migration.image, migration.argv, migration.network) == (IMAGE, ARGV, "coolify")
    assert migration.variables["SECRET_KEY"] == Secret("a-secret-key")
    assert step.report is not None
    assert step.report.heads == {"a": "0002"}
    assert step.undo() is False


def test_the_password_is_no_word() -> None:
    engine = Database([], [], _report())
    _step(engine).run(Lines())
    for one_off in engine.one_offs:
        assert not any("ss-word" in word for word in one_off.argv)
    assert engine.one_offs[0].variables["PGPASSWORD"] == Secret("p@ss-word")


def test_a_failing_migration_is_refused_with_its_last_lines() -> None:
    engine = Database([], [], "django.db.utils.ProgrammingError: column does not exist", code=1)
    with pytest.raises(Refused, match="migration failed; the old release still serves") as raised:
        _step(engine).run(Lines())
    assert raised.value.details[-1] == "django.db.utils.ProgrammingError: column does not exist"
    assert IMAGE in raised.value.where


@pytest.mark.parametrize(
    "said", ["", "no json", "[]", "{}", '{"applied": 1, "heads": {}, "pending_before": 0}', "null"]
)
def test_an_image_without_a_report_is_refused(said: str) -> None:
    with pytest.raises(Refused, match="did not report its migration"):
        _step(Database([], [], said)).run(Lines())


def test_migrations_that_went_to_another_database_are_noticed() -> None:
    engine = Database(["a.0001"], ["a.0001"], _report("a.0002", heads={"a": "0002"}))
    with pytest.raises(Refused, match=r"the database does not have: a\.0002"):
        _step(engine).run(Lines())


def test_heads_count_even_when_nothing_was_pending() -> None:
    with pytest.raises(Refused, match=r"does not have: b\.0009"):
        _step(Database(["a.0001"], ["a.0001"], _report(heads={"a": "0001", "b": "0009"}))).run(Lines())


def test_an_image_that_cannot_be_pulled_is_not_run() -> None:
    engine = Database([], [], _report())
    engine.images.clear()
    with pytest.raises(Refused, match="no registry has"):
        _step(engine).run(Lines())
    assert ("run_once", "migrate") not in engine.calls


def test_a_database_that_does_not_answer_stops_before_anything() -> None:
    engine = Database([], [], _report())
    engine.answers["psql"] = (2, "connection refused")
    with pytest.raises(Unreachable, match="does not answer psql") as raised:
        _step(engine).run(Lines())
    assert raised.value.details == ("connection refused",)
    assert engine.calls == [("run_once", "psql")]


def test_a_url_becomes_libpqs_variables() -> None:
    assert connection_variables(URL) == {
        "PGHOST": "db-uuid",
        "PGPORT": "5432",
        "PGUSER": "app",
        "PGPASSWORD": Secret("p@ss-word"),
        "PGDATABASE": "app",
        "PGCONNECT_TIMEOUT": "10",
        "PGSSLMODE": "require",
    }


@pytest.mark.parametrize("url", ["", "mysql://a@b/c", "postgres:///x", "postgres://h:99999/x", "postgres://h:x/y"])
def test_what_is_no_postgres_url_is_said_without_showing_it(url: str) -> None:
    with pytest.raises(UsageError) as raised:
        connection_variables(Secret(url))
    assert "://a" not in str(raised.value)
