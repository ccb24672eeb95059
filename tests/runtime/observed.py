"""The example's backend under the overlay, as its image runs it, and what it says and answers."""

import http.client
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .conftest import RUNTIME, Running, eventually

EXAMPLE = Path(__file__).parents[2] / "example" / "zamio_backend"
KEY = "Zk3xT9vQw7LmN2pR8sYbUcJdHfGaEi5o6W1q4KtXzVBnM0PlCyRuSg7h"
TOKEN = "let-me-see-everything-1"
HOST = "api.example.org"

# A project around the example, for views and tasks that it has no reason to have.
SETTINGS = """
from core.settings import *
ROOT_URLCONF = "around.urls"
INSTALLED_APPS = [*INSTALLED_APPS, "around"]
CELERY_IMPORTS = ["around.tasks"]
"""


@dataclass
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: str

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Backend:
    """Starts roles of the project and asks the web one at `port`."""

    python: Callable[..., Running]
    port: int
    variables: dict[str, str]

    def start(self, role: str, **more: str) -> Running:
        """Start a role; web is waited for."""
        running = self.run("-m", "slipway_runtime.start", role, **more)
        if role == "web":
            eventually(lambda: self.answers(running), 40, lambda: "".join(running.lines))
        return running

    def run(self, *words: str, **more: str) -> Running:
        """Run python with the project's environment."""
        return self.python(*words, **{**self.variables, **more})

    def migrate(self) -> None:
        running = self.run("-m", "slipway_runtime.start", "migrate")
        assert running.ends(60) == 0, running.lines

    def answers(self, running: Running) -> bool:
        assert running.process.poll() is None, running.lines
        try:
            return self.get("/health/").status == 200
        except OSError:
            return False

    def get(self, path: str, *, host: str = HOST, method: str = "GET", **headers: str) -> Answer:
        """Ask the web role; underscores in names of headers become dashes."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=15)
        try:
            given = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, headers={"Host": host, **given})
            found = connection.getresponse()
            return Answer(found.status, {k.lower(): v for k, v in found.getheaders()}, found.read().decode())
        finally:
            connection.close()

    def browse(self, path: str, **headers: str) -> Answer:
        """Ask as a browser's request arrives through the proxy."""
        return self.get(path, X_Forwarded_For="203.0.113.9", X_Forwarded_Proto="https", **headers)

    def detailed(self) -> Any:
        return self.get("/health/detailed/").json

    def metric(self, name: str, **labels: str) -> float | None:
        """Return a sample of `/metrics`, None when it is not there."""
        for line in self.get("/metrics").body.splitlines():
            head, _, value = line.rpartition(" ")
            found, _, rest = head.partition("{")
            if found == name and all(f'{key}="{text}"' in rest for key, text in labels.items()):
                return float(value)
        return None


def backend(python: Callable[..., Running], port: int, tmp_path: Path, **variables: str) -> Backend:
    """Return the example on SQLite and without Redis, unless `variables` say otherwise."""
    usual = {
        "DJANGO_SETTINGS_MODULE": "slipway_runtime.settings",
        "SLIPWAY_PROJECT_SETTINGS": "core.settings",
        "SLIPWAY_CELERY": "core",
        "SLIPWAY_VERSION": "1.2.3",
        "SLIPWAY_REVISION": "0123456789abcdef",
        "SLIPWAY_HEALTH_TOKEN": TOKEN,
        "SLIPWAY_HEALTH_KEEP": "200ms",
        "SLIPWAY_HEALTH_DISK_PERCENT": "0",
        "SLIPWAY_DRAIN_SECONDS": "0",
        "PYTHONPATH": f"{RUNTIME}:{tmp_path}:{EXAMPLE}",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PORT": str(port),
        "WEB_CONCURRENCY": "1",
        "SECRET_KEY": KEY,
        "ALLOWED_HOSTS": HOST,
        "DATABASE_URL": f"sqlite:///{tmp_path}/db.sqlite3",
        "DB_ALLOW_SQLITE": "true",
    }
    return Backend(python, port, {**usual, **variables})


def around(tmp_path: Path, urls: str, tasks: str = "") -> dict[str, str]:
    """Write a project around the example and return the variables that name it."""
    folder = tmp_path / "around"
    folder.mkdir()
    for name, text in {"__init__": "", "settings": SETTINGS, "urls": urls, "tasks": tasks}.items():
        (folder / f"{name}.py").write_text(text)
    return {"SLIPWAY_PROJECT_SETTINGS": "around.settings"}


def lines(running: Running) -> list[dict[str, Any]]:
    """Return the log, each line a JSON object. Anything else fails."""
    return [json.loads(line) for line in list(running.lines) if line.endswith("\n")]
