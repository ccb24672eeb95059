"""The project's own Celery app, found the way `celery -A` finds it."""

import os
import sys
from typing import Any

from slipway_runtime import waiting
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
    return app


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
