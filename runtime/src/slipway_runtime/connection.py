"""The HTTP connection of uvicorn with bounds on what a client may do before and after its request is served.

Uvicorn itself bounds neither the size of headers (httptools has no limit, `h11_max_incomplete_event_size` is h11's),
nor how long they take, nor a connection that never says anything, nor a client that does not read its answer (read in
uvicorn 0.54, `protocols/http/httptools_impl.py`).
"""

import asyncio
import os
from typing import Any, ClassVar, cast

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from slipway_runtime.conf.env import Env
from slipway_runtime.conf.limits import Bounds, bounds

BOUNDS = bounds(Env(os.environ)) or Bounds()


class Connection(HttpToolsProtocol):
    """One connection. A timer runs only while something is awaited: a request in one packet never starts one."""

    bounds: ClassVar[Bounds] = BOUNDS

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self._head_begun = self._head_done = self._refused = False
        self._head_bytes = 0
        self._head_timer: asyncio.TimerHandle | None = None
        self._send_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Wait for the first request, for so long."""
        super().connection_made(transport)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the timers."""
        self._forget()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse what came; refuse headers that are too long, and begin to wait for what is missing of them."""
        if self._refused:
            return
        self._head_bytes += len(data)
        super().data_received(data)
        if self.transport.is_closing():
            return
        if self._head_done:
            self._head_bytes = 0
            if self._head_timer is not None:
                self._head_timer.cancel()
                self._head_timer = None
        elif self._head_is_long():
            self._refuse(431)
        elif self._head_timer is None:
            self._await_head()

    def on_message_begin(self) -> None:
        """Begin a request."""
        self._head_begun, self._head_done, self._head_bytes = True, False, 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Start to serve, unless the headers are too long."""
        size = len(self.url) + sum(len(name) + len(value) for name, value in self.headers)
        if size > self.bounds.headers:
            self._refused = True
            return
        self._head_begun, self._head_done = False, True
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Take a piece of a body."""
        if not self._refused:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """End a request's body."""
        if not self._refused:
            super().on_message_complete()

    def on_response_complete(self) -> None:
        """Wait for the next request; uvicorn's own keep-alive timer bounds the wait for its first byte."""
        if not self.pipeline:
            self._head_done = False
        super().on_response_complete()

    def handle_websocket_upgrade(self) -> None:
        """Hand the connection to the WebSocket protocol, which has timers of its own."""
        if not self._refused:
            self._forget()
            super().handle_websocket_upgrade()

    def pause_writing(self) -> None:
        """The client does not read: wait for it, for so long."""
        super().pause_writing()
        if self._send_timer is None:
            self._await_reading()

    def resume_writing(self) -> None:
        """The client reads again."""
        super().resume_writing()
        if self._send_timer is not None:
            self._send_timer.cancel()
            self._send_timer = None

    def _await_reading(self) -> None:
        if self.bounds.send_seconds:
            waiting = self.transport.get_write_buffer_size()
            self._send_timer = self.loop.call_later(self.bounds.send_seconds, self._reading_is_late, waiting)

    def _reading_is_late(self, before: int) -> None:
        self._send_timer = None
        if self.transport.get_write_buffer_size() < before:
            self._await_reading()  # slow, and reading: one big answer may take long
        else:
            self.transport.abort()

    def _head_is_long(self) -> bool:
        return self._refused or (self._head_begun and self._head_bytes > self.bounds.headers)

    def _await_head(self) -> None:
        if self.bounds.header_seconds:
            self._head_timer = self.loop.call_later(self.bounds.header_seconds, self._head_is_late)

    def _head_is_late(self) -> None:
        self._head_timer = None
        if self.transport.is_closing() or self._head_done:
            return
        if not self._idle():
            # A part of the next request came early: its time counts from the end of this one.
            self._await_head()
        elif self._head_begun:
            self._refuse(408)
        else:
            # Nothing came, or the rest of a body that the application answered without.
            self.transport.close()

    def _idle(self) -> bool:
        cycle = cast("RequestResponseCycle | None", self.cycle)  # uvicorn's own type forgets the beginning
        return cycle is None or cycle.response_complete

    def _refuse(self, status: int) -> None:
        self._refused = True
        self._forget()
        self.transport.write(STATUS_LINE[status] + b"content-length: 0\r\nconnection: close\r\n\r\n")
        self.transport.close()

    def _forget(self) -> None:
        for timer in (self._head_timer, self._send_timer):
            if timer is not None:
                timer.cancel()
        self._head_timer = self._send_timer = None
