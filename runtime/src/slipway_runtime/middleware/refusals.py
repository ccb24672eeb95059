"""Refusals: says what the server refused before it read the body, with the project's headers around it.

The server alone could answer as well, but without the project's CORS headers, so a portal would see a broken connection
instead of the reason.
"""

from typing import Any

from django.http import JsonResponse

from slipway_runtime.gate import REFUSED
from slipway_runtime.middleware.layer import Layer


class Refusals(Layer):
    """Answers a request that the gate has marked."""

    def before(self, request: Any) -> Any:
        """Return the refusal, or None."""
        refused = getattr(request, "scope", {}).get(REFUSED)
        return None if refused is None else JsonResponse(refused.body, status=refused.status)
