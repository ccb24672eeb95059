"""The overlay's own addresses: which are switched on, and who answers them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.conf import settings


@dataclass(frozen=True, slots=True)
class Route:
    """One own address: how it is served in a thread and, where that differs, on an event loop."""

    name: str
    view: Callable[[Any], Any]
    later: Callable[[Any], Any] | None = None


def own() -> dict[str, Route]:
    """Return the own addresses that are switched on, by path."""
    on = settings.SLIPWAY
    routes: dict[str, Route] = {}
    if "health" in on:
        from slipway_runtime.health import views

        routes["/health/"] = Route("slipway-health", views.alive)
        routes["/health/detailed/"] = Route("slipway-health-detailed", views.detailed, views.detailed_async)
    if "metrics" in on:
        from slipway_runtime.metrics import views as metrics

        routes["/metrics"] = Route("slipway-metrics", metrics.metrics, metrics.metrics_async)
    return routes
