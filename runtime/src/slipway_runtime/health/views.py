"""The two health views. Both answer without the project's middleware: see `front.py`."""

from functools import lru_cache
from typing import Any

from asgiref.sync import sync_to_async
from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse

from slipway_runtime import logs
from slipway_runtime.health.checks import all_of
from slipway_runtime.health.report import Report, Reporter
from slipway_runtime.inside import may_see


def alive(request: HttpRequest) -> HttpResponse:  # noqa: ARG001  (a view's signature)
    """Say that this process answers. Nothing is touched: a dependency's fault must not take every container away."""
    return _never_kept(JsonResponse({"status": "ok"}))


@lru_cache(maxsize=1)
def reporter() -> Reporter:
    """Return this process's reporter."""
    own = settings.SLIPWAY["health"]
    critical, off = frozenset(own["critical"]), frozenset(own["off"])
    return Reporter(lambda: all_of(critical, off, own["disk"]), logs.redactor(), own["deadline"], own["keep"])


def detailed(request: HttpRequest) -> HttpResponse:
    """Say how everything is that the application depends on; to the outside the status word only."""
    return _shown(request, reporter().report())


async def detailed_async(request: HttpRequest) -> HttpResponse:
    """Do the same without holding the event loop; a thread is taken only when a report has to be made."""
    report = reporter().fresh() or await sync_to_async(reporter().report, thread_sensitive=False)()
    return _shown(request, report)


def _shown(request: HttpRequest, report: Report) -> HttpResponse:
    own = settings.SLIPWAY["health"]
    body: dict[str, Any] = {"status": report.status}
    if may_see(request.META, own["token"], own["inside"]):
        body = report.body
    return _never_kept(JsonResponse(body, status=report.http_status))


def _never_kept(response: HttpResponse) -> HttpResponse:
    response.headers["Cache-Control"] = "no-store"
    return response
