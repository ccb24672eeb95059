"""`/metrics`: for a scraper inside or one with the token; whoever else asks learns that it is not public."""

import os
from functools import lru_cache
from pathlib import Path

from asgiref.sync import sync_to_async
from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse

from slipway_runtime.inside import may_see
from slipway_runtime.metrics import meters, place, sampling
from slipway_runtime.metrics.shared import Shared


@lru_cache(maxsize=1)
def _shared() -> Shared:
    return Shared()


def scrape(accept: str) -> tuple[bytes, str]:
    """Return everything that is counted, in the format the scraper takes, and its content type."""
    from prometheus_client import REGISTRY, CollectorRegistry, multiprocess
    from prometheus_client.exposition import choose_encoder

    sampling.sample()
    registry = CollectorRegistry()
    registry.register(_shared())
    if folder := os.environ.get(place.VARIABLE):
        place.forget_dead(Path(folder))
        multiprocess.MultiProcessCollector(registry, folder)  # type: ignore[no-untyped-call]
    else:
        registry.register(REGISTRY)
    encode, kind = choose_encoder(accept)
    return encode(registry), kind


def metrics(request: HttpRequest) -> HttpResponse:
    """Answer a scrape."""
    own = settings.SLIPWAY["metrics"]
    if not may_see(request.META, own["token"], own["inside"]):
        refusal = {"error": {"code": "not_public", "message": "metrics are for the inside and for who has the token"}}
        return JsonResponse(refusal, status=403, headers={"Cache-Control": "no-store"})
    body, kind = scrape(request.headers.get("Accept", ""))
    return HttpResponse(body, content_type=kind, headers={"Cache-Control": "no-store"})


async def metrics_async(request: HttpRequest) -> HttpResponse:
    """Answer it without holding the event loop: files and Redis are read."""
    answer: HttpResponse = await sync_to_async(metrics, thread_sensitive=False)(request)
    return answer


__all__ = ["meters", "metrics", "metrics_async", "scrape"]
