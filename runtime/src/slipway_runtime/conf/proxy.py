"""X-Forwarded-Proto counts when a trusted proxy sent it, whatever server took the request."""

from collections.abc import Mapping
from ipaddress import ip_network
from typing import Any

from slipway_runtime.conf import place
from slipway_runtime.conf.env import Env
from slipway_runtime.options import PRIVATE_NETWORKS

LAYER = "slipway_runtime.middleware.trusted_proxy.TrustedProxy"
KEY = "slipway.forwarded_proto"
"""A key of request.META that no header can make up: those begin with HTTP_."""


def overlay(settings: Mapping[str, Any], env: Env) -> dict[str, Any]:
    """Return the header setting, which reads KEY, and the layer, outermost, that fills it."""
    name = "FORWARDED_ALLOW_IPS"
    networks = []
    for item in env.items(name, tuple(PRIVATE_NETWORKS.split(","))):
        if item == "*":
            message = "is *: whoever reaches the container can claim https and any address"
            env.problem(name, message, "name the proxy's network", fatal=False, code="046")
            networks += [ip_network("0.0.0.0/0"), ip_network("::/0")]
            continue
        try:
            networks.append(ip_network(item, strict=False))
        except ValueError:
            env.problem(name, f"has {item!r}, which is no address and no network", "10.0.0.0/8", code="045")
    return {
        "SECURE_PROXY_SSL_HEADER": (KEY, "https"),
        "SLIPWAY": {**settings.get("SLIPWAY", {}), "trusted_proxies": tuple(networks)},
        "MIDDLEWARE": place.first(settings, LAYER),
    }
