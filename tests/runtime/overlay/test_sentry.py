"""Errors to a service that takes what a Sentry takes: only where one is named, and without secrets."""

import gzip
import json
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from slipway_runtime.conf import sentry
from slipway_runtime.conf.env import Env

from tests.runtime.canary import CANARY, TASKS, URLS
from tests.runtime.conftest import Running, eventually
from tests.runtime.observed import Backend, around, backend


@pytest.mark.parametrize(
    "dsn",
    ["ftp://key@host/1", "https://host/1", "https://key@/1", "https://key@host/", "https://key@host/x", "http://[bad"],
)
def test_a_wrong_dsn_is_a_warning_and_nothing_is_sent(dsn: str) -> None:
    env = Env({"SENTRY_DSN": dsn})
    assert sentry.overlay({}, env) == {}
    assert [(problem.name, problem.fatal) for problem in env.problems] == [("SENTRY_DSN", False)]


@pytest.fixture
def stub() -> Iterator[tuple[str, list[str]]]:
    """A service that takes what a Sentry takes: its DSN, and the bodies that came."""
    bodies: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers["Content-Length"]))
            bodies.append((gzip.decompress(raw) if self.headers.get("Content-Encoding") == "gzip" else raw).decode())
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://key@127.0.0.1:{server.server_port}/7", bodies
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def web(python: Callable[..., Running], port: int, tmp_path: Path) -> Backend:
    return backend(python, port, tmp_path, **around(tmp_path, URLS, TASKS), PARTNER_API_KEY=CANARY)


@pytest.mark.slow
def test_errors_reach_a_sentry_without_secrets_and_with_the_requests_id(
    web: Backend, stub: tuple[str, list[str]]
) -> None:
    dsn, bodies = stub
    web.start("web", SENTRY_DSN=dsn, SENTRY_ENVIRONMENT="rehearsal")
    web.browse("/leak/?code=visible-code", X_Request_ID="leaking-1", Cookie="sessionid=visible-session")
    eventually(lambda: any("LookupError" in body for body in bodies), 15)
    (event,) = [json.loads(part) for body in bodies for part in body.splitlines() if '"exception"' in part]
    assert event["exception"]["values"][-1]["type"] == "LookupError"
    assert event["exception"]["values"][-1]["stacktrace"]["frames"][-1]["function"] == "leak"
    assert (event["environment"], event["release"]) == ("rehearsal", "1.2.3-0123456789ab")
    assert (event["tags"]["request_id"], event["tags"]["route"]) == ("leaking-1", "leak/")
    whole = "".join(bodies)
    assert "visible-" not in whole
    assert CANARY[8:30] not in whole
