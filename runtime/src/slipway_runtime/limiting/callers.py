"""Who asks: the client's address, or the user where the project has recognised one.

Nothing is looked up for that: no session is loaded, no token verified. Once the project itself has answered a request
as a user, the credential that came with it (a digest of it) stands for that user for a few minutes, in this process.
"""

import time
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from functools import lru_cache
from hashlib import blake2b
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

KEPT = 300.0
"""Seconds for which a credential stands for its user without being seen to."""
MOST = 20_000
"""Credentials that one process remembers, at about 200 bytes each."""


def client(meta: Mapping[str, Any], trusted: tuple[Network, ...]) -> str:
    """Return the client's address: the peer's or, behind trusted proxies, the rightmost one that is none of them.

    What stands further left is the client's own invention. An IPv6 client is its /64: it has all of them. A server
    that has worked through the header already (uvicorn) leaves the client here, which is no trusted peer.
    """
    peer = _address(meta.get("REMOTE_ADDR") or "")
    if peer is not None and not _within(peer, trusted):
        return _shown(peer)
    found = peer
    for word in reversed(str(meta.get("HTTP_X_FORWARDED_FOR", "")).split(",")):
        hop = _address(word)
        if hop is None:
            break
        found = hop
        if not _within(hop, trusted):
            break
    return "unknown" if found is None else _shown(found)


@lru_cache(maxsize=4096)
def _address(word: str) -> Address | None:
    text = word.strip()
    if text.startswith("["):  # [2001:db8::1]:443
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:  # 192.0.2.1:4711
        text = text.partition(":")[0]
    try:
        found = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return (found.ipv4_mapped or found) if isinstance(found, IPv6Address) else found


@lru_cache(maxsize=4096)
def _within(address: Address, networks: tuple[Network, ...]) -> bool:
    return any(address in network for network in networks)


def _shown(address: Address) -> str:
    return str(ip_network((address, 64), strict=False) if isinstance(address, IPv6Address) else address)


def credential(authorization: str, session: str) -> bytes | None:
    """Return a digest of what a request shows to be somebody, None when it shows nothing."""
    if not authorization and not session:
        return None
    return blake2b(f"{authorization}\0{session}".encode(errors="replace"), digest_size=16).digest()


class Known:
    """Credentials with the users that the project took them for. Bounded; the least recently seen goes first."""

    def __init__(self, most: int = MOST, kept: float = KEPT) -> None:
        self._most, self._kept = most, kept
        self._users: OrderedDict[bytes, tuple[str, float]] = OrderedDict()

    def user(self, shown: bytes | None) -> str | None:
        """Return the user of a credential."""
        found = self._users.get(shown) if shown is not None else None
        return found[0] if found is not None and time.monotonic() < found[1] else None

    def learn(self, shown: bytes | None, user: Any) -> None:
        """Note what became of a request's `user`: `ABSENT` says that nobody looked, which teaches nothing."""
        if shown is None or user is ABSENT:
            return
        if user is None or not getattr(user, "is_authenticated", False) or getattr(user, "pk", None) is None:
            self._users.pop(shown, None)
            return
        self._users[shown] = (str(user.pk), time.monotonic() + self._kept)
        self._users.move_to_end(shown)
        if len(self._users) > self._most:
            self._users.popitem(last=False)


ABSENT = object()


def looked_at(request: Any) -> Any:
    """Return the request's user if the project has looked at it, else `ABSENT`; never looks itself."""
    from django.utils.functional import LazyObject

    user = vars(request).get("user", ABSENT)
    if not issubclass(type(user), LazyObject):
        return user  # what the REST framework sets after it has authenticated
    return vars(request).get("_cached_user", vars(request).get("_acached_user", ABSENT))


def exempt(path: str, exact: Iterable[str], prefixes: tuple[str, ...]) -> bool:
    """Tell whether a path is not counted."""
    return path in exact or path.startswith(prefixes)
