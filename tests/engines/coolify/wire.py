"""A scripted Coolify for unit tests: each route answers what the test wrote down, and every request is kept."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx

from slipway.engines.coolify.http import Patience, Time
from slipway.engines.coolify.platform import Coolify
from slipway.secret import Mask, Secret
from slipway.testing import Clock

TOKEN = Secret("7|abcdefghijklmnopqrstuvwxyz0123456789ABCD12345678")
SOURCE = "env/rehearsal.secrets.env:3"
ADDRESS = "https://coolify.example.org"
Answer = Callable[[httpx.Request], httpx.Response]


@dataclass(frozen=True)
class Sent:
    method: str
    path: str
    body: Any
    query: dict[str, str]
    headers: dict[str, str]


@dataclass
class Wire:
    """`on` scripts a route: its answers are given in turn, the last one for ever. What is not scripted is a 404."""

    routes: dict[tuple[str, str], list[Any]] = field(default_factory=dict)
    sent: list[Sent] = field(default_factory=list)
    clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        self.on("GET", "/version", "4.3.11")

    def on(self, method: str, path: str, *answers: Any) -> "Wire":
        self.routes[method, path] = list(answers)
        return self

    def handle(self, request: httpx.Request) -> httpx.Response:
        path = request.url.raw_path.decode().partition("?")[0].removeprefix("/api/v1")
        body = json.loads(request.content) if request.content else None
        self.sent.append(Sent(request.method, path, body, dict(request.url.params), dict(request.headers)))
        answers = self.routes.get((request.method, path))
        if not answers:
            return httpx.Response(404, json={"message": "Not found.", "docs": "https://coolify.io/docs"})
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if callable(answer):
            answer = answer(request)
        if isinstance(answer, BaseException):
            raise answer
        if isinstance(answer, httpx.Response):
            # A scripted response may be given many times; a read one cannot.
            return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)
        return httpx.Response(200, text=answer) if isinstance(answer, str) else httpx.Response(200, json=answer)

    def bodies(self, method: str, path: str) -> list[Any]:
        return [one.body for one in self.sent if (one.method, one.path) == (method, path)]

    def changes(self) -> list[tuple[str, str]]:
        """Every request that is not a GET, in order."""
        return [(one.method, one.path) for one in self.sent if one.method != "GET"]

    def client(self, **options: Any) -> Coolify:
        settings: dict[str, Any] = {
            "token_source": SOURCE,
            "patience": Patience(retries=5.0),
            "clock": Time(self.clock.now, self.clock.sleep),
            "mask": Mask(),
            "transport": httpx.MockTransport(self.handle),
            **options,
        }
        address = settings.pop("address", ADDRESS)
        return Coolify(address, settings.pop("token", TOKEN), "zamio", "rehearsal", **settings)


def problem(status: int, message: str, **more: Any) -> httpx.Response:
    """An error as Coolify makes it."""
    headers = more.pop("headers", {})
    return httpx.Response(status, json={"message": message, **more}, headers=headers)
