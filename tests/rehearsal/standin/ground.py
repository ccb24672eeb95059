"""A running stand-in for tests: a real server on a loopback port, with or without an engine behind it."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import httpx
import uvicorn

from slipway.rehearsal.standin.app import create
from slipway.rehearsal.standin.lifetime import build
from slipway.rehearsal.standin.settings import Settings
from slipway.rehearsal.standin.site import Site
from slipway.rehearsal.standin.tokens import Tokens, parse

SECRET = "throwaway-secret-of-a-test"
BEARERS = {
    name: f"{number}|{SECRET}-{name}"
    for number, name in enumerate(
        ("root", "read", "sensitive", "write", "deploy", "full", "expired", "member", "left", "reader"), start=1
    )
}
_ENTRIES: dict[str, dict[str, Any]] = {
    "root": {"abilities": ["root"]},
    "read": {"abilities": ["read"]},
    "sensitive": {"abilities": ["read", "read:sensitive"]},
    "write": {"abilities": ["write"]},
    "deploy": {"abilities": ["deploy"]},
    "full": {"abilities": ["read", "write", "deploy"]},
    "expired": {"abilities": ["root"], "expires_at": "2020-01-01T00:00:00+00:00"},
    "member": {"abilities": ["read", "deploy"], "role": "member"},
    "left": {"abilities": ["root"], "role": ""},
    "reader": {"abilities": ["read"], "role": "member", "user": "another"},
}


class Standin:
    """One running stand-in and a client that talks to it as root unless told otherwise."""

    def __init__(self, site: Site, url: str) -> None:
        self.site = site
        self.client = httpx.Client(base_url=url, timeout=30, trust_env=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()

    def ask(
        self, method: str, path: str, body: Any = None, *, token: str | None = "root", accept: str = "application/json",
        **options: Any,
    ) -> httpx.Response:  # fmt: skip
        """One request; `path` is below /api/v1, `body` is sent as JSON."""
        headers = {"Accept": accept, **options.pop("headers", {})}
        if token is not None:
            headers["Authorization"] = f"Bearer {BEARERS.get(token, token)}"
        if body is not None:
            options["json"] = body
        return self.client.request(method, f"/api/v1{path}", headers=headers, **options)

    def good(self, method: str, path: str, body: Any = None, **options: Any) -> Any:
        """The JSON of a request that must succeed."""
        answer = self.ask(method, path, body, **options)
        assert answer.status_code < 300, (method, path, answer.status_code, answer.text)
        return answer.json()

    def place(self) -> dict[str, Any]:
        """The fields that say where something new goes; the project is made at the first call."""
        projects = self.good("GET", "/projects")
        uuid = projects[0]["uuid"] if projects else self.good("POST", "/projects", {"name": "zamio"})["uuid"]
        server = self.good("GET", "/servers")[0]["uuid"]
        return {"project_uuid": uuid, "environment_name": "production", "server_uuid": server}

    def application(self, image: str = "127.0.0.1:5000/zamio/backend", tag: str = "1", **fields: Any) -> str:
        """The uuid of a new application, by default without a domain."""
        body = {
            **self.place(),
            "docker_registry_image_name": image,
            "docker_registry_image_tag": tag,
            "autogenerate_domain": False,
            **fields,
        }
        return str(self.good("POST", "/applications/dockerimage", body)["uuid"])

    def deploy(self, uuid: str, *, force: bool = True) -> str:
        """The id in the answer to `/deploy`, stored or not."""
        answer = self.good("POST", "/deploy", {"uuid": uuid, "force": force})
        return str(answer["deployments"][0]["deployment_uuid"])

    def outcome(self, deployment: str, *, seconds: float = 40) -> str:
        """The status a deployment ends with, its job being over."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            row = self.good("GET", f"/deployments/{deployment}")
            if row["status"] not in {"queued", "in_progress"} and row["finished_at"]:
                return str(row["status"])
            time.sleep(0.05)
        raise AssertionError(f"{deployment} did not end: {self.log(deployment)}")

    def log(self, deployment: str) -> str:
        """The deployment's log as text."""
        row = self.site.store.find("deployments", deployment)
        return "\n".join(entry["output"] for entry in row["logs"]) if row else ""


@contextmanager
def running(settings: Settings, *, held: bool) -> Iterator[Standin]:
    """A stand-in that serves. `held` keeps deployments from being worked on: they stay `in_progress`."""
    tokens = Tokens([parse({"token": BEARERS[name], **entry}, name) for name, entry in _ENTRIES.items()])
    site = build(settings, tokens)
    if held:
        site.deploy = lambda *_: None
    config = uvicorn.Config(create(site), host="127.0.0.1", port=0, log_level="warning", ws="none")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        until = time.monotonic() + 10
        while not server.started:
            assert thread.is_alive(), "the server did not start"
            assert time.monotonic() < until, "the server did not start"
            time.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        with Standin(site, f"http://127.0.0.1:{port}") as standin:
            yield standin
    finally:
        server.should_exit = True
        thread.join(30)
        assert not thread.is_alive()


def settings(folder: Path, **changes: Any) -> Settings:
    """Settings of a stand-in without engine and with room for many requests."""
    base: dict[str, Any] = {"data": folder / "coolify", "compose": folder / "no-compose", "rate_limit": 100_000}
    return Settings(**(base | {"wildcard_domain": "https://zamio.localhost"} | changes))


def moment(hour: int) -> datetime:
    """A time of a fixed day."""
    return datetime(2026, 8, 22, hour, 15, 50, 123456, tzinfo=UTC)
