"""Where on an instance Slipway works: one project, one environment, one server, found by name."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from slipway.engines.coolify.http import Api, as_list, as_object, text_of
from slipway.errors import PersonNeeded, Refused, UsageError

_DATABASES = {"postgresqls": "postgresql", "redis": "redis"}


@dataclass(frozen=True, slots=True)
class Scope:
    """An environment that exists: uuids of project and environment, the environment's name as Coolify stores it."""

    project: str
    environment: str
    environment_name: str


@dataclass(frozen=True, slots=True)
class Resources:
    """What an environment holds: name -> uuid of applications and of PostgreSQL and Redis databases."""

    applications: Mapping[str, str]
    databases: Mapping[str, str]


class ScopeFinder:
    """Finds the project's environment and the server, and creates the first two where they are missing.

    `server` is a name, needed only where the team has several; `network` that of a destination, likewise.
    """

    def __init__(self, api: Api, project: str, environment: str, server: str, network: str) -> None:
        self._api = api
        self._project = project
        # Coolify stores environment names this way and looks them up as stored.
        self._environment = environment.lower().replace("/", "-")
        self._server = server
        self._network = network
        self._found: Scope | None = None
        self._project_uuid = ""
        self._chosen_server = ""

    @property
    def place(self) -> str:
        """The environment's name in messages."""
        return f"Coolify project {self._project}, environment {self._environment}"

    def find(self) -> Scope | None:
        """Return the environment, or None where it or its project does not exist."""
        if self._found is None and self.has_project():
            self._found = self._find_environment(self._project_uuid)
        return self._found

    def has_project(self) -> bool:
        """Return whether the project exists."""
        self._project_uuid = self._project_uuid or self._find_project() or ""
        return bool(self._project_uuid)

    def ensure(self) -> Scope:
        """Return the environment, created where it is missing."""
        if self._found:
            return self._found
        self._server_uuid()
        if not self.has_project():
            body = {"name": self._project, "description": "Made by Slipway"}
            answer = as_object(self._api.send("POST", "projects", body=body), "a new project")
            self._project_uuid = text_of(answer, "uuid")
        scope = self._find_environment(self._project_uuid)
        if scope is None:
            self._api.send("POST", "projects", self._project_uuid, "environments", body={"name": self._environment})
            scope = self._find_environment(self._project_uuid)
        if scope is None:
            raise Refused(f"{self.place}: was created and is not listed")
        self._found = scope
        return scope

    def resources(self, scope: Scope) -> Resources:
        """Return what the environment holds. Raises `PersonNeeded` where a name stands for two things."""
        record = as_object(self._api.get("projects", scope.project, scope.environment), "an environment")
        applications = self._by_name("application", as_list(record.get("applications") or [], "applications"))
        databases: list[dict[str, Any]] = []
        for kind in _DATABASES:
            databases += as_list(record.get(kind) or [], "databases")
        return Resources(applications, self._by_name("database", databases))

    def home(self, scope: Scope) -> dict[str, str]:
        """Return the fields that say where something new shall live."""
        server = self._server_uuid()
        where = {"project_uuid": scope.project, "environment_name": scope.environment_name, "server_uuid": server}
        if self._network:
            found = [
                text_of(one, "uuid")
                for one in as_list(self._api.get("servers", server, "destinations"), "destinations")
                if text_of(one, "network") == self._network
            ]
            if not found:
                raise UsageError(f"the server has no destination with the network {self._network}", where=self.place)
            where["destination_uuid"] = found[0]
        return where

    def _find_project(self) -> str | None:
        found = [
            text_of(one, "uuid")
            for one in as_list(self._api.get("projects"), "projects")
            if text_of(one, "name") == self._project
        ]
        if len(found) > 1:
            raise PersonNeeded(
                f"there are {len(found)} projects named {self._project}",
                where=self._api.caller.address,
                hint="rename or remove all but one in Coolify",
            )
        return found[0] if found else None

    def _find_environment(self, project: str) -> Scope | None:
        for one in as_list(self._api.get("projects", project, "environments"), "environments"):
            if text_of(one, "name") == self._environment:
                return Scope(project, text_of(one, "uuid"), self._environment)
        return None

    def _server_uuid(self) -> str:
        self._chosen_server = self._chosen_server or self._find_server()
        return self._chosen_server

    def _find_server(self) -> str:
        servers = {text_of(one, "name"): one for one in as_list(self._api.get("servers"), "servers")}
        if self._server:
            chosen = servers.get(self._server)
        else:
            chosen = next(iter(servers.values())) if len(servers) == 1 else None
        if chosen is None:
            known = ", ".join(sorted(servers)) or "none"
            asked = f"has no server {self._server}" if self._server else "has not exactly one server"
            raise UsageError(
                f"the token's team {asked}; there are: {known}",
                where=self._api.caller.address,
                hint="name the server of this environment",
            )
        settings = chosen.get("settings") if isinstance(chosen.get("settings"), dict) else {}
        if chosen.get("is_reachable") is False or chosen.get("is_usable") is False:
            raise PersonNeeded(
                f"Coolify says that its server {text_of(chosen, 'name')} is not usable",
                where=self._api.caller.address,
                hint="open the server in Coolify and use 'Validate Server'",
            )
        if settings and (settings.get("is_swarm_manager") or settings.get("is_swarm_worker")):
            raise UsageError(
                f"the server {text_of(chosen, 'name')} is a Docker Swarm node: Coolify waits for no health check there",
                where=self._api.caller.address,
                hint="use a plain Docker server",
            )
        return text_of(chosen, "uuid")

    def _by_name(self, kind: str, records: list[dict[str, Any]]) -> dict[str, str]:
        found: dict[str, str] = {}
        for one in records:
            name = text_of(one, "name")
            if name in found:
                raise PersonNeeded(
                    f"there are two {kind}s named {name}",
                    where=self.place,
                    hint="rename or remove the one that does not serve, in Coolify",
                )
            found[name] = text_of(one, "uuid")
        return found
