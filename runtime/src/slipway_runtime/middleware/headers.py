"""Headers: the security headers that Django has no setting for, where the project did not set them itself."""

from typing import Any

from django.conf import settings

from slipway_runtime.middleware.layer import Layer

NAMES = {
    "Permissions-Policy": "PERMISSIONS_POLICY",
    "Cross-Origin-Embedder-Policy": "CROSS_ORIGIN_EMBEDDER_POLICY",
    "Cross-Origin-Resource-Policy": "CROSS_ORIGIN_RESOURCE_POLICY",
}


class Headers(Layer):
    """Adds what is missing."""

    def __init__(self, get_response: Any) -> None:
        super().__init__(get_response)
        found = {header: getattr(settings, name, "") for header, name in NAMES.items()}
        self.headers = {header: value for header, value in found.items() if isinstance(value, str) and value}

    def after(self, request: Any, response: Any) -> Any:  # noqa: ARG002
        """Return the answer with all of them."""
        for header, value in self.headers.items():
            response.headers.setdefault(header, value)
        return response
