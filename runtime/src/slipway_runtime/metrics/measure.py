"""The layer that counts requests: rate, errors and latency by route, never by path."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction

from slipway_runtime.logs import known_method, route_of
from slipway_runtime.metrics import sampling
from slipway_runtime.metrics.meters import EXCEPTIONS, REQUESTS, RUNNING, SECONDS

NO_ROUTE = "none"
"""Label of requests that no pattern matched or that a layer answered first: their paths are the client's invention."""


class Measure:
    """Django middleware for both ways of serving."""

    sync_capable = async_capable = True

    def __init__(self, get_response: Callable[[Any], Any]) -> None:
        self.get_response = get_response
        # Looking labels up costs as much as counting; routes are few.
        self._children: dict[tuple[str, str, int], tuple[Any, Any]] = {}
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)

    def __call__(self, request: Any) -> Any:
        """Serve a request, or return the coroutine that does."""
        if iscoroutinefunction(self):
            return self._served_async(request)
        status, begin = 500, time.perf_counter()
        RUNNING.inc()
        try:
            response = self.get_response(request)
            status = response.status_code
            return response
        finally:
            self._count(request, status, begin)

    async def _served_async(self, request: Any) -> Any:
        status, begin = 500, time.perf_counter()
        RUNNING.inc()
        try:
            response = await self.get_response(request)
            status = response.status_code
        except asyncio.CancelledError:
            status = 499
            raise
        else:
            return response
        finally:
            self._count(request, status, begin)

    def process_exception(self, request: Any, exception: Exception) -> None:
        """Count what a view raised, also where another layer makes an orderly answer of it."""
        EXCEPTIONS.labels(_route(request), type(exception).__name__).inc()

    def _count(self, request: Any, status: int, begin: float) -> None:
        key = (known_method(request.method), _route(request), status)
        children = self._children.get(key)
        if children is None:
            children = (REQUESTS.labels(*key), SECONDS.labels(*key[:2]))
            self._children[key] = children
        children[0].inc()
        children[1].observe(time.perf_counter() - begin)
        RUNNING.dec()
        sampling.sample()


def _route(request: Any) -> str:
    return route_of(request) or NO_ROUTE
