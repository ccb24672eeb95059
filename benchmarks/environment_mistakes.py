"""How many of 33 mistakes in a production configuration are found, and how many Django's own check sees.

    .venv/bin/python benchmarks/environment_mistakes.py [--format json]

Each mistake of tests/cases/mistakes is made alone in a correct configuration. The same variables are given to a small
Django project that reads them as most do, and `check --deploy` is asked about it: something that it does not say of the
correct one, or that the project does not load, counts as found.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from figures import ROOT, Figure, tell

sys.path[:0] = [str(ROOT / "src"), str(ROOT / "tests" / "checks")]

TABLE = ROOT / "tests" / "cases" / "mistakes" / "production.yaml"
COMMAND = "benchmarks/environment_mistakes.py"
_PROJECT = """
import os, sys
from urllib.parse import urlsplit
env = os.environ
flag = lambda name, default: env.get(name, default).lower() in ("true", "1", "yes", "on")
listed = lambda name: env.get(name, "").split(",")
DEBUG = flag("DEBUG", "false")
SECRET_KEY = env["SECRET_KEY"]
ALLOWED_HOSTS = listed("ALLOWED_HOSTS") if env.get("ALLOWED_HOSTS") else []
CSRF_TRUSTED_ORIGINS = listed("CSRF_TRUSTED_ORIGINS")
SECURE_SSL_REDIRECT = flag("SECURE_SSL_REDIRECT", "true")
SESSION_COOKIE_SECURE = flag("SESSION_COOKIE_SECURE", "true")
CSRF_COOKIE_SECURE = flag("CSRF_COOKIE_SECURE", "true")
SESSION_COOKIE_SAMESITE = env.get("SESSION_COOKIE_SAMESITE", "Lax")
SECURE_HSTS_SECONDS = int(env.get("SECURE_HSTS_SECONDS", "31536000"))
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = True
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
database = urlsplit(env["DATABASE_URL"])
DATABASES = {"default": {"ENGINE": "django.db.backends.postgresql", "HOST": database.hostname, "PORT": database.port,
                         "USER": database.username, "PASSWORD": database.password, "NAME": database.path[1:],
                         "CONN_MAX_AGE": int(env.get("DB_CONN_MAX_AGE", "0"))}}
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth", "django.contrib.sessions"]
MIDDLEWARE = ["django.middleware.security.SecurityMiddleware", "django.contrib.sessions.middleware.SessionMiddleware",
              "django.middleware.common.CommonMiddleware", "django.middleware.csrf.CsrfViewMiddleware",
              "django.middleware.clickjacking.XFrameOptionsMiddleware"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
"""


def figures(source: Path | None = None) -> list[Figure]:
    """Make each mistake; return how many are found by name, the false alarms, and what Django's own check sees."""
    del source  # the table has a configuration of its own
    mistakes = yaml.safe_load(TABLE.read_text())
    ours = [mistake["what"] for mistake in mistakes if mistake["finds"] in _found(mistake)]
    theirs = _stock(mistakes)
    for mistake in mistakes:
        seen = ("slipway", mistake["what"] in ours), ("check --deploy", mistake["what"] in theirs)
        print(*(f"{name if found else '-':<16}" for name, found in seen), mistake["what"], file=sys.stderr)
    alarms = len(_found({}))
    enough = len(ours) >= 31
    return [
        Figure(f"mistakes found of {len(mistakes)}", len(ours), "", ">= 31", enough, COMMAND),
        Figure("alarms on the correct configuration", alarms, "", "0", alarms == 0, COMMAND),
        Figure(f"the same by `manage.py check --deploy`, of {len(mistakes)}", len(theirs), "", None, None, COMMAND),
    ]


def _found(mistake: Mapping[str, Any]) -> set[str]:
    from slipway.checks.environment import check_environment  # noqa: PLC0415  (the path is set above)

    with _configured(mistake) as folder:
        return {issue.id for issue in check_environment(Path(folder), "production", _workspace())}


def _workspace() -> Any:
    from slipway.config.workspace_file import load_workspace  # noqa: PLC0415  (the path is set above)

    return load_workspace(ROOT / "example" / "workspace.yaml", ROOT / "example")


def _configured(mistake: Mapping[str, Any]) -> "tempfile.TemporaryDirectory[str]":
    from test_mistakes import correct, spoil  # noqa: PLC0415  (the path is set above)

    folder = tempfile.TemporaryDirectory()
    shutil.copytree(
        ROOT / "env", Path(folder.name) / "env", ignore=shutil.ignore_patterns("*.secrets.env", "*.example")
    )
    correct(Path(folder.name), _workspace())
    spoil(Path(folder.name), dict(mistake))
    return folder


def _stock(mistakes: list[dict[str, Any]]) -> list[str]:
    """Return the mistakes of which `check --deploy` says something."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "project.py").write_text(_PROJECT)
        usual = _said(Path(folder), {})
        return [mistake["what"] for mistake in mistakes if _said(Path(folder), mistake) - usual]


def _said(project: Path, mistake: Mapping[str, Any]) -> set[str]:
    from slipway.config.config import load_config  # noqa: PLC0415  (the path is set above)

    with _configured(mistake) as folder:
        config = load_config(Path(folder), "production", _workspace())
        resolved = {"service.postgres.internal_url": "postgresql://app:x@db:5432/app"}
        resolved |= {"service.redis.internal_url": "redis://default:x@cache:6379/0"}
        values = {name: setting.text.reveal() for name, setting in config.settings("api").items()}
        values = {name: str(_text(config, text, resolved)) for name, text in values.items()}
    code = (
        "import django as d; from django.core.management import call_command as c; d.setup(); c('check', deploy=True)"
    )
    environment = {**values, "DJANGO_SETTINGS_MODULE": "project", "PYTHONPATH": str(project)}
    done = subprocess.run((sys.executable, "-c", code), env=environment, capture_output=True, text=True, check=False)
    words = done.stderr + done.stdout
    return {word.strip("():?") for word in words.split() if ".W0" in word or ".E0" in word} | (
        {"does not load"} if "Traceback" in words and "SystemCheckError" not in words else set()
    )


def _text(config: Any, text: str, resolved: Mapping[str, str]) -> str:
    value = config.expand(text, resolved)
    return value if isinstance(value, str) else value.reveal()


def main() -> int:
    """Print the table, or one JSON document; 1 where a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--format", choices=("text", "json"), default="text")
    given = parser.parse_args()
    found = figures()
    return tell(found, given.format)


if __name__ == "__main__":
    sys.exit(main())
