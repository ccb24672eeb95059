import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command

from core import checks, environment

BACKEND = Path(__file__).resolve().parent.parent


@pytest.mark.parametrize(("value", "expected"), [("True", True), ("1", True), (" no ", False), ("", False)])
def test_flag(monkeypatch, value, expected):
    monkeypatch.setenv("ON", value)
    assert environment.flag("ON", not expected) is expected


@pytest.mark.parametrize("value", ["maybe", "2", "truee"])
def test_a_flag_that_is_neither_is_refused_by_name(monkeypatch, value):
    monkeypatch.setenv("ON", value)
    with pytest.raises(ImproperlyConfigured, match="ON must be true or false"):
        environment.flag("ON", True)


@pytest.mark.parametrize("value", ["ten", "1.5", "-1", "0x10"])
def test_a_number_that_is_none_is_refused_by_name(monkeypatch, value):
    monkeypatch.setenv("AGE", value)
    with pytest.raises(ImproperlyConfigured, match="AGE must be"):
        environment.integer("AGE", 1)


def test_words_drop_spaces_and_empty_parts(monkeypatch):
    monkeypatch.setenv("HOSTS", " a.example, ,b.example,")
    assert environment.words("HOSTS") == ["a.example", "b.example"]


def test_a_missing_secret_key_is_an_error_in_production(settings):
    settings.DEBUG, settings.SECRET_KEY_IS_GENERATED = False, True
    assert [error.id for error in checks.secret_key_is_set(None)] == ["core.E001"]
    settings.SECRET_KEY_IS_GENERATED = False
    assert checks.secret_key_is_set(None) == []


def manage(*words, **environ):
    bare = {name: value for name, value in os.environ.items() if name not in {"SECRET_KEY", "DEBUG"}}
    command = [sys.executable, "manage.py", *words]
    return subprocess.run(command, cwd=BACKEND, env=bare | environ, capture_output=True, text=True, timeout=60)


def test_migrate_stops_without_a_secret_key(tmp_path):
    result = manage("migrate", "--no-input", DATABASE_URL=f"sqlite:///{tmp_path}/db.sqlite3")
    assert result.returncode == 1 and "core.E001" in result.stderr


def test_debug_is_off_unless_asked_for():
    result = manage("shell", "-c", "from django.conf import settings; print(settings.DEBUG)", SECRET_KEY="k" * 40)
    assert result.stdout.strip() == "False"


@pytest.mark.django_db
def test_models_and_migrations_agree():
    call_command("makemigrations", check=True, dry_run=True)
