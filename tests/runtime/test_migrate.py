"""The role migrate on a small Django project and a real PostgreSQL."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg2  # type: ignore[import-untyped]
import pytest
from slipway_runtime.migrate import ADVISORY_LOCK

from tests.hosts import network, postgres

from .conftest import RUNTIME, eventually

SETTINGS = """
import os
SECRET_KEY = "throwaway"
INSTALLED_APPS = ["plays"]
USE_TZ = True
name = os.environ.get("DB_HOST")
DATABASES = {"default": {
    "ENGINE": "django.db.backends.postgresql", "HOST": name, "PORT": os.environ.get("DB_PORT", "5432"), "NAME": "app",
    "USER": "app", "PASSWORD": "throwaway-1", "OPTIONS": {"connect_timeout": 2},
} if name else {"ENGINE": "django.db.backends.sqlite3", "NAME": "here.sqlite3"}}
"""
MIGRATION = """
from django.db import migrations
class Migration(migrations.Migration):
    dependencies = [{after}]
    operations = [migrations.RunSQL({sql!r}, migrations.RunSQL.noop)]
"""


@dataclass
class Project:
    """A Django project with the app `plays`; `address` is the database's, None for the fallback to SQLite."""

    folder: Path
    address: str | None

    def migration(self, name: str, sql: str) -> None:
        """Write the next migration of the app, one statement."""
        folder = self.folder / "plays" / "migrations"
        before = max((file.stem for file in folder.glob("0*.py")), default=None)
        after = f"('plays', {before!r})" if before else ""
        (folder / f"{name}.py").write_text(MIGRATION.format(after=after, sql=sql))

    def start_plan(self, **variables: str) -> subprocess.Popen[str]:
        """Ask what is pending."""
        return self.start("--plan", **variables)

    def start(self, *more: str, **variables: str) -> subprocess.Popen[str]:
        environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(RUNTIME),
            "DJANGO_SETTINGS_MODULE": "settings",
            **({"DB_HOST": self.address} if self.address else {}),
            **variables,
        }
        words = [sys.executable, "-m", "slipway_runtime.start", "migrate", *more]
        pipe = subprocess.PIPE
        return subprocess.Popen(words, cwd=self.folder, env=environment, stdout=pipe, stderr=pipe, text=True)

    def migrate(self, **variables: str) -> tuple[int, dict[str, Any]]:
        return ended(self.start(**variables))

    def sql(self, query: str) -> list[tuple[Any, ...]]:
        with closing(self.connection()) as connection, connection.cursor() as cursor:
            cursor.execute(query)
            return list(cursor.fetchall())

    def connection(self) -> Any:
        return psycopg2.connect(host=self.address, dbname="app", user="app", password="throwaway-1")


def ended(process: subprocess.Popen[str]) -> tuple[int, dict[str, Any]]:
    """Return the exit code and the last line of standard output, which is always the result."""
    out, err = process.communicate(timeout=60)
    assert out.strip(), err
    return process.returncode, json.loads(out.splitlines()[-1])


def project_in(folder: Path, address: str | None) -> Project:
    (folder / "plays" / "migrations").mkdir(parents=True)
    (folder / "plays" / "__init__.py").touch()
    (folder / "plays" / "migrations" / "__init__.py").touch()
    (folder / "settings.py").write_text(SETTINGS)
    project = Project(folder, address)
    project.migration("0001_plays", "CREATE TABLE plays (id int)")
    return project


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with network() as net, postgres(net) as container:
        container.reload()
        yield container.attrs["NetworkSettings"]["Networks"][net]["IPAddress"]


@pytest.fixture
def project(tmp_path: Path, server: str) -> Project:
    project = project_in(tmp_path, server)
    with closing(project.connection()) as connection, connection, connection.cursor() as cursor:
        cursor.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    return project


@pytest.mark.docker
def test_it_says_what_it_applied_and_where_the_schema_stands(project: Project) -> None:
    project.migration("0002_more", "ALTER TABLE plays ADD COLUMN artist text")
    code, result = project.migrate()
    assert (code, result["ok"], result["pending_before"]) == (0, True, 2)
    assert result["applied"] == ["plays.0001_plays", "plays.0002_more"]
    assert result["heads"] == {"plays": "0002_more"}
    assert (result["failed"], result["error"]) == (None, None)
    code, again = project.migrate()
    assert (code, again["pending_before"], again["applied"], again["heads"]) == (0, 0, [], {"plays": "0002_more"})


