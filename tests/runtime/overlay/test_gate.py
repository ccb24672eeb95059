"""The gate before the application, without a server."""

import asyncio
from typing import Any

from slipway_runtime.conf.env import Env
from slipway_runtime.conf.limits import Bounds, bounds
from slipway_runtime.gate import REFUSED, Gate


def _asked(gate: Gate, *messages: dict[str, Any], headers: tuple[tuple[bytes, bytes], ...] = ()) -> list[Any]:
    """Return what the gate sends for a request whose body comes as these messages, then nothing for ever."""
    left, sent = list(messages), []

    async def receive() -> dict[str, Any]:
        if not left:
            await asyncio.Event().wait()
        return left.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(gate({"type": "http", "headers": list(headers)}, receive, send))
    return sent


async def _ignorant(scope: Any, receive: Any, send: Any) -> None:
    """Answer after the body, also to a client that has gone."""
    while (message := await receive())["type"] == "http.request" and message.get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": [(b"Connection", b"keep-alive")]})
    await send({"type": "http.response.body", "body": str(scope.get(REFUSED)).encode()})


CHUNKED = ((b"transfer-encoding", b"chunked"), (b"content-type", b"TEXT/plain"))


def test_an_application_cannot_answer_what_has_been_refused() -> None:
    gate = Gate(_ignorant, Bounds(body=10), lambda: False)
    part = {"type": "http.request", "body": b"x" * 6, "more_body": True}
    assert [one.get("status") for one in _asked(gate, part, part, headers=CHUNKED)] == [413, None]
    late = Gate(_ignorant, Bounds(body_seconds=0.05), lambda: False)
    assert [one.get("status") for one in _asked(late, part, headers=CHUNKED)] == [408, None]


def test_a_layer_of_the_application_tells_the_refusal_where_there_is_one() -> None:
    gate = Gate(_ignorant, Bounds(upload=10), lambda: False, answers=True)
    start, body = _asked(gate, headers=((b"content-length", b"11"),))
    assert b"body_too_large" in body["body"]
    assert start["headers"] == [(b"connection", b"close")]


def test_a_request_without_a_body_goes_through_untouched() -> None:
    seen = []

    async def inner(scope: Any, receive: Any, send: Any) -> None:
        seen.append((receive, send))

    async def receive() -> Any: ...
    async def send(message: Any) -> None: ...

    gate = Gate(inner, Bounds(), lambda: False)
    asyncio.run(gate({"type": "http", "headers": [(b"content-length", b"0")]}, receive, send))
    asyncio.run(gate({"type": "lifespan"}, receive, send))
    assert seen == [(receive, send)] * 2


def test_wrong_bounds_are_named_and_replaced() -> None:
    env = Env({"HEADERS_MAX_KB": "lots", "BODY_TIMEOUT": "forever", "SEND_TIMEOUT": "-1", "BODY_MAX_MB": "0"})
    assert bounds(env) == Bounds()
    assert {one.name for one in env.problems} == {"HEADERS_MAX_KB", "BODY_TIMEOUT", "SEND_TIMEOUT", "BODY_MAX_MB"}
