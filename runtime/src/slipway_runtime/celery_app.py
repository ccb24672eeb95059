"""The project's own Celery app, found the way `celery -A` finds it."""

import os
import sys
from typing import Any

from slipway_runtime import logs, waiting
from slipway_runtime.say import say


def load() -> Any:
    """Return the app that SLIPWAY_CELERY names (`core`, `core.celery:app`), with Django set up.

    Celery's own search is used: a project may well make a second, unused app elsewhere.
    """
    from celery.app.utils import find_app

    name = os.environ.get("SLIPWAY_CELERY") or "core"
    app = find_app(name)
    app.set_current()
    app.set_default()
    import django

    django.setup()
    _keep_logging(app)
    return app


def _keep_logging(app: Any) -> None:
    """Leave logging as the overlay laid it, Celery's own set-up out, and what a task prints in the log."""
    if not logs.laid(os.environ):
        return
    from celery import signals

    def redirect(**_: Any) -> None:
        if app.conf.worker_redirect_stdouts:
            app.log.redirect_stdouts(app.conf.worker_redirect_stdouts_level)

    signals.setup_logging.connect(lambda **_: None, weak=False, dispatch_uid="slipway.logging")
    signals.celeryd_after_setup.connect(redirect, weak=False, dispatch_uid="slipway.stdouts")


def load_and_wait() -> Any:
    """Return the app once its database and its broker answer. Ends the process with 1 after the deadline."""
    app = load()
    seconds = waiting.patience()
    try:
        waiting.database(seconds)
        waiting.broker(app, seconds)
    except waiting.NotThere as error:
        say(str(error))
        sys.exit(1)
    return app
