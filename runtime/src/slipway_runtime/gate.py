"""Gate: what is asked of a request before the application sees it, whatever server and application there are.

Its body may have so many bytes (counted as they come, whatever Content-Length says) and must come at some speed. While
the container drains, every answer carries `Connection: close`, so that clients and proxies move to another one.
"""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slipway_runtime import state
from slipway_runtime.conf.limits import Bounds

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]

REFUSED = "slipway.refused"
"""Key of the scope under which a layer of the application finds what it should answer."""
_TEXT = (b"application/json", b"application/x-www-form-urlencoded", b"application/xml", b"text/")
_CLOSE = (b"connection", b"close")


@dataclass(frozen=True, slots=True)
class Refusal:
    """What a client is told."""

    status: int
    code: str
    detail: str

    @property
    def body(self) -> dict[str, str]:
        """Return the JSON document."""
        return {"error": self.code, "detail": self.detail}


class Draining:
    """Whether the container drains; looks at the marker once a second at most."""

    def __init__(self, directory: Path = state.RUN_DIR, every: float = 1.0) -> None:
        self._directory, self._every, self._next, self._seen = directory, every, 0.0, False

    def __call__(self) -> bool:
        """Return what was seen last, at most a second ago."""
        now = time.monotonic()
        if now >= self._next:
            self._next = now + self._every
            self._seen = state.is_draining(self._directory)
        return self._seen


class Gate:
    """An ASGI application before another. `bounds` None checks nothing; `answers` says that a layer tells refusals."""

    def __init__(
        self, inner: Application, bounds: Bounds | None, draining: Callable[[], bool], *, answers: bool = False
    ) -> None:
        self.inner, self.bounds, self.draining, self.answers = inner, bounds, draining, answers

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Serve one connection of any kind."""
        if scope["type"] != "http":
            return await self.inner(scope, receive, send)
        if self.draining():
            send = _closing(send)
        if self.bounds is None:
            return await self.inner(scope, receive, send)
        length, text = _body(scope["headers"])
        if length == 0:
            return await self.inner(scope, receive, send)
        most = self.bounds.body if text else self.bounds.upload
        if length > most:
            return await self._refuse(scope, send, _too_large(most))
        watched = _Watched(receive, send, most, self.bounds)
        return await self.inner(scope, watched.receive, watched.send)

    async def _refuse(self, scope: MutableMapping[str, Any], send: Send, refusal: Refusal) -> None:
        """Answer without a look at the body; the connection ends with it."""
        if self.answers:
            return await self.inner({**scope, REFUSED: refusal}, _nothing(), _closing(send))
        return await _answer(send, refusal)


class _Watched:
    """The two ends of a request with a body: counts what comes, and for how long."""

    def __init__(self, receive: Receive, send: Send, most: int, bounds: Bounds) -> None:
        self._receive, self._send, self._most, self._bounds = receive, send, most, bounds
        self._begin, self._seen = time.monotonic(), 0
        self._complete = self._started = self._over = False

    async def receive(self) -> Message:
        """Return the next piece of the body, and a disconnect in place of what is too much or too late."""
        if self._over:
            return {"type": "http.disconnect"}
        if self._complete or not self._bounds.body_seconds:
            message = await self._receive()
        else:
            due = self._begin + self._bounds.body_seconds + self._seen / self._bounds.body_rate
            try:
                async with asyncio.timeout(due - time.monotonic()):
                    message = await self._receive()
            except TimeoutError:
                return await self._end(Refusal(408, "request_too_slow", "the body came too slowly"))
        if message["type"] == "http.request":
            self._seen += len(message.get("body", b""))
            self._complete = not message.get("more_body", False)
            if self._seen > self._most:
                return await self._end(_too_large(self._most))
        return message

    async def send(self, message: Message) -> None:
        """Hand an answer on, unless the request has been refused already."""
        if not self._over:
            self._started = True
            await self._send(message)

    async def _end(self, refusal: Refusal) -> Message:
        self._over = True
        if not self._started:
            await _answer(self._send, refusal)
        return {"type": "http.disconnect"}


def _body(headers: Any) -> tuple[int, bool]:
    """Return the announced length (1 where it is not announced, 0 for no body) and whether it is text, not a file."""
    length, text = 0, False
    for name, value in headers:
        if name == b"content-length":
            # The server has refused what is no number.
            length = int(value) if value.isdigit() else 1
        elif name == b"transfer-encoding":
            length = max(length, 1)
        elif name == b"content-type":
            text = value.lower().startswith(_TEXT)
    return length, text


def _too_large(most: int) -> Refusal:
    return Refusal(413, "body_too_large", f"at most {most // (1024 * 1024)} MB may be sent in one request")


def _nothing() -> Receive:
    """Return the receiving end of a request without a body, whose client stays."""
    given = False

    async def receive() -> Message:
        nonlocal given
        if given:
            await asyncio.Event().wait()
        given = True
        return {"type": "http.request", "body": b"", "more_body": False}

    return receive


def _closing(send: Send) -> Send:
    async def closing(message: Message) -> None:
        if message["type"] == "http.response.start":
            kept = [pair for pair in message.get("headers", ()) if bytes(pair[0]).lower() != b"connection"]
            message = {**message, "headers": [*kept, _CLOSE]}
        await send(message)

    return closing


async def _answer(send: Send, refusal: Refusal) -> None:
    body = json.dumps(refusal.body).encode()
    length = (b"content-length", str(len(body)).encode())
    headers = [(b"content-type", b"application/json"), length, _CLOSE]
    await send({"type": "http.response.start", "status": refusal.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
