"""Layer: a middleware that only computes, so that an asynchronous server need not hop to a thread for it."""

from collections.abc import Awaitable, Callable
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction


class Layer:
    """`before` may answer itself, `after` may change the answer. Neither blocks.

    Django's MiddlewareMixin runs both in a thread under ASGI, which costs a request about 0.1 ms for each layer.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[Any], Any]) -> None:
        self.get_response = get_response
        self.asynchronous = iscoroutinefunction(get_response)
        if self.asynchronous:
            markcoroutinefunction(self)

    def __call__(self, request: Any) -> Any | Awaitable[Any]:
        """Answer, or return what an asynchronous server waits for."""
        if self.asynchronous:
            return self._later(request)
        return self.after(request, self.before(request) or self.get_response(request))

    async def _later(self, request: Any) -> Any:
        return self.after(request, self.before(request) or await self.get_response(request))

    def before(self, request: Any) -> Any:  # noqa: ARG002
        """Return an answer, or None to go on."""
        return None

    def after(self, request: Any, response: Any) -> Any:  # noqa: ARG002
        """Return the answer."""
        return response
