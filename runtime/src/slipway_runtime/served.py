"""`slipway_runtime.served:application`: the project's ASGI application behind the gate, as web processes serve it."""

import gc
import logging
import os
import sys
from importlib import import_module
from typing import Any

from uvicorn.config import STARTUP_FAILURE

from slipway_runtime.conf.env import Env
from slipway_runtime.conf.limits import bounds
from slipway_runtime.gate import Application, Draining, Gate
from slipway_runtime.options import read
from slipway_runtime.preflight import SETTINGS


def build(name: str) -> Application:
    """Return the application `module:attribute` behind the gate."""
    env = Env(os.environ)
    if env.text("DJANGO_SETTINGS_MODULE") == SETTINGS and env.boolean("ASGI_ONE_HOP", default=True):
        from slipway_runtime import one_hop

        one_hop.use()
    module, _, attribute = name.partition(":")
    inner: Application = getattr(import_module(module), attribute or "application")
    subjects = _laid()
    if "metrics" in subjects:
        from slipway_runtime.metrics.sockets import counted

        inner = counted(inner)
    # What is wrong in the environment, the preflight has said.
    return Gate(inner, bounds(env), Draining(), answers="limits" in subjects)


def settle(threshold: int) -> None:
    """Let the collector leave alone what stays for ever and come by less often; 0 keeps Python's own way.

    Python looks for cycles every 700 objects, a few times a request of Django's, and through the whole loaded
    application now and then: that is the tail of the latencies.
    """
    if threshold:
        gc.collect()
        gc.freeze()
        gc.set_threshold(threshold, *gc.get_threshold()[1:])


def _laid() -> dict[str, Any]:
    """Return what the overlay knows; nothing where a project runs without it, or is none of Django's."""
    try:
        from django.conf import settings
    except ImportError:
        return {}
    return getattr(settings, "SLIPWAY", {}) if settings.configured else {}


try:
    options = read(["web"], os.environ)
    application = build(options.asgi)
    settle(options.gc_threshold)
except Exception:
    # The parent of several processes would start another one for ever after any other end (uvicorn 0.54).
    logging.getLogger("uvicorn.error").exception("the application does not load")
    sys.exit(STARTUP_FAILURE)
