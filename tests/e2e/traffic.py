"""What a visitor sees from outside: requests through the rehearsal's proxy, one by one or in a bounded stream."""

import json
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

PROXY = "127.0.0.1"


@dataclass(frozen=True)
class Visitor:
    """Asks the proxy over https under a public name, believing the rehearsal's own authority and no other."""

    authority: Path
    domain: str = "zamio.localhost"

    def asks(self, service: str, path: str, body: Any = None, seconds: float = 10) -> httpx.Response:
        """One request on a connection of its own; POST where there is a body."""
        host = f"{service}.{self.domain}"
        trusted = ssl.create_default_context(cafile=str(self.authority))
        with httpx.Client(verify=trusted, trust_env=False, timeout=seconds) as client:
            return client.request(
                "GET" if body is None else "POST",
                f"https://{PROXY}{path}",
                headers={"Host": host, "Connection": "close"} | ({"Content-Type": "application/json"} if body else {}),
                content=json.dumps(body) if body else None,
                extensions={"sni_hostname": host},
            )


@dataclass
class Stream:
    """What became of a stream of requests: how many were answered 200, and every other end with its time."""

    answered: int = 0
    failures: list[str] = field(default_factory=list)
    seconds: float = 0.0
    slowest: float = 0.0

    @property
    def sent(self) -> int:
        return self.answered + len(self.failures)

    def __str__(self) -> str:
        return (
            f"{self.sent} requests in {self.seconds:.0f} s, {len(self.failures)} failed, "
            f"the slowest took {self.slowest:.2f} s"
        )


@contextmanager
def streaming(
    visitor: Visitor, service: str, path: str, pause: float = 0.1, at_most: float = 240.0
) -> Iterator[Stream]:
    """Send about `1 / pause` requests a second while the block runs, for `at_most` seconds."""
    stream, ended = Stream(), threading.Event()
    began = time.monotonic()

    def run() -> None:
        while not ended.is_set() and time.monotonic() - began < at_most:
            sent = time.monotonic()
            try:
                answer = visitor.asks(service, path)
                fault = "" if answer.status_code == 200 else f"{answer.status_code} {answer.text[:60]!r}"
            except httpx.HTTPError as error:
                fault = f"{type(error).__name__} {error}"
            took = time.monotonic() - sent
            stream.slowest = max(stream.slowest, took)
            if fault:
                stream.failures.append(f"after {sent - began:.1f} s: {fault}")
            else:
                stream.answered += 1
            ended.wait(max(0.0, pause - took))

    thread = threading.Thread(target=run, name="visitors")
    thread.start()
    try:
        yield stream
    finally:
        ended.set()
        thread.join(30)
        stream.seconds = time.monotonic() - began
        assert not thread.is_alive()
