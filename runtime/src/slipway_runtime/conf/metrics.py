"""Metrics: the layer that counts requests, and who may scrape."""

from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

from slipway_runtime.conf import health, place
from slipway_runtime.conf.env import Env

_MEASURE = "slipway_runtime.metrics.measure.Measure"


def overlay(settings: Mapping[str, Any], env: Env) -> dict[str, Any]:
    """Return the layer and the rule; none where prometheus_client is not installed."""
    if find_spec("prometheus_client") is None:
        env.problem("SLIPWAY_OVERLAY_OFF", "must name metrics: prometheus-client is not installed", fatal=False)
        return {}
    rule = settings.get("SLIPWAY", {}).get("health") or health.who_may_see(env)  # said once what is wrong with it
    return {
        "MIDDLEWARE": place.first(settings, _MEASURE),
        "SLIPWAY": {**settings.get("SLIPWAY", {}), "metrics": rule},
    }
