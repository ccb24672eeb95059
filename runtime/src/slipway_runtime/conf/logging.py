"""Logging: every line in one format on standard error, whatever handlers to console or file the project had."""

import logging as stdlib
from collections.abc import Mapping
from typing import Any

from slipway_runtime import logs, request_id
from slipway_runtime.conf.env import Env

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
_MIDDLEWARE = "slipway_runtime.access.Access"
_REPLACED = ("StreamHandler", "FileHandler", "RotatingFileHandler", "TimedRotatingFileHandler", "WatchedFileHandler")


def overlay(settings: Mapping[str, Any], env: Env) -> dict[str, Any]:
    """Return logging settings, the middleware that gives ids, and what makes the answer's id readable for a portal."""
    if env.text("SLIPWAY_LOG_FORMAT", "json").strip().lower() not in {"json", "text"}:
        env.problem("SLIPWAY_LOG_FORMAT", "is neither json nor text")
    level = _level(env)
    own = {"paths": env.boolean("SLIPWAY_LOG_PATHS", default=False)}
    env.boolean("SLIPWAY_LOG_PERSONAL", default=False)
    changes: dict[str, Any] = {
        "LOGGING_CONFIG": "logging.config.dictConfig",
        "LOGGING": merged(settings.get("LOGGING") or {}, level, admins=bool(settings.get("ADMINS"))),
        "MIDDLEWARE": [_MIDDLEWARE, *(one for one in settings.get("MIDDLEWARE", ()) if one != _MIDDLEWARE)],
        "SLIPWAY": {**settings.get("SLIPWAY", {}), "logging": own},
    }
    if "corsheaders" in settings.get("INSTALLED_APPS", ()):
        exposed = [*settings.get("CORS_EXPOSE_HEADERS", ())]
        if request_id.HEADER.lower() not in {name.lower() for name in exposed}:
            changes["CORS_EXPOSE_HEADERS"] = [*exposed, request_id.HEADER]
    return changes


def merged(project: Mapping[str, Any], level: str, *, admins: bool) -> dict[str, Any]:
    """Return the project's logging with its levels, filters and unusual handlers kept, and one handler for the rest."""
    base = logs.handler_settings()
    kept = {name: one for name, one in project.get("handlers", {}).items() if not _writes_lines(one)}
    handlers = {**kept, **base["handlers"]}
    loggers = {name: _logger(one, kept) for name, one in project.get("loggers", {}).items() if name}
    root = project.get("root") or project.get("loggers", {}).get("") or {}
    django = _logger(project.get("loggers", {}).get("django", {}), kept)
    if admins and "mail_admins" not in handlers:
        # Django's own settings mail errors to ADMINS; ours replace those, so they say it again.
        handlers["mail_admins"] = {"level": "ERROR", "class": "django.utils.log.AdminEmailHandler"}
        django["handlers"] = [*django["handlers"], "mail_admins"]
    loggers["django"] = {"level": "INFO", **django}
    # The access line tells every answer below 500; `django.server` is runserver's.
    loggers.setdefault("django.request", {"handlers": [], "level": "ERROR", "propagate": True})
    loggers["django.server"] = {"handlers": [], "propagate": True}
    for name in ("uvicorn", "uvicorn.error", "celery"):
        loggers.setdefault(name, {"handlers": [], "propagate": True})
    loggers["uvicorn.access"] = {"handlers": [], "level": "CRITICAL", "propagate": False}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": dict(project.get("filters", {})),
        "formatters": {**project.get("formatters", {}), **base["formatters"]},
        "handlers": handlers,
        "loggers": loggers,
        "root": {"level": level, "handlers": [*(n for n in root.get("handlers", ()) if n in kept), "slipway"]},
    }


def _writes_lines(handler: Mapping[str, Any]) -> bool:
    made = handler.get("class") or handler.get("()") or ""
    name = made if isinstance(made, str) else getattr(made, "__name__", "")
    return name.rpartition(".")[2] in _REPLACED or name.startswith("rich.")


def _logger(one: Mapping[str, Any], kept: Mapping[str, Any]) -> dict[str, Any]:
    """Return a logger with the handlers that stay; it propagates, so that its lines reach the one that writes."""
    found = {name: value for name, value in one.items() if name in {"level", "filters"}}
    return {**found, "handlers": [name for name in one.get("handlers", ()) if name in kept], "propagate": True}


def _level(env: Env) -> str:
    """Return how much is written: LOG_LEVEL, for worker and beat CELERY_LOG_LEVEL before it."""
    celery = env.text("SLIPWAY_ROLE") in {"worker", "beat"} and env.text("CELERY_LOG_LEVEL")
    name = "CELERY_LOG_LEVEL" if celery else "LOG_LEVEL"
    level = env.text(name, "INFO").strip().upper()
    if level.isascii() and level.isdigit():
        level = stdlib.getLevelName(int(level))  # Celery writes its level back into the environment as a number
    if level not in LEVELS:
        env.problem(name, f"is none of {', '.join(LEVELS)}")
        return "INFO"
    return level
