"""A real HTTP server on the loopback that answers questions for advisories as a test has laid out."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Reply = Callable[[Any], object]
"""Takes the question's JSON and returns what is answered; bytes go out as they are."""


@dataclass
class Answering:
    """`reply` answers each question, with `status`; `cut` ends the answer in its middle, `pause` comes before it."""

    reply: Reply
    status: int = 200
    cut: bool = False
    pause: float = 0.0
    address: str = ""
    questions: list[tuple[str, Any]] = field(default_factory=list)


@contextmanager
def answering(reply: Reply, **more: Any) -> Iterator[Answering]:
    """Serve until the end of the block."""
    answers = Answering(reply, **more)

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *words: object) -> None:
            pass

        def do_POST(self) -> None:
            question = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            answers.questions.append((self.path, question))
            time.sleep(answers.pause)
            said = answers.reply(question)
            body = said if isinstance(said, bytes) else json.dumps(said).encode()
            try:
                self.send_response(answers.status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body[: len(body) // 2] if answers.cut else body)
            except OSError:
                pass  # who asked went away, as it should after its deadline

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    answers.address = f"http://127.0.0.1:{server.server_port}"
    try:
        yield answers
    finally:
        server.shutdown()
        server.server_close()
