"""TrustedProxy: believes X-Forwarded-Proto when it comes from a trusted peer."""

from functools import lru_cache
from ipaddress import ip_address
from typing import Any

from django.conf import settings

from slipway_runtime.conf.proxy import KEY
from slipway_runtime.middleware.layer import Layer


class TrustedProxy(Layer):
    """Copies the header to the key that SECURE_PROXY_SSL_HEADER names.

    A server that works through X-Forwarded-For itself (uvicorn, for trusted peers only) leaves the client's address
    here and has set the scheme already; Django falls back on that where the key is missing.
    """

    def __init__(self, get_response: Any) -> None:
        super().__init__(get_response)
        networks = settings.SLIPWAY["trusted_proxies"]

        @lru_cache(maxsize=4096)
        def trusted(peer: str) -> bool:
            try:
                address = ip_address(peer)
            except ValueError:
                return False
            return any(address in network for network in networks)

        self.trusted = trusted

    def before(self, request: Any) -> None:
        """Fill the key, for a trusted peer."""
        header = request.META.get("HTTP_X_FORWARDED_PROTO")
        if header and self.trusted(request.META.get("REMOTE_ADDR") or ""):
            request.META[KEY] = header
