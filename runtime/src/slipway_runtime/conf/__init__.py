"""Production laid over a project's settings, subject by subject; each is one file, and each can be switched off."""

import importlib
from collections.abc import Mapping
from typing import Any

from slipway_runtime.conf.env import Env

SUBJECTS: tuple[str, ...] = ()
"""Modules of this package in the order in which they are laid; `SLIPWAY_OVERLAY_OFF` lists those to leave out.

Each has `overlay(settings, env) -> changes`: a function of what is there so far, without effects.
"""


def compose(environ: Mapping[str, str]) -> dict[str, Any]:
    """Return the whole settings. What is wrong in `environ` is in `SLIPWAY["problems"]`, for the system checks."""
    env = Env(environ)
    project = env.text("SLIPWAY_PROJECT_SETTINGS", "core.settings")
    module = importlib.import_module(project)
    settings = {name: getattr(module, name) for name in dir(module) if name.isupper()}
    off = env.items("SLIPWAY_OVERLAY_OFF")
    for unknown in sorted(set(off) - set(SUBJECTS)):
        env.problem("SLIPWAY_OVERLAY_OFF", f"names {unknown}, which is none of {', '.join(SUBJECTS)}")
    for subject in SUBJECTS:
        if subject not in off:
            settings.update(importlib.import_module(f"{__name__}.{subject}").overlay(settings, env))
    own = {"project": project, "off": off, "problems": tuple(env.problems)}
    return {**settings, "SLIPWAY": {**settings.get("SLIPWAY", {}), **own}}
