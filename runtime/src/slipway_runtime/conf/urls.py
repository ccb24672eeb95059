"""URLs: the overlay's addresses before the project's. Laid last, so that they are answered before any other layer."""

from collections.abc import Mapping
from typing import Any

from slipway_runtime.conf import place
from slipway_runtime.conf.env import Env

_FRONT = "slipway_runtime.front.Front"
_ROOT = "slipway_runtime.urls"


def overlay(settings: Mapping[str, Any], env: Env) -> dict[str, Any]:  # noqa: ARG001  (nothing to set)
    """Return the root URL configuration and the layer in front of everything."""
    project = settings.get("ROOT_URLCONF")
    if not project or project == _ROOT:
        return {}
    own = {**settings.get("SLIPWAY", {}), "urls": project}
    # Only met where a project leaves the front layer out of its middleware.
    exempt = [*settings.get("SECURE_REDIRECT_EXEMPT", ()), r"^health/$", r"^health/detailed/$", r"^metrics$"]
    return {
        "ROOT_URLCONF": _ROOT,
        "MIDDLEWARE": place.first(settings, _FRONT),
        "SECURE_REDIRECT_EXEMPT": list(dict.fromkeys(exempt)),
        "SLIPWAY": own,
    }
