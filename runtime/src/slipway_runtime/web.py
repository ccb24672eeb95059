"""The web server: uvicorn with the project's ASGI application, behind a proxy in a private network."""

import copy
import logging
import os
import sys
from contextlib import suppress
from typing import Any

from slipway_runtime import logs, state
from slipway_runtime.conf.env import Env
from slipway_runtime.conf.limits import Bounds, bounds
from slipway_runtime.options import Options, read
from slipway_runtime.processes import fitting

GRACE = 15.0
"""Seconds for requests that still run when the drain is over."""


class NotTheProbe(logging.Filter):
    """Drops the access line of a health check that this container asked itself: one every two seconds says nothing."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self.path = path

    def filter(self, record: logging.LogRecord) -> bool:
        """Keep every other line, and a health check that was not answered with 200."""
        arguments = record.args
        if not isinstance(arguments, tuple) or len(arguments) != 5:
            return True
        client, _, path, _, status = arguments
        return not (path == self.path and status == 200 and str(client).startswith("127.0.0.1:"))


def logging_settings(path: str, settings: dict[str, Any]) -> dict[str, Any]:
    """Return uvicorn's logging settings with the filter for health path `path`."""
    changed = copy.deepcopy(settings)
    changed.setdefault("filters", {})["not_the_probe"] = {"()": f"{__name__}.{NotTheProbe.__name__}", "path": path}
    changed["handlers"]["access"].setdefault("filters", []).append("not_the_probe")
    return changed


APPLICATION = "slipway_runtime.served:application"
WORKER_SILENCE = 10
"""Seconds after which a process that does not answer its parent is replaced; so long a dead one may stay unseen.

Uvicorn's own 5 also kill one that only starts, where several do on a busy machine.
"""


def server_options(options: Options, stop_within: float, bounds: Bounds | None) -> dict[str, Any]:
    """Return uvicorn's options. `stop_within` are the seconds between its SIGTERM and its SIGKILL."""
    return {
        "http": "slipway_runtime.connection:Connection" if bounds else "httptools",
        "ws_max_size": bounds.message if bounds else 16 * 1024 * 1024,
        "workers": options.processes or fitting(),
        "timeout_worker_healthcheck": WORKER_SILENCE,
        "host": options.host,
        "port": options.port,
        "proxy_headers": True,
        "forwarded_allow_ips": options.trusted_proxies,
        "server_header": False,
        "timeout_keep_alive": 75,  # longer than a proxy keeps an idle connection, so the proxy closes first
        "timeout_graceful_shutdown": max(1, int(min(GRACE, stop_within - 1))),
    }


def main() -> int:
    """Serve until SIGTERM, in as many processes as the container has CPUs or WEB_CONCURRENCY says."""
    import uvicorn
    from uvicorn.config import LOGGING_CONFIG

    from slipway_runtime.start import stop_plan

    options = read(["web"], os.environ)
    path = os.environ.get("SLIPWAY_HEALTH_PATH") or "/health/"
    log = logs.server_settings() if logs.laid(os.environ) else logging_settings(path, LOGGING_CONFIG)
    stop_within = stop_plan(options).kill_after
    with suppress(SystemExit):
        uvicorn.run(APPLICATION, log_config=log, **server_options(options, stop_within, bounds(Env(os.environ))))
    # A process that cannot start exits with 3; the parent of several returns then as if it had been told to stop.
    return 0 if state.is_draining() else 1


if __name__ == "__main__":
    sys.exit(main())
