"""What a stand-in does when it starts and when it stops."""

import logging
import threading
from collections.abc import Callable

from . import container_status, deployment_job, deployment_queue
from .compose_cli import Compose
from .engine import Engine
from .horizon import Horizon
from .rate_limit import RateLimit
from .settings import Settings
from .site import Site
from .store import Store
from .tokens import Tokens

log = logging.getLogger("standin")

_PATIENCE = 10.0


def build(settings: Settings, tokens: Tokens) -> Site:
    """The parts of a stand-in, not started. Raises StateUnreadable if the state file is broken."""
    return Site(
        settings=settings,
        store=Store(settings.state),
        tokens=tokens,
        engine=Engine(settings),
        compose=Compose(settings),
        horizon=Horizon(settings.horizon_workers),
        limiter=RateLimit(),
        deploy=deployment_job.run,
    )


def begin(site: Site) -> Callable[[], None]:
    """Fails what was active when the last process ended; starts workers and a status job, and returns its end."""
    lost = deployment_queue.fail_all_active(site.store)
    if lost:
        log.info("%d deployments were active when the stand-in stopped and are failed now", lost)
    site.horizon.start()
    stopped = threading.Event()

    def refresh() -> None:
        while not stopped.wait(site.settings.status_seconds):
            container_status.refresh_all(site)

    thread = threading.Thread(target=refresh, name="status", daemon=True)
    thread.start()

    def stop() -> None:
        stopped.set()
        thread.join(_PATIENCE)

    return stop


def end(site: Site, stop_status: Callable[[], None]) -> None:
    """Kills what Compose does, ends the workers, closes the engine's connections."""
    stop_status()
    site.compose.kill_all()
    site.horizon.stop(_PATIENCE)
    site.engine.close()
