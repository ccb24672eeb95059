"""Counts WebSockets around an ASGI application, and gives each the id that its log lines carry."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from slipway_runtime import request_id

Message = MutableMapping[str, Any]
Application = Callable[
    [Message, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Awaitable[None]
]


def counted(application: Application) -> Application:
    """Return the application with its open WebSockets counted; other kinds of connection pass as they are."""
    from slipway_runtime.metrics.meters import SOCKETS, SOCKETS_CLOSED

    async def serve(scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Any]) -> None:
        if scope["type"] != "websocket":
            await application(scope, receive, send)
            return
        given = next((value for name, value in scope.get("headers", ()) if name == b"x-request-id"), b"")
        request_id.current.set(request_id.accept(given.decode("latin-1")))
        is_open, code = False, 1006  # the connection broke without a word, unless somebody says one

        async def sending(message: Message) -> None:
            nonlocal is_open, code
            if message["type"] == "websocket.accept" and not is_open:
                is_open = True
                SOCKETS.inc()
            elif message["type"] == "websocket.close":
                code = message.get("code") or 1000
            await send(message)

        async def receiving() -> Message:
            nonlocal code
            message = await receive()
            if message["type"] == "websocket.disconnect":
                code = message.get("code") or 1005
            return message

        try:
            await application(scope, receiving, sending)
        finally:
            if is_open:
                SOCKETS.dec()
                SOCKETS_CLOSED.labels(_known(code)).inc()

    return serve


def _known(code: int) -> str:
    # Clients may send any number; those that mean something are few.
    return str(code) if 1000 <= code <= 1015 else "other"