@pytest.mark.docker
def test_a_migration_that_fails_is_named_and_what_came_before_it_stays(project: Project) -> None:
    project.migration("0002_broken", "ALTER TABLE nothing ADD COLUMN x int")
    code, result = project.migrate()
    assert (code, result["ok"]) == (1, False)
    assert result["failed"] == "plays.0002_broken"
    assert 'relation "nothing" does not exist' in result["error"]
    assert result["applied"] == ["plays.0001_plays"]
    assert result["heads"] == {"plays": "0001_plays"}
    assert project.sql("SELECT count(*) FROM plays") == [(0,)]


@pytest.mark.docker
def test_a_migration_that_does_not_even_load_is_an_answer_too(project: Project) -> None:
    (project.folder / "plays" / "migrations" / "0002_typo.py").write_text("import nowhere_to_be_found\n")
    code, result = project.migrate()
    assert (code, result["applied"], result["failed"]) == (1, [], None)
    assert "nowhere_to_be_found" in result["error"]


@pytest.mark.docker
def test_two_at_once_apply_each_migration_once(project: Project) -> None:
    project.migration("0002_slow", "SELECT pg_sleep(1)")
    both = [project.start(), project.start()]
    results = [ended(process) for process in both]
    assert [code for code, _ in results] == [0, 0]
    applied = [name for _, result in results for name in result["applied"]]
    assert applied == ["plays.0001_plays", "plays.0002_slow"]


@pytest.mark.docker
def test_it_does_not_wait_for_another_migration_for_ever(project: Project) -> None:
    with closing(project.connection()) as other, other.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [ADVISORY_LOCK])
        code, result = project.migrate(SLIPWAY_MIGRATE_WAIT_SECONDS="0.5")
    assert (code, result["applied"]) == (1, [])
    assert "another migration of this database still runs" in result["error"]
    assert project.migrate()[0] == 0


@pytest.mark.docker
def test_a_table_that_is_in_use_fails_the_migration_instead_of_everybody(project: Project) -> None:
    assert project.migrate()[0] == 0
    project.migration("0002_column", "ALTER TABLE plays ADD COLUMN artist text")
    with closing(project.connection()) as reader, reader.cursor() as cursor:
        cursor.execute("SELECT * FROM plays")
        code, result = project.migrate(SLIPWAY_LOCK_TIMEOUT_SECONDS="0.3", SLIPWAY_LOCK_RETRIES="0")
    assert (code, result["failed"], result["retries"]) == (1, "plays.0002_column", 0)
    assert "lock timeout" in result["error"]
    assert project.migrate()[0] == 0


@pytest.mark.docker
def test_sigterm_ends_it_in_the_middle_of_a_statement_and_the_database_lets_go(project: Project) -> None:
    project.migration("0002_long", "LOCK TABLE plays; SELECT pg_sleep(60)")
    process = project.start()
    # Not by its pid: the session that asked the last time may be ending still.
    sleeping = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep%' AND query NOT LIKE '%activity%'"
    eventually(lambda: project.sql(sleeping) == [(1,)], 20)
    begin = time.monotonic()
    process.send_signal(signal.SIGTERM)
    code, result = ended(process)
    assert time.monotonic() - begin < 2
    assert (code, result["ok"], result["failed"], result["error"]) == (
        143,
        False,
        "plays.0002_long",
        "ended by SIGTERM",
    )
    assert result["applied"] == ["plays.0001_plays"]
    eventually(lambda: project.sql(sleeping) == [(0,)], 5)
    project.migration("0002_long", "SELECT 1")
    (project.folder / "plays" / "migrations" / "0002_long.py").write_text(
        MIGRATION.format(after="('plays', '0001_plays')", sql="SELECT 1")
    )
    assert project.migrate()[1]["applied"] == ["plays.0002_long"]


def test_a_project_that_fell_back_to_sqlite_is_refused_and_no_file_is_made(tmp_path: Path) -> None:
    code, result = project_in(tmp_path, None).migrate()
    assert code == 1
    assert "sqlite, not PostgreSQL" in result["error"]
    assert not (tmp_path / "here.sqlite3").exists()


def test_a_database_that_is_not_there_is_named_without_its_password(tmp_path: Path, port: int) -> None:
    code, result = project_in(tmp_path, "127.0.0.1").migrate(DB_PORT=str(port), SLIPWAY_WAIT_SECONDS="0.5")
    assert code == 1
    assert f"127.0.0.1:{port} did not answer within 0.5 s" in result["error"]
    assert "throwaway-1" not in json.dumps(result)


def test_settings_that_do_not_import_are_an_answer(tmp_path: Path) -> None:
    project = project_in(tmp_path, None)
    (tmp_path / "settings.py").write_text("raise RuntimeError('SECRET_KEY is missing')")
    code, result = project.migrate()
    assert code == 1
    assert "SECRET_KEY is missing" in result["error"]
