"""503 with Retry-After instead of 500 while database or broker is away: nothing is broken, the client may ask again."""

import logging
import sys
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.conf import settings
from django.core.signals import got_request_exception
from django.http import HttpRequest, HttpResponseBase, JsonResponse
from django.utils.module_loading import import_string

log = logging.getLogger("slipway.unavailable")

_MARK = "_slipway_unavailable"
# By package and name: which driver and which broker library there are is the project's own business.
_FULL = {"psycopg_pool.PoolTimeout", "psycopg_pool.TooManyRequests"}
_BROKER = {"kombu.OperationalError"}
_REDIS = {"redis.ConnectionError", "redis.TimeoutError"}
# SQLSTATE 08 connection, 53 resources (53300 too many connections), 57P01-03 shut down, crashed, starting up.
_AWAY = ("08", "53", "57P01", "57P02", "57P03")


def reason(error: BaseException) -> str | None:
    """Return what is away (pool, database, broker or redis) if that is why `error` was raised, else None."""
    for one in _chain(error):
        module, kind = type(one).__module__, type(one).__qualname__
        name = f"{module.split('.')[0]}.{kind}"
        if name in _FULL:
            return "pool"
        if name in _BROKER:
            return "broker"
        if name in _REDIS:
            return "redis"
        if _is_driver_error(one):
            state = getattr(one, "sqlstate", None) or getattr(one, "pgcode", None)
            # Without a state it was no answer of the server's: it could not be reached, or went away meanwhile.
            if state is None or str(state).startswith(_AWAY):
                return "database"
    return None


def _is_driver_error(error: BaseException) -> bool:
    """Tell whether a PostgreSQL driver's OperationalError, or a subclass such as AdminShutdown, is at hand."""
    return any(
        kind.__name__ == "OperationalError" and kind.__module__.split(".")[0] in {"psycopg", "psycopg2"}
        for kind in type(error).__mro__
    )


def _chain(error: BaseException) -> Iterator[BaseException]:
    one: BaseException | None = error
    for _ in range(10):
        if one is None:
            return
        yield one
        one = one.__cause__  # what it was raised from on purpose, not what else went wrong meanwhile


class Unavailable:
    """Middleware outside the project's; synchronous and asynchronous, so that no request changes threads for it."""

    sync_capable = async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response = get_response
        self.is_async = iscoroutinefunction(get_response)
        if self.is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        """Hand on, and answer 503 where something below answered 500 because a dependency was away."""
        if self.is_async:
            return self._asynchronous(request)
        return _instead(request, self.get_response(request))

    async def _asynchronous(self, request: HttpRequest) -> HttpResponseBase:
        return _instead(request, await self.get_response(request))

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponseBase | None:
        """Answer a view's exception, before Django writes it down as an error of the program."""
        what = reason(error)
        return answer(request, what, error) if what else None


def _instead(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    found = getattr(request, _MARK, None)
    if not found or response.status_code != 500:
        return response
    instead = answer(request, *found)
    for name, value in response.headers.items():
        if not name.lower().startswith("content-") or name.lower() == "content-security-policy":
            instead.headers.setdefault(name, value)  # without CORS headers a portal could not read the answer
    return instead


def answer(request: HttpRequest, what: str, error: BaseException) -> JsonResponse:
    """Return the 503: `{"error": {"code": "unavailable", "what": "pool", "retry_after": 5}}`."""
    after = settings.SLIPWAY.get("retry_after", 5)
    log.warning("%s is unavailable for %s %s: %s", what, request.method, request.path, type(error).__name__)
    body = {"error": {"code": "unavailable", "what": what, "retry_after": after}}
    return JsonResponse(body, status=503, headers={"Retry-After": str(after), "Cache-Control": "no-store"})


def _mark(request: HttpRequest | None = None, **_: Any) -> None:
    """Remember why a middleware's exception was raised; Django has turned it into a 500 by the time it gets here."""
    error = sys.exc_info()[1]
    if request is not None and error is not None and (what := reason(error)):
        setattr(request, _MARK, (what, error))


got_request_exception.connect(_mark, dispatch_uid="slipway.unavailable")


def exception_handler(error: Exception, context: dict[str, Any]) -> Any:
    """REST framework's handler: the project's own, except that a dependency's absence goes on to the middleware."""
    if reason(error):
        return None
    return import_string(settings.SLIPWAY["exception_handler"])(error, context)
