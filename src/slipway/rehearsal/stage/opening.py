"""Opening: a real PostgreSQL and Redis, the migrations, and each service in its role."""

import secrets
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from slipway.checks.issue import Issue
from slipway.config.workspace import Engine
from slipway.errors import Unreachable
from slipway.rehearsal.stage.scene import Scene, plain
from slipway.release.desired import Variables
from slipway.secret import Secret

DRAIN = 2
"""Seconds of serving on that every service on the stage gets."""
TICK = "1s"
"""Time between two ticks of beat on the stage: each is a sign of life, and one is waited for twice."""
# The password goes from the environment to standard input, never to an argument.
_REDIS = ["sh", "-c", "printf 'requirepass %s\\nprotected-mode no\\n' \"$REDISCLI_AUTH\" | exec redis-server -"]
# Nobody wants this data after the next power cut, and the migrations commit a hundred times.
_POSTGRES = ["postgres", "-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off"]
_ASKS = {Engine.POSTGRESQL: "pg_isready -q -h 127.0.0.1 -U app -d app", Engine.REDIS: "redis-cli ping"}
_PASSWORD_BYTES = 18
_READY_WITHIN = 45.0
_MIGRATED_WITHIN = 600
_GLANCE = 0.4


@dataclass(slots=True)
class Opening:
    """Starts what a scene consists of. `databases`: engine -> image; `variables`: (service, URLs) -> its variables."""

    scene: Scene
    databases: Mapping[Engine, str]
    variables: Callable[[str, Mapping[str, Secret]], Variables]
    urls: dict[str, Secret] = field(default_factory=dict)

    def start_databases(self) -> None:
        """Start them; their addresses are known at once."""
        password = Secret(secrets.token_urlsafe(_PASSWORD_BYTES))
        for name, database in self.scene.workspace.databases.items():
            image = self.databases[database.engine]
            if database.engine is Engine.POSTGRESQL:
                environment = {"POSTGRES_USER": "app", "POSTGRES_DB": "app", "POSTGRES_PASSWORD": password.reveal()}
                self.scene.run(name, image, command=_POSTGRES, environment=environment)
                url = f"postgres://app:{password.reveal()}@{name}:5432/app"
            else:
                # Its address is a secret only with a password: a project's default address is no leak of it.
                self.scene.run(name, image, command=_REDIS, environment={"REDISCLI_AUTH": password.reveal()})
                url = f"redis://default:{password.reveal()}@{name}:6379/0"
            self.urls[f"service.{name}.internal_url"] = Secret(url)

    def await_databases(self, *names: str) -> None:
        """Wait until each of them (all without names) answers. Raises `Unreachable` with its last lines."""
        deadline = time.monotonic() + _READY_WITHIN
        for name in names or self.scene.workspace.databases:
            ask = _ASKS[self.scene.workspace.databases[name].engine]
            while self.scene.container(name).exec_run(["sh", "-c", ask])[0] != 0:
                if time.monotonic() > deadline or not self.scene.is_running(name):
                    told = f"{name} is not ready after {_READY_WITHIN:.0f} s"
                    raise Unreachable(told, details=self.scene.logs(name))
                time.sleep(0.1)

    def await_table(self, table: str, ended: threading.Event) -> None:
        """Wait until the migrations have made `table`, or until they have `ended`."""
        ask = ["sh", "-c", f"psql -U app -d app -tAc \"select to_regclass('{table}')\" | grep -q ."]
        names = [n for n, d in self.scene.workspace.databases.items() if d.engine is Engine.POSTGRESQL]
        while not ended.wait(_GLANCE):
            if any(self.scene.container(name).exec_run(ask)[0] == 0 for name in names):
                return

    def migrate(self, service: str) -> list[Issue]:
        """Apply the migrations to the empty database, in the service's image; return what went wrong."""
        import requests

        image = self.scene.images[self.scene.workspace.services[service].image].id
        environment = plain(self.variables(service, self.urls)) | {"SLIPWAY_ROLE": "migrate"}
        container = self.scene.run("migrate", image, command=["migrate"], environment=environment)
        try:
            code = int(container.wait(timeout=_MIGRATED_WITHIN)["StatusCode"])
        # A timeout in the middle of an answer arrives as a lost connection.
        except (requests.Timeout, requests.ConnectionError) as error:
            told = f"the migrations of an empty database did not end within {_MIGRATED_WITHIN} s"
            raise Unreachable(told, where=self.scene.name, details=self.scene.logs("migrate")) from error
        if code == 0:
            return []
        told = f"the migrations do not apply to an empty database (exit {code}): {self.scene.last_words('migrate')}"
        return [self.scene.issue(service, "migrate", told, "`python manage.py migrate` on an empty database")]

    def start(self, service: str) -> list[Issue]:
        """Start a service in its role; return why the engine could not."""
        from docker.errors import APIError

        known = self.scene.workspace.services[service]
        hurried = {"SLIPWAY_DRAIN_SECONDS": str(DRAIN), "CELERY_BEAT_MAX_LOOP_INTERVAL": TICK}
        variables = {**self.variables(service, self.urls), **hurried}
        self.scene.known += tuple(value for value in variables.values() if isinstance(value, Secret))
        environment = plain(variables) | {"SLIPWAY_ROLE": str(known.role)}
        try:
            self.scene.run(service, self.scene.images[known.image].id, environment=environment)
        except APIError as error:
            if error.status_code not in (400, 404) and "runtime create failed" not in str(error.explanation):
                raise
            told = f"the engine cannot start it: {str(error.explanation or error)[:300]}"
            return [self.scene.issue(service, "start", told, "is the ENTRYPOINT in the image, for this processor?")]
        return []
