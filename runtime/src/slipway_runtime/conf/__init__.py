"""Production laid over a project's settings, subject by subject; each is one file, and each can be switched off."""

import importlib
import traceback
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from slipway_runtime.conf.env import Env, Problem

SUBJECTS: tuple[str, ...] = (
    "database",
    "redis",
    "cache",
    "celery",
    "secret_key",
    "origins",
    "security",
    "content_policy",
    "static_files",
    "media",
    "uploads",
    "limits",
    "proxy",
    "health",
    "metrics",
    "logging",
    "sentry",
    "urls",
)
"""Modules of this package in the order in which they are laid; `SLIPWAY_OVERLAY_OFF` lists those to leave out.

Each has `overlay(settings, env) -> changes`: a function of what is there so far, without effects. The last one that
puts a middleware first is the outermost.
"""
APP = "slipway_runtime"


class CannotCompose(Exception):
    """The project's settings do not load. `problems` has the reason, and whatever else is wrong."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(f"{one.id} {one.name} {one.message}" for one in problems))
        self.problems = problems


def compose(environ: Mapping[str, str]) -> dict[str, Any]:
    """Return the whole settings. What is wrong in `environ` is in `SLIPWAY["problems"]`, for the system checks.

    Raises `CannotCompose` when the project's own settings raise.
    """
    env = Env(environ)
    project = env.text("SLIPWAY_PROJECT_SETTINGS", "core.settings")
    settings, failure = _load(project, env)
    off = env.items("SLIPWAY_OVERLAY_OFF")
    for unknown in sorted(set(off) - set(SUBJECTS)):
        env.problem("SLIPWAY_OVERLAY_OFF", f"names {unknown}, which is none of {', '.join(SUBJECTS)}")
    for subject in SUBJECTS:
        if subject in off:
            continue
        # The other problems are told even when the project is broken, else a person meets one a start; what a subject
        # makes of a project without settings does not matter.
        with suppress(*([Exception] if failure else [])):
            settings.update(importlib.import_module(f"{__name__}.{subject}").overlay(settings, env))
    if failure:
        raise CannotCompose(tuple(env.problems)) from failure
    own = {"project": project, "off": off, "problems": tuple(env.problems)}
    installed = list(settings.get("INSTALLED_APPS", ()))
    return {
        **settings,
        "INSTALLED_APPS": installed if APP in installed else [*installed, APP],
        "SLIPWAY": {**settings.get("SLIPWAY", {}), **own},
    }


def _load(project: str, env: Env) -> tuple[dict[str, Any], Exception | None]:
    """Return the project's settings, or none and why."""
    try:
        module = importlib.import_module(project)
    except Exception as error:  # noqa: BLE001  (settings are code: they raise what they like)
        frame = traceback.extract_tb(error.__traceback__)[-1]
        # No message of the exception and no line: projects put the value into it, and the value may be a secret.
        known = type(error).__name__ + (f" {error}" if isinstance(error, ImportError | KeyError) else "")
        env.problem(
            "SLIPWAY_PROJECT_SETTINGS",
            f"{project} does not load: {known} at {Path(frame.filename).name}:{frame.lineno}",
            "python -c 'import " + project + "' shows the whole of it",
            code="003",
        )
        return {}, error
    return {name: getattr(module, name) for name in dir(module) if name.isupper()}, None
