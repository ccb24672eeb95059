"""Whether the ports that a rehearsal publishes are free on 127.0.0.1, asked before minutes of building."""

import errno
import socket
from collections.abc import Callable, Iterable

from slipway.errors import UsageError


def require_ports(ports: Iterable[int], holder: Callable[[int], str | None]) -> None:
    """Raise one `UsageError` that names every port which is taken on 127.0.0.1, and how to find by whom.

    `holder` returns the container that publishes a port: a name, None where none does, "" where that is fine.
    """
    taken = []
    for port in ports:
        container = holder(port)
        if container or (container is None and _is_taken(port)):
            taken.append((port, container or ""))
    if taken:
        named = " and ".join(f"{port}{f' (container {name})' if name else ''}" for port, name in taken)
        condition = " or ".join(f"sport = :{port}" for port, _ in taken)
        raise UsageError(
            f"the rehearsal needs port {named} of 127.0.0.1, and something else listens there",
            where="this machine",
            hint=f"`sudo ss -ltnp '( {condition} )'` or `docker ps` shows who; stop it, then run this again",
        )


def _is_taken(port: int) -> bool:
    """Whether a listener is there. Where this user may not bind the port (the engine may), it is knocked at instead."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # an ended connection that lingers is no listener
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return True
        else:
            return False
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as knock:
        knock.settimeout(2.0)
        return knock.connect_ex(("127.0.0.1", port)) == 0
