"""The health check that Coolify writes into the compose file of an application."""

import re
from typing import Any

from .application_fields import HEALTH_COMMAND
from .store import Row


def for_compose(application: Row) -> dict[str, Any] | None:
    """Compose's `healthcheck`, or None: it is off, or of type http without any port to ask (a worker)."""
    if not application["health_check_enabled"]:
        return None
    test = _command(application) or _request(application)
    if test is None:
        return None
    return {
        "test": ["CMD-SHELL", test],
        "interval": f"{application['health_check_interval']}s",
        "timeout": f"{application['health_check_timeout']}s",
        "retries": application["health_check_retries"],
        "start_period": f"{application['health_check_start_period']}s",
    }


def _command(application: Row) -> str | None:
    command = application["health_check_command"]
    if application["health_check_type"] == "cmd" and command and re.fullmatch(HEALTH_COMMAND, command):
        return str(command)
    return None


def _request(application: Row) -> str | None:
    """The http check; it needs sh, and curl or wget, in the image. Return code and response text are never used."""
    port = port_asked(application)
    if port is None:
        return None
    method, scheme, host = (application[f"health_check_{part}"] for part in ("method", "scheme", "host"))
    url = f"{scheme}://{host}:{port}{application['health_check_path'] or '/'}"
    return f"curl -s -X '{method}' -f '{url}' > /dev/null || wget -q -O- '{url}' > /dev/null || exit 1"


def port_asked(application: Row) -> str | None:
    """The port of the http check: its own, else the first one exposed."""
    if application["health_check_port"]:
        return str(application["health_check_port"])
    exposes = application["ports_exposes"]
    return str(exposes).split(",")[0] if exposes else None
