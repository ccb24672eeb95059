"""The overlay's own addresses, answered before anything of the project's runs.

A health answer must not depend on a session, a log-in, a rate limit or a redirect to https, and a scraper inside asks
for `container:8000`, which is no allowed host. So these few paths are taken before every other middleware; none of them
reads a body or a cookie, or builds an address from the Host header.
"""

from collections.abc import Callable
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import HttpResponseNotAllowed

from slipway_runtime.routes import own


class Front:
    """Django middleware, outermost."""

    sync_capable = async_capable = True

    def __init__(self, get_response: Callable[[Any], Any]) -> None:
        self.get_response = get_response
        self.own = own()
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)

    def __call__(self, request: Any) -> Any:
        """Answer an own address, hand every other request on."""
        route = self.own.get(request.path_info)
        if route is None:
            return self.get_response(request)
        if iscoroutinefunction(self):
            return self._async(request, route)
        return _measured(route.view(request)) if request.method in {"GET", "HEAD"} else _refused()

    @staticmethod
    async def _async(request: Any, route: Any) -> Any:
        if request.method not in {"GET", "HEAD"}:
            return _refused()
        return _measured(await route.later(request) if route.later else route.view(request))


def _measured(response: Any) -> Any:
    # CommonMiddleware's work, which comes later for everything else.
    response.headers["Content-Length"] = str(len(response.content))
    # Django would write an error for each 503, while whoever asks every few seconds is told it anyway.
    response._has_been_logged = True  # noqa: SLF001
    return response


def _refused() -> Any:
    return _measured(HttpResponseNotAllowed(["GET", "HEAD"]))
