"""A registry with a few tiny images, made from this machine's own shell: real pulls without any network."""

import contextlib
import gzip
import hashlib
import io
import json
import re
import shutil
import subprocess
import tarfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

_PROGRAMS = ("sh", "sleep", "touch", "cat", "env", "hostname")
_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
_CONFIG = "application/vnd.docker.container.image.v1+json"
_LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"

_REDIS = b"#!/bin/sh\ntrap 'exit 0' TERM\nwhile :; do sleep 0.1; done\n"
SERVE = "trap 'exit 0' TERM; {first}; while :; do sleep 0.1; done"
IMAGES: dict[str, dict[str, Any]] = {
    "ok": {"Cmd": ["sh", "-c", SERVE.format(first="touch /ok")]},
    "ok2": {"Cmd": ["sh", "-c", SERVE.format(first="touch /ok; touch /second")]},
    "red": {"Cmd": ["sh", "-c", SERVE.format(first=":")]},
    "slow": {"Cmd": ["sh", "-c", SERVE.format(first="sleep 6; touch /ok")]},
    "crash": {"Cmd": ["sh", "-c", "exit 3"]},
    "stubborn": {"Cmd": ["sh", "-c", "trap '' TERM; touch /ok; while :; do sleep 0.1; done"]},
    "checked": {
        "Cmd": ["sh", "-c", SERVE.format(first=":")],
        "Healthcheck": {"Test": ["CMD-SHELL", "test -e /ok"], "Interval": 1_000_000_000, "Retries": 99},
    },
}
"""Tags of the one repository, with what differs in each image's configuration."""


@contextmanager
def serving() -> Iterator[tuple[str, "Shelf"]]:
    """A registry on a loopback port: its `host:port` and what it holds."""
    shelf = Shelf()
    for tag, config in IMAGES.items():
        shelf.put(tag, config)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._answer(body=True)

        def do_HEAD(self) -> None:
            self._answer(body=False)

        def log_message(self, *_: Any) -> None:
            pass

        def _answer(self, *, body: bool) -> None:
            shelf.asked.append(f"{self.command} {self.path}")
            status, kind, content = shelf.find(self.path)
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.send_header("Docker-Distribution-Api-Version", "registry/2.0")
            self.send_header("Docker-Content-Digest", _digest(content))
            self.end_headers()
            if body:
                with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                    self.wfile.write(content)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_address[1]}", shelf
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


class Shelf:
    """Manifests by tag and digest, blobs by digest; `asked` lists the requests."""

    def __init__(self) -> None:
        plain = _layer()
        self._plain = _digest(plain)
        self._layer = gzip.compress(plain, mtime=0)
        self._blobs = {_digest(self._layer): self._layer}
        self._manifests: dict[str, bytes] = {}
        self.asked: list[str] = []

    def put(self, tag: str, config: dict[str, Any]) -> None:
        """Adds an image of the one layer."""
        content = json.dumps({
            "architecture": _architecture(), "os": "linux", "config": {"Env": ["PATH=/bin"], **config},
            "rootfs": {"type": "layers", "diff_ids": [self._plain]}, "created": "2026-01-01T00:00:00Z",
        }).encode()  # fmt: skip
        self._blobs[_digest(content)] = content
        parts = [(_CONFIG, content), (_LAYER, self._layer)]
        described = [{"mediaType": kind, "size": len(part), "digest": _digest(part)} for kind, part in parts]
        manifest = {"schemaVersion": 2, "mediaType": _MANIFEST, "config": described[0], "layers": described[1:]}
        written = json.dumps(manifest).encode()
        self._manifests[tag] = self._manifests[_digest(written)] = written

    def drop(self, tag: str) -> None:
        """Forgets a tag, as a registry's clean-up does."""
        del self._manifests[tag]

    def find(self, path: str) -> tuple[int, str, bytes]:
        """Status, media type and content for a path of the registry's API."""
        if path.rstrip("/") == "/v2":
            return 200, "application/json", b"{}"
        found = re.fullmatch(r"/v2/.+/(manifests|blobs)/([^/]+)", path)
        place = self._manifests if found and found[1] == "manifests" else self._blobs
        if found and found[2] in place:
            return 200, _MANIFEST if found[1] == "manifests" else "application/octet-stream", place[found[2]]
        return 404, "application/json", b'{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}'


def _layer() -> bytes:
    """A tar with the shell, a few programs and the libraries that they need."""
    files: set[Path] = set()
    targets: dict[str, Path] = {}
    for name in _PROGRAMS:
        program = Path(shutil.which(name) or f"/bin/{name}").resolve()
        targets[f"bin/{name}"] = program
        listed = subprocess.run(["ldd", str(program)], capture_output=True, text=True, check=True).stdout
        files |= {Path(path) for path in re.findall(r"(/\S+) \(0x", listed)}
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        script = tarfile.TarInfo("bin/redis-server")
        script.size, script.mode = len(_REDIS), 0o755
        tar.addfile(script, io.BytesIO(_REDIS))
        for target, source in [*targets.items(), *((str(path).lstrip("/"), path) for path in sorted(files))]:
            info = tarfile.TarInfo(target)
            content = source.read_bytes()
            info.size, info.mode = len(content), 0o755
            tar.addfile(info, io.BytesIO(content))
    return stream.getvalue()


def _architecture() -> str:
    machine = subprocess.run(["uname", "-m"], capture_output=True, text=True, check=True).stdout.strip()
    return {"x86_64": "amd64", "aarch64": "arm64"}.get(machine, machine)


def _digest(content: bytes) -> str:
    return "sha256:" + hashlib.sha256(content).hexdigest()
