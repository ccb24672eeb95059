"""Celery beat with the project's scheduler and a heartbeat file that proves it ticks."""

import os
import socket
from collections.abc import Callable
from typing import Any

from slipway_runtime import celery_app, logs, release, state
from slipway_runtime.signing import Signing

LONGEST_PAUSE = 5.0
"""Seconds between two ticks at most: a heartbeat is due even when no task is."""


def ticking(scheduler: type[Any], ticked: Callable[[], None] = lambda: None) -> type[Any]:
    """Return the scheduler class with a heartbeat, and a call of `ticked`, after each tick that came back."""

    class Ticking(scheduler):  # type: ignore[misc]
        def tick(self, *args: Any, **options: Any) -> Any:
            pause = super().tick(*args, **options)
            state.beat_heart("beat")
            ticked()
            return pause

    # The log names the project's scheduler, not this wrapping.
    Ticking.__name__, Ticking.__qualname__, Ticking.__module__ = (
        scheduler.__name__,
        scheduler.__qualname__,
        scheduler.__module__,
    )
    return Ticking


def main() -> None:
    """Run beat in the foreground; SIGTERM saves the schedule and ends it."""
    app = celery_app.load_and_wait()
    from celery.utils.imports import load_extension_class_names, symbol_by_name

    # Packages may name their scheduler: django_celery_beat calls its one `django`.
    names = dict(load_extension_class_names("celery.beat_schedulers"))
    scheduler = symbol_by_name(app.conf.beat_scheduler, aliases=names)
    signing = Signing(app, "beat", socket.gethostname(), lambda: {"version": release.version()})
    app.Beat(
        scheduler_cls=ticking(scheduler, signing),
        quiet=logs.laid(os.environ),
        max_interval=min(app.conf.beat_max_loop_interval or LONGEST_PAUSE, LONGEST_PAUSE),
        schedule=str(state.RUN_DIR / "celerybeat-schedule"),  # used by Celery's file scheduler only
        loglevel=os.environ.get("CELERY_LOG_LEVEL") or "INFO",
    ).run()


if __name__ == "__main__":
    main()
