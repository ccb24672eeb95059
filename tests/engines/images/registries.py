"""Registries for tests: a real one, with or without a log-in, and HTTP servers that misbehave as one."""

import base64
import json
import socket
import subprocess
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import bcrypt

from slipway.engines.images.bases import ensure_bases
from slipway.engines.images.buildkit import BuildKitImages

LABEL = "slipway.test"
USER, PASSWORD = "robot", "correct-horse-7Q"


@contextmanager
def real_registry(label: str, htpasswd: Path | None = None) -> Iterator[str]:
    """Run the project's registry and yield `127.0.0.1:<port>`; with `htpasswd` (written here) it wants a log-in."""
    image = ensure_bases(BuildKitImages(), ["registry"], lambda _: None)["registry"]
    words = ["docker", "run", "-d", "--label", f"{LABEL}={label}", "-p", "127.0.0.1::5000"]
    if htpasswd is not None:
        htpasswd.write_text(f"{USER}:{bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()}\n")
        htpasswd.chmod(0o644)
        words += ["-v", f"{htpasswd}:/etc/docker/registry/htpasswd:ro", "-e", "REGISTRY_AUTH=htpasswd"]
        words += ["-e", "REGISTRY_AUTH_HTPASSWD_REALM=test"]
        words += ["-e", "REGISTRY_AUTH_HTPASSWD_PATH=/etc/docker/registry/htpasswd"]
    container = _docker(*words[1:], image)
    try:
        yield _answering(_docker("port", container, "5000"))
    finally:
        _docker("rm", "-fv", container)


def log_in(folder: Path, registry: str, password: str = PASSWORD) -> None:
    """Write what `docker login` leaves behind into a configuration folder."""
    auth = base64.b64encode(f"{USER}:{password}".encode()).decode()
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text(json.dumps({"auths": {registry: {"auth": auth}}}))


@contextmanager
def hostile(act: Callable[[BaseHTTPRequestHandler], None]) -> Iterator[str]:
    """Serve HTTP that does `act` with every request and yield `127.0.0.1:<port>`."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *words: object) -> None:
            pass

        def do_GET(self) -> None:
            act(self)

    for method in ("HEAD", "POST", "PUT", "PATCH"):
        setattr(Handler, f"do_{method}", Handler.do_GET)
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        server.block_on_close = False
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def answers(status: int, **headers: str) -> Callable[[BaseHTTPRequestHandler], None]:
    """Answer every request with `status`; an underscore in a header's name is a hyphen."""

    def act(request: BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        for name, value in {**headers, "Content_Length": "0"}.items():
            request.send_header(name.replace("_", "-"), value)
        request.end_headers()

    return act


def tags(registry: str, repository: str) -> list[str]:
    """Ask a registry itself which tags it has."""
    with urllib.request.urlopen(f"http://{registry}/v2/{repository}/tags/list", timeout=10) as answer:
        found: list[str] = json.loads(answer.read())["tags"] or []
    return sorted(found)


def _answering(address: str) -> str:
    host, _, port = address.partition(":")
    until = time.monotonic() + 20
    while time.monotonic() < until:
        try:
            with socket.create_connection((host, int(port)), 1) as connection:
                connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
                if connection.recv(1):
                    return address
        except OSError:
            pass
        time.sleep(0.1)
    raise AssertionError(f"the registry at {address} does not come up")


def _docker(*words: str) -> str:
    return subprocess.run(["docker", *words], capture_output=True, text=True, check=True).stdout.strip()
