import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from slipway.config.workspace import Role, Workspace

DATA: dict[str, Any] = {
    "name": "shop",
    "backend": {"path": "backend"},
    "frontend": {"portals": {"admin": {"path": "admin"}}},
    "databases": {"postgres": {"engine": "postgresql", "version": "15"}},
    "services": {
        "api": {"role": "web", "image": "backend", "port": 8000, "subdomain": "api"},
        "worker": {"role": "worker", "image": "backend"},
        "beat": {"role": "beat", "image": "backend"},
        "admin": {"role": "static", "image": "admin", "port": 8080, "subdomain": "admin"},
    },
    "probes": {
        "api": {"path": "/health/"},
        "login": {"path": "/login/", "body": {}, "table": "accounts_user"},
        "task": {"name": "celery.accumulate"},
        "beat": {"table": "entries", "column": "last_run_at"},
    },
}


def workspace(change: Callable[[dict[str, Any]], object] = lambda data: None) -> Workspace:
    data = copy.deepcopy(DATA)
    change(data)
    return Workspace(**data, source=Path("/source"), file=Path("/source/workspace.yaml"))


def test_a_workspace_knows_its_images_and_services() -> None:
    known = workspace()
    assert known.image_names == ("backend", "admin")
    assert known.services_with(Role.WEB) == ("api",)
    assert known.services_with(Role.STATIC) == ("admin",)


def put(*path: str, value: object) -> Callable[[dict[str, Any]], object]:
    def change(data: dict[str, Any]) -> None:
        for key in path[:-1]:
            data = data[key]
        data[path[-1]] = value

    return change


def drop(*path: str) -> Callable[[dict[str, Any]], object]:
    def change(data: dict[str, Any]) -> None:
        for key in path[:-1]:
            data = data[key]
        del data[path[-1]]

    return change


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (put("name", value="Shop!"), "name"),
        (put("surplus", value=1), "surplus"),
        (put("backend", "path", value="/etc"), "must stay inside"),
        (put("backend", "path", value="a/../../b"), "must stay inside"),
        (put("backend", "apt", value=["libpq5; rm -rf /"]), "apt"),
        (put("backend", "ffmpeg", value="video"), "ffmpeg"),
        (put("backend", value={"path": "api", "ffmpeg": "sound", "apt": ["ffmpeg"]}), "ffmpeg is asked for twice"),
        (put("backend", "constraints", value=["x\n--index-url http://x"]), "constraints"),
        (put("databases", "postgres", "version", value="latest"), "version"),
        (put("databases", "postgres", "engine", value="mysql"), "engine"),
        (put("services", "api", "image", value="nothing"), "no image 'nothing'"),
        (put("services", "api", "port", value=None), "needs a port"),
        (put("services", "api", "port", value=70000), "port"),
        (put("services", "worker", "port", value=80), "neither port nor subdomain"),
        (put("services", "admin", "subdomain", value="api"), "more than one has the subdomain api"),
        (put("services", "api", "health_path", value="/'; reboot #"), "health_path"),
        (put("frontend", "portals", "backend", value={"path": "x"}), "frontend.portals.backend"),
        (put("frontend", "portals", "admin", "configure", value="later"), "configure"),
        (put("frontend", "portals", "admin", "csp", value={"img": ["https://a; script-src *"]}), "csp"),
        (put("frontend", "portals", "admin", "csp", value={"default": ["https://a.org"]}), "csp"),
        (put("probes", "api", "path", value="health"), "path"),
        (put("probes", "login", "path", value="https://elsewhere/"), "path"),
        (put("probes", "websocket", value={"path": "ws"}), "path"),
        (put("probes", "login", "table", value="users; DROP TABLE users"), "table"),
        (put("probes", "beat", "column", value="max(x)"), "column"),
        (drop("services", "api"), "none has the role web"),
        (drop("services", "worker"), "none has the role worker"),
        (drop("services", "beat"), "none has the role beat"),
        (drop("probes", "task"), "task"),
    ],
)
def test_what_cannot_be_shipped_is_named(change: Callable[[dict[str, Any]], object], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        workspace(change)
