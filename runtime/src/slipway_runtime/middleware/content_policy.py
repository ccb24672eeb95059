"""ContentPolicy: django-csp's middleware without a thread."""

from typing import Any

from csp.middleware import CSPMiddleware

from slipway_runtime.middleware.layer import Layer


class ContentPolicy(Layer, CSPMiddleware):
    """Sends the policy of CONTENT_SECURITY_POLICY; decorators and nonces of django-csp work."""

    def before(self, request: Any) -> None:
        """Offer the nonce."""
        self.process_request(request)

    def after(self, request: Any, response: Any) -> Any:
        """Return the answer with the policy."""
        return self.process_response(request, response)
