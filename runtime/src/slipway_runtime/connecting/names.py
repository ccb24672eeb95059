"""Public names: does DNS, as this network sees it, lead to the host that serves them?"""

import socket
from collections.abc import Iterable

from slipway_runtime.connecting import Found, Said, shown


def ask(names: Iterable[str], host: str) -> Said:
    """Resolve every name and the host; a name that leads elsewhere may be a proxy's, so that is a warning."""
    home = _addresses(host) if host else set()
    found = []
    for name in names:
        try:
            addresses = _addresses(name)
        except OSError as error:
            message = f"{name} has no address: {shown(error)}"
            found.append(Found("name", message, "make an A or AAAA record that leads to the host"))
            continue
        if home and not addresses & home:
            message = f"{name} does not lead to the host {host}"
            found.append(Found("name", message, "right where a CDN stands before it; else mend the record", "warning"))
    return Said(tuple(found))


def _addresses(name: str) -> set[str]:
    return {str(found[4][0]) for found in socket.getaddrinfo(name, 443, type=socket.SOCK_STREAM)}
