"""The project's Celery app as a web process sees it: there or not, and found once."""

import importlib.util
import os
from functools import lru_cache
from typing import Any


@lru_cache(maxsize=1)
def app() -> Any | None:
    """Return the app that SLIPWAY_CELERY names (`core` by default), None where the project has no Celery.

    Found the way `celery -A` finds it: a project may well make a second, unused app. Raises what the import raises.
    """
    if importlib.util.find_spec("celery") is None:
        return None
    from celery.app.utils import find_app

    name = os.environ.get("SLIPWAY_CELERY")
    try:
        return find_app(name or "core")
    except (ImportError, AttributeError, ValueError):
        if name:
            raise
        return None  # nobody said that there is one


def expected() -> bool:
    """Tell whether there should be one; an app that does not import counts, so that whoever asks next says why."""
    try:
        return app() is not None
    except Exception:  # noqa: BLE001  (importing a project runs any code)
        return True
