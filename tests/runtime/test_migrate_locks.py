"""The role migrate while somebody else holds what it needs, and while it builds an index beside running writes."""

import json
import random
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from slipway_runtime.migrating.blockers import masked
from slipway_runtime.migrating.limits import _COMMENTS, pauses
from slipway_runtime.migrating.plan import CONCURRENTLY

from tests.hosts import network, postgres

from .conftest import eventually
from .test_migrate import Project, ended, project_in

CONCURRENT = """
from django.db import migrations
class Migration(migrations.Migration):
    atomic = False
    dependencies = [("plays", {after!r})]
    operations = [{operations}]
"""
INDEX = "migrations.RunSQL('CREATE INDEX CONCURRENTLY plays_id ON plays (id)', migrations.RunSQL.noop)"


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with network() as net, postgres(net) as container:
        container.reload()
        yield container.attrs["NetworkSettings"]["Networks"][net]["IPAddress"]


@pytest.fixture
def project(tmp_path: Path, server: str) -> Project:
    """A project whose first migration is applied."""
    project = project_in(tmp_path, server)
    with closing(project.connection()) as connection, connection, connection.cursor() as cursor:
        cursor.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    assert project.migrate()[0] == 0
    return project


def not_atomic(project: Project, name: str, operations: str) -> None:
    folder = project.folder / "plays" / "migrations"
    before = max(file.stem for file in folder.glob("0*.py"))
    (folder / f"{name}.py").write_text(CONCURRENT.format(after=before, operations=operations))


@pytest.mark.docker
def test_a_lock_that_is_given_back_meanwhile_is_got_by_trying_again(project: Project) -> None:
    project.migration("0002_column", "ALTER TABLE plays ADD COLUMN artist text")
    with closing(project.connection()) as other, other.cursor() as cursor:
        cursor.execute("SELECT * FROM plays")
        process = project.start(SLIPWAY_LOCK_TIMEOUT_SECONDS="0.3")
        eventually(lambda: _queued(project), 20)
        eventually(lambda: not _queued(project), 5)  # the first attempt is over
        other.rollback()
        code, result = ended(process)
    assert (code, result["ok"], result["applied"]) == (0, True, ["plays.0002_column"])
    assert result["retries"] >= 1
    assert (result["failed"], result["error"], result["blockers"]) == (None, None, [])


def _queued(project: Project) -> bool:
    return bool(project.sql("SELECT 1 FROM pg_locks WHERE NOT granted"))


@pytest.mark.docker
def test_whoever_holds_the_lock_is_named_without_the_data_in_his_query(project: Project) -> None:
    project.migration("0002_column", "ALTER TABLE plays ADD COLUMN artist text")
    with closing(project.connection()) as other, other.cursor() as cursor:
        cursor.execute("SET application_name = 'nightly report'")
        cursor.execute("SELECT * FROM plays WHERE 'secret@example.org' <> 'x' AND id <> 233244556677")
        pid = other.get_backend_pid()
        code, result = project.migrate(SLIPWAY_LOCK_TIMEOUT_SECONDS="0.4", SLIPWAY_LOCK_RETRIES="1")
    assert (code, result["failed"], result["retries"]) == (1, "plays.0002_column", 1)
    [blocker] = result["blockers"]
    assert (blocker["pid"], blocker["user"], blocker["application"]) == (pid, "app", "nightly report")
    assert blocker["state"] == "idle in transaction"
    assert blocker["seconds"] > 0.3
    assert f"session {pid} (app, nightly report" in result["error"]
    assert "secret@example.org" not in json.dumps(result)
    assert "233244556677" not in json.dumps(result)


@pytest.mark.docker
def test_everybody_else_goes_on_while_it_tries_for_the_lock(project: Project) -> None:
    project.migration("0002_column", "ALTER TABLE plays ADD COLUMN artist text")
    waits: list[float] = []
    with closing(project.connection()) as other, other.cursor() as cursor:
        cursor.execute("SELECT * FROM plays")
        process = project.start(SLIPWAY_LOCK_TIMEOUT_SECONDS="0.5", SLIPWAY_LOCK_RETRIES="2")
        while process.poll() is None:
            begin = time.monotonic()
            project.sql("SELECT count(*) FROM plays")
            waits.append(time.monotonic() - begin)
            time.sleep(0.02)
        assert ended(process)[0] == 1
    assert max(waits) < 0.9  # a query queues behind the migration for its lock_timeout at most
    assert max(waits) > 0.1  # and did: else nothing was shown


@pytest.mark.docker
def test_what_is_half_done_is_not_done_again(project: Project) -> None:
    first = "migrations.RunSQL('CREATE TABLE other (id int)', migrations.RunSQL.noop)"
    second = "migrations.RunSQL('ALTER TABLE plays ADD COLUMN artist text', migrations.RunSQL.noop)"
    not_atomic(project, "0002_two", f"{first}, {second}")
    with closing(project.connection()) as other, other.cursor() as cursor:
        cursor.execute("SELECT * FROM plays")
        code, result = project.migrate(SLIPWAY_LOCK_TIMEOUT_SECONDS="0.3")
    assert (code, result["failed"], result["retries"]) == (1, "plays.0002_two", 0)
    assert "lock timeout" in result["error"]  # and not `relation "other" already exists`


