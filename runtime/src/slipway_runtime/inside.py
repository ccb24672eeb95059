"""Who may see details: a caller with the token, or one from inside that no proxy spoke for."""

import hmac
from collections.abc import Iterable, Mapping
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Any

Network = IPv4Network | IPv6Network

SPOKEN_FOR = (
    "HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_HOST", "HTTP_X_FORWARDED_PROTO", "HTTP_X_FORWARDED_PORT",
    "HTTP_X_FORWARDED_SERVER", "HTTP_X_REAL_IP", "HTTP_FORWARDED", "HTTP_VIA", "HTTP_CF_CONNECTING_IP",
)  # fmt: skip
"""Headers that proxies add. One is enough to be outside.

Traefik always adds the first one, and of all it is the one that a client cannot take away again by naming it in
`Connection` (CVE-2024-45410). Without a proxy nobody adds any, unless they want to be taken for outside.
"""


def may_see(meta: Mapping[str, Any], token: str, networks: Iterable[Network]) -> bool:
    """Tell whether a request with this META may see details. An empty token matches nothing."""
    return _has_token(meta.get("HTTP_AUTHORIZATION", ""), token) or _is_inside(meta, networks)


def _has_token(header: str, token: str) -> bool:
    kind, _, given = header.partition(" ")
    if not token or kind.lower() != "bearer":
        return False
    # Bytes, since compare_digest refuses other than ASCII text; the time taken tells nothing of the value.
    return hmac.compare_digest(given.strip().encode(errors="replace"), token.encode(errors="replace"))


def _is_inside(meta: Mapping[str, Any], networks: Iterable[Network]) -> bool:
    if any(name in meta for name in SPOKEN_FOR):
        return False
    try:
        peer = ip_address(meta.get("REMOTE_ADDR") or "")
    except ValueError:
        return False
    if isinstance(peer, IPv6Address) and peer.ipv4_mapped:
        peer = peer.ipv4_mapped
    return any(peer in network for network in networks)
