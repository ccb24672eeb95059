"""Where a container listens: on the declared port, for everybody, and nowhere else."""

from collections.abc import Iterable

from slipway.checks.images.stage import Stage
from slipway.checks.issue import Issue

_LOOPBACK_6 = "0" * 24 + "01000000"


def listens(stage: Stage) -> Iterable[Issue]:
    """The declared port is open to other containers; nothing else, and for worker and beat nothing at all, is."""
    table = stage.host.run("cat /proc/net/tcp /proc/net/tcp6 2>/dev/null").stdout
    if "local_address" not in table:
        yield stage.issue("port", "the container's sockets cannot be read", "does the image have `cat`?")
        return
    rows = [row.split()[1].rsplit(":", 1) for row in table.splitlines() if " 0A " in row]
    # Docker's embedded DNS listens on 127.0.0.11 in every container of a user-defined network.
    listening = {(address, int(port, 16)) for address, port in rows if address != "0B00007F"}
    # Loopback in the kernel's byte order: 127.0.0.0/8 and ::1.
    outside = {port for address, port in listening if not address.endswith("7F") and address != _LOOPBACK_6}
    inside = {port for _, port in listening}
    expected = {stage.service.port} if stage.service.port else set()
    for port in sorted(expected - outside):
        who = "is open on loopback only, where no router reaches it" if port in inside else "is not open"
        yield stage.issue("port", f"port {port} {who}", "is `port` of the service right?")
    if surplus := inside - expected:
        yield stage.issue("port", f"also listens on {', '.join(map(str, sorted(surplus)))}")