@pytest.mark.docker
def test_an_index_built_beside_writes_outlasts_both_time_limits(project: Project) -> None:
    not_atomic(project, "0002_index", INDEX)
    with closing(project.connection()) as other, other.cursor() as cursor:
        cursor.execute("INSERT INTO plays VALUES (1)")  # the build waits until this transaction is over
        limits = {"SLIPWAY_LOCK_TIMEOUT_SECONDS": "0.3", "SLIPWAY_MIGRATE_STATEMENT_SECONDS": "0.5"}
        process = project.start(**limits)
        eventually(lambda: _queued(project), 20)
        time.sleep(1)
        assert process.poll() is None
        other.commit()
        code, result = ended(process)
    assert (code, result["applied"], result["retries"]) == (0, ["plays.0002_index"], 0)
    assert result["plan"][0] == {
        "migration": "plays.0002_index",
        "atomic": False,
        "concurrent": True,
        "reversible": True,
        "operations": ["Raw SQL operation"],
    }
    assert project.sql("SELECT indisvalid FROM pg_index WHERE indexrelid = 'plays_id'::regclass") == [(True,)]


@pytest.mark.docker
def test_another_statement_of_that_migration_is_limited_again(project: Project) -> None:
    not_atomic(project, "0002_index", f"{INDEX}, migrations.RunSQL('SELECT pg_sleep(5)', migrations.RunSQL.noop)")
    code, result = project.migrate(SLIPWAY_MIGRATE_STATEMENT_SECONDS="0.5")
    assert code == 1
    assert "statement timeout" in result["error"]


@pytest.mark.docker
def test_an_index_that_a_killed_build_left_invalid_is_built_anew(project: Project) -> None:
    not_atomic(project, "0002_index", INDEX)
    invalid = "SELECT count(*) FROM pg_index WHERE NOT indisvalid"
    with closing(project.connection()) as other, other.cursor() as cursor:
        cursor.execute("INSERT INTO plays VALUES (1)")
        process = project.start()
        eventually(lambda: _queued(project), 20)
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=20)
        eventually(lambda: not _queued(project), 20)  # PostgreSQL noticed that its client is gone
    assert project.sql(invalid) == [(1,)]
    code, result = project.migrate()
    assert (code, result["applied"]) == (0, ["plays.0002_index"])
    assert project.sql(invalid) == [(0,)]


@pytest.mark.docker
def test_the_plan_is_told_and_nothing_is_done(project: Project) -> None:
    project.migration("0002_column", "ALTER TABLE plays ADD COLUMN artist text")
    code, result = ended(project.start_plan())
    assert (code, result["ok"], result["pending_before"], result["applied"]) == (0, True, 1, [])
    assert [one["migration"] for one in result["plan"]] == ["plays.0002_column"]
    assert result["heads"] == {"plays": "0001_plays"}
    assert project.sql("SELECT count(*) FROM information_schema.columns WHERE column_name = 'artist'") == [(0,)]


@pytest.mark.docker
def test_a_plan_needs_no_lock(project: Project) -> None:
    project.migration("0002_slow", "LOCK TABLE plays; SELECT pg_sleep(2)")
    running = threading.Thread(target=project.migrate)
    running.start()
    asleep = "SELECT 1 FROM pg_stat_activity WHERE query LIKE '%pg_sleep%' AND query NOT LIKE '%activity%'"
    eventually(lambda: bool(project.sql(asleep)), 20)
    assert ended(project.start_plan())[1]["pending_before"] == 1
    running.join(30)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("CREATE INDEX CONCURRENTLY a ON b (c)", True),
        ('-- why\n/* and\nhow */ create unique index concurrently "A b" on t (x)', True),
        ("DROP INDEX CONCURRENTLY IF EXISTS a", True),
        ("REINDEX (VERBOSE) TABLE CONCURRENTLY a", True),
        ("REFRESH MATERIALIZED VIEW CONCURRENTLY a", True),
        ("CREATE INDEX a ON b (c)", False),
        ("INSERT INTO notes VALUES ('CREATE INDEX CONCURRENTLY')", False),
        ("", False),
        ("-- CREATE INDEX CONCURRENTLY\nSELECT 1", False),
    ],
)
def test_a_concurrent_statement_is_told_from_others(text: str, found: bool) -> None:
    assert bool(CONCURRENTLY.match(_COMMENTS.sub("", text))) is found


def test_pauses_grow_and_are_never_the_same() -> None:
    random.seed(7)
    found = list(pauses(8))
    assert len(found) == 8
    for number, seconds in enumerate(found):
        middle = min(30.0, 2.0**number)
        assert middle * 0.5 <= seconds <= middle * 1.5
    assert list(pauses(8)) != found
    assert list(pauses(0)) == []


def test_a_query_is_shown_without_what_stands_in_it() -> None:
    assert masked("UPDATE users\n SET phone = '0244 ''5'' 66' WHERE id = 20488123 AND n = 12") == (
        "UPDATE users SET phone = ? WHERE id = ? AND n = 12"
    )
    assert len(masked("x" * 100_000)) == 160
