"""A project of a few lines with the mistakes that projects have, and the overlay laid over it."""

import importlib
import json
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from slipway_runtime import conf

RUNTIME = Path(__file__).parents[3] / "runtime" / "src"
MINE = ("secret_key", "origins", "security", "content_policy", "static_files", "media", "uploads", "proxy")
FALLBACK = "a-key-that-stands-in-the-source-of-the-project-for-everybody-to-read-1234"
PORTALS = "https://shop.example.net,https://staff.example.net"
SETTINGS = f"""
import os
from pathlib import Path
BASE_DIR = Path(__file__).parent
DEBUG = True
SECRET_KEY = os.environ.get("SECRET_KEY", "{FALLBACK}")
ALLOWED_HOSTS = ["*"]
CORS_ALLOW_ALL_ORIGINS = DEBUG
CORS_ALLOW_CREDENTIALS = True
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_SSL_REDIRECT = not DEBUG
JWT = {{"keys": [SECRET_KEY], "algorithm": "HS256"}}
INSTALLED_APPS = [
    "django.contrib.contenttypes", "django.contrib.auth", "django.contrib.sessions", "django.contrib.messages",
    "django.contrib.admin", "django.contrib.staticfiles", "corsheaders",
]
MIDDLEWARE = [
    "corsheaders.middleware.CorsMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
TEMPLATES = [{{
    "BACKEND": "django.template.backends.django.DjangoTemplates",
    "APP_DIRS": True,
    "OPTIONS": {{"debug": True, "context_processors": [
        "django.template.context_processors.request",
        "django.contrib.auth.context_processors.auth",
        "django.contrib.messages.context_processors.messages",
    ]}},
}}]
ROOT_URLCONF = "shop.urls"
DATABASES = {{"default": {{"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}}}
STATIC_URL = "static/"
STATIC_ROOT = str(BASE_DIR / "collected")
STATICFILES_DIRS = [BASE_DIR / "assets"]
MEDIA_ROOT = str(BASE_DIR / "media")
CONTENT_SECURITY_POLICY = "default-src 'self'; img-src 'self' https://covers.example.net"
"""
URLS = """
from django.contrib import admin
from django.http import HttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

@csrf_exempt
def upload(request):
    sizes = {name: file.size for name, file in request.FILES.items()}
    return HttpResponse(repr(sizes))

def secure(request):
    return HttpResponse(str(request.is_secure()))

urlpatterns = [
    path("health/", lambda request: HttpResponse("well")),
    path("secure/", secure),
    path("upload/", upload),
    path("admin/", admin.site.urls),
]
"""


@dataclass(frozen=True)
class Shop:
    """The project in `folder`, and an environment that is right."""

    folder: Path
    right: dict[str, str]

    def change(self, text: str) -> None:
        """Add lines to the project's settings."""
        file = self.folder / "shop" / "settings.py"
        file.write_text(file.read_text() + text)

    def problems(self, **variables: str | None) -> list[str]:
        """Return the ids of what is wrong in the right environment with these changes; None takes one out."""
        return [problem.id for problem in self.composed(**variables)["SLIPWAY"]["problems"]]

    def composed(self, **variables: str | None) -> dict[str, Any]:
        """Return the settings, composed in this process."""
        for name in [name for name in sys.modules if name == "shop" or name.startswith("shop.")]:
            del sys.modules[name]
        importlib.invalidate_caches()
        return conf.compose(self.environment(variables))

    def environment(self, variables: dict[str, str | None]) -> dict[str, str]:
        changed: dict[str, str | None] = {**self.right, **variables}
        return {name: value for name, value in changed.items() if value is not None}

    def run(self, *words: str, **variables: str | None) -> subprocess.CompletedProcess[str]:
        """Run `python WORDS...` in the project with the overlay's settings."""
        settings = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": f"{RUNTIME}:{self.folder}",
            "DJANGO_SETTINGS_MODULE": "slipway_runtime.settings",
            "SLIPWAY_RUN_DIR": str(self.folder),
        }
        return subprocess.run(
            [sys.executable, *words],
            cwd=self.folder,
            env={**settings, **self.environment(variables)},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def ask(self, script: str, **variables: str | None) -> Any:
        """Run a script with Django set up, and `client` at hand, that sets `answer`; return that."""
        before = "import django, json\ndjango.setup()\nfrom django.test import Client\n"
        before += "client = Client(headers={'host': 'api.example.net', 'x-forwarded-proto': 'https'})\n"
        done = self.run("-c", before + script + "\nprint(json.dumps(answer))", **variables)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    for folder in ("shop/assets", "shop/media"):
        (tmp_path / folder).mkdir(parents=True)
    for name, text in {"__init__": "", "settings": SETTINGS, "urls": URLS}.items():
        (tmp_path / "shop" / f"{name}.py").write_text(text)
    (tmp_path / "shop" / "assets" / "shop.css").write_text("p { color: red }\n")
    # What collectstatic leaves behind; only its presence is looked at before a server starts.
    (tmp_path / "shop" / "collected").mkdir()
    (tmp_path / "shop" / "collected" / "staticfiles.json").write_text('{"paths": {}, "version": "1.1", "hash": ""}')
    monkeypatch.syspath_prepend(tmp_path)
    right = {
        "SLIPWAY_PROJECT_SETTINGS": "shop.settings",
        "SLIPWAY_OVERLAY_OFF": ",".join(subject for subject in conf.SUBJECTS if subject not in MINE),
        "SECRET_KEY": secrets.token_urlsafe(64),
        "ALLOWED_HOSTS": "api.example.net, localhost",
        "BASE_URL": "https://api.example.net",
        "CORS_ALLOWED_ORIGINS": PORTALS,
        "CSRF_TRUSTED_ORIGINS": PORTALS,
    }
    yield Shop(tmp_path, right)
    for name in [name for name in sys.modules if name == "shop" or name.startswith("shop.")]:
        del sys.modules[name]
