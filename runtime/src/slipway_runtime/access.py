"""The outermost look at a request: gives it its id, hands the id back, writes one line when it is answered."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from contextvars import Token
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction

from slipway_runtime import logs, request_id

log = logging.getLogger("slipway.access")


class Access:
    """Django middleware for both ways of serving; it starts no thread and asks no database."""

    sync_capable = async_capable = True

    def __init__(self, get_response: Callable[[Any], Any]) -> None:
        from django.conf import settings

        self.get_response = get_response
        self.paths = bool(settings.SLIPWAY.get("logging", {}).get("paths"))
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)

    def __call__(self, request: Any) -> Any:
        """Serve a request, or return the coroutine that does."""
        if iscoroutinefunction(self):
            return self._served_async(request)
        begin, tokens = self._begin(request)
        status = 500
        try:
            response = self.get_response(request)
            status = self._answered(response)
            return response
        finally:
            self._end(request, status, begin, tokens)

    async def _served_async(self, request: Any) -> Any:
        begin, tokens = self._begin(request)
        status = 500
        answer: Awaitable[Any] = self.get_response(request)
        try:
            response = await answer
            status = self._answered(response)
        except asyncio.CancelledError:
            status = 499  # the client went away; the number is nginx's
            raise
        else:
            return response
        finally:
            self._end(request, status, begin, tokens)

    def _begin(self, request: Any) -> tuple[float, tuple[Token[str], Token[Any]]]:
        identity = request_id.accept(request.META.get("HTTP_X_REQUEST_ID"))
        return time.perf_counter(), (request_id.current.set(identity), logs.request.set(request))

    @staticmethod
    def _answered(response: Any) -> int:
        response.headers.setdefault(request_id.HEADER, request_id.current.get())
        return int(response.status_code)

    def _end(self, request: Any, status: int, begin: float, tokens: tuple[Token[str], Token[Any]]) -> None:
        if log.isEnabledFor(logging.INFO):
            own = {"status": status, "duration_ms": round((time.perf_counter() - begin) * 1000, 1)}
            route = logs.route_of(request)
            if self.paths or route is None:
                # A matched path may hold a token (a password reset's does), so it is written on demand only.
                own["path"] = request.path[:200]
            words = (logs.known_method(request.method), route or "-", status)
            # Made by hand: log.info() would look through the stack for a file and a line that nobody needs here.
            record = logging.LogRecord(log.name, logging.INFO, __file__, 0, "%s %s %d", words, None)
            setattr(record, logs.OWN, own)
            log.handle(record)
        for variable, token in ((request_id.current, tokens[0]), (logs.request, tokens[1])):
            variable.reset(token)
