"""A socket that takes what the docker client would create, in the place of an engine; nothing is created."""

import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path


class _Engine(BaseHTTPRequestHandler):
    """As much of an engine as `docker create` asks before it hands the variables over."""

    told: list[list[str]]
    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self._answer(b"")

    def do_GET(self) -> None:
        self._answer(b"OK")

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}")
        self.told.append([str(variable) for variable in body.get("Env") or []])
        self._answer(b'{"Id": "none", "Warnings": []}', 201)

    def address_string(self) -> str:
        return "client"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Say nothing."""

    def _answer(self, body: bytes, status: int = 200) -> None:
        self.send_response(status)
        self.send_header("Api-Version", "1.41")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class _Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: the client hangs up when it has seen enough."""


@contextmanager
def listening(folder: Path) -> Iterator[list[list[str]]]:
    """Listen on `folder`/engine; what comes back gets the variables of every container that the client would create."""
    told: list[list[str]] = []
    handler = type("Engine", (_Engine,), {"told": told})
    with _Server(str(folder / "engine"), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield told
        finally:
            server.shutdown()
            thread.join()
