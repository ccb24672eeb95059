"""A Docker engine's HTTP as far as the image engine uses it, on a Unix socket: it answers what a test has laid out."""

import json
import socketserver
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path

DROP = object()
"""As the last message of an answer: the connection is cut in the middle of it."""


@dataclass(slots=True)
class FakeEngine:
    """`answers` maps the end of a path to answers (lists of JSON or bytes), one a request, the last for all others.

    What can be called among them is called when its turn comes.
    """

    url: str
    answers: dict[str, list[list[object]]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def answer(self, path: str) -> Sequence[object] | None:
        """Return what to answer, None for 404, and remember that it was asked."""
        self.asked.append(path)
        bare = path.partition("?")[0]
        if bare.endswith("/version"):
            return [{"ApiVersion": "1.41", "MinAPIVersion": "1.12"}]
        for ending, answers in self.answers.items():
            if bare.endswith(ending):
                return answers.pop(0) if len(answers) > 1 else answers[0]
        return None


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    engine: FakeEngine

    def address_string(self) -> str:
        return "unix"

    def log_message(self, *words: object) -> None:
        pass

    def do_GET(self) -> None:
        messages = self.engine.answer(self.path)
        if messages is None:
            self.send_error(404)
        else:
            self._send(messages)

    def do_POST(self) -> None:
        if self.headers.get("Transfer-Encoding") == "chunked":
            while size := int(self.rfile.readline(), 16):
                self.rfile.read(size + 2)
            self.rfile.readline()
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.do_GET()

    def _send(self, messages: Sequence[object]) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for message in messages:
            if callable(message):
                message()
                continue
            if message is DROP:
                self.wfile.write(b"ffff\r\n{")
                self.close_connection = True
                return
            line = message if isinstance(message, bytes) else json.dumps(message).encode() + b"\r\n"
            self.wfile.write(b"%x\r\n%s\r\n" % (len(line), line))
        self.wfile.write(b"0\r\n\r\n")


class _Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True


@contextmanager
def fake_engine(folder: Path) -> Iterator[FakeEngine]:
    """Serve until the block ends."""
    engine = FakeEngine(f"unix://{folder}/engine.sock")
    handler = type("Handler", (_Handler,), {"engine": engine})
    with _Server(f"{folder}/engine.sock", handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield engine
        finally:
            server.shutdown()
            thread.join()
