"""Logs: one JSON object a line for Django, the server and Celery alike, with the ids that tie lines together."""

import json
import logging
import os
import sys
import threading
from collections.abc import Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

from slipway_runtime import request_id
from slipway_runtime.redaction import Redactor, secret_values, shown

request: ContextVar[Any] = ContextVar("slipway_request", default=None)
"""The Django request that this context serves, None outside one."""

OWN = "slipway"
"""The attribute of a record whose mapping is laid into the line itself instead of below `extra`."""

_LONGEST_TRACE = 32_768
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {
    "message", "asctime", "taskName", "color_message", "request", "status_code", "websocket", "server_time", OWN,
}  # fmt: skip


def laid(environ: Mapping[str, str]) -> bool:
    """Tell whether the overlay writes the log: its settings are used, and `logging` is not switched off."""
    off = [item.strip() for item in (environ.get("SLIPWAY_OVERLAY_OFF") or "").split(",")]
    return environ.get("DJANGO_SETTINGS_MODULE") == "slipway_runtime.settings" and "logging" not in off


def wants_json(environ: Mapping[str, str]) -> bool:
    """Tell whether its lines are JSON, as they are unless SLIPWAY_LOG_FORMAT is `text`."""
    return laid(environ) and (environ.get("SLIPWAY_LOG_FORMAT") or "json").strip().lower() != "text"


def redactor(environ: Mapping[str, str] = os.environ, deepest: int = 6) -> Redactor:
    """Return a redactor that knows the secrets of the environment and of Django's settings, where there are some."""
    secrets = secret_values(environ)
    django = sys.modules.get("django.conf")
    if django is not None and django.settings.configured:
        # What is there, without Django's opinion: it raises for an empty key, and this has to work just then.
        loaded = vars(django.settings._wrapped)  # noqa: SLF001
        secrets.add(str(loaded.get("SECRET_KEY") or ""))
        secrets.update(str(one.get("PASSWORD") or "") for one in (loaded.get("DATABASES") or {}).values())
    personal = (environ.get("SLIPWAY_LOG_PERSONAL") or "").strip().lower() not in {"1", "true", "yes", "on"}
    return Redactor(secrets, personal=personal, deepest=deepest)


class _Lines(logging.Formatter):
    """What both formats share: the redactor, made when the first line is written, and messages that never fail."""

    def __init__(self) -> None:
        super().__init__()
        self._redactor: Redactor | None = None
        self.role = os.environ.get("SLIPWAY_ROLE", "")

    @property
    def redactor(self) -> Redactor:
        if self._redactor is None:
            self._redactor = redactor()
        return self._redactor

    def message(self, record: logging.LogRecord) -> str:
        """Return the message; a wrong number of arguments costs the values their places, not the line."""
        try:
            text = record.getMessage()
        except Exception:  # noqa: BLE001  (any object's __str__ may run here)
            text = f"{shown(record.msg)} {shown(record.args)}"
        return self.redactor.text(text)

    def trace(self, record: logging.LogRecord) -> str:
        """Return the traceback, "" without one."""
        text = ""
        if record.exc_info and record.exc_info[0] is not None:
            text = self.formatException(record.exc_info)
        elif record.exc_text:
            text = record.exc_text
        if record.stack_info:
            text = f"{text}\n{record.stack_info}" if text else record.stack_info
        return self.redactor.text(text, _LONGEST_TRACE) if text else ""


class JsonLines(_Lines):
    """One JSON object a record; docs/overlay/logs.md lists its fields."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line: dict[str, Any] = {
            "timestamp": _time(record.created),
            "level": record.levelname,
            "logger": record.name,
            "message": self.message(record),
        }
        if self.role:
            line["role"] = self.role
        line.update(context())
        if (status := getattr(record, "status_code", None)) is not None:
            line["status"] = self.redactor.value(status)
        own = getattr(record, OWN, None)
        if isinstance(own, Mapping):
            for name, value in own.items():
                line[name] = value if isinstance(value, int | float) else self.redactor.text(str(value))
        extra = {name: value for name, value in vars(record).items() if name not in _STANDARD}
        if extra:
            line["extra"] = self.redactor.value(extra)
        if record.exc_info and record.exc_info[0] is not None:
            line["exception"] = record.exc_info[0].__name__
        if trace := self.trace(record):
            line["traceback"] = trace
        # ASCII only: a line separator or half a character inside a message cannot break the line.
        return json.dumps(line)


class TextLines(_Lines):
    """One line for people; a traceback follows on lines of its own."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        ids = " ".join(f"{name}={value}" for name, value in context().items())
        message = self.message(record).replace("\n", "\\n").replace("\r", "\\r")
        line = f"{_time(record.created)} {record.levelname} {record.name}: {message}{' ' + ids if ids else ''}"
        trace = self.trace(record)
        return f"{line}\n{trace}" if trace else line


def context() -> dict[str, Any]:
    """Return what is known about the request or Celery task that this code serves; nothing is asked of a database."""
    found: dict[str, Any] = {}
    if identity := request_id.current.get():
        found["request_id"] = identity
    served = request.get()
    if served is not None:
        found["method"] = known_method(served.method)
        if (route := route_of(served)) is not None:
            found["route"] = route
        if (user := user_id(served)) is not None:
            found["user_id"] = user
    # Celery keeps the task that runs; where Celery is not loaded none does.
    state = sys.modules.get("celery._state")
    task = state.get_current_task() if state is not None else None
    if task is not None and task.request.id:
        found["task_id"], found["task"] = task.request.id, task.name
    return found


def route_of(served: Any) -> str | None:
    """Return the pattern that a request matched, "/" for the empty one, None when none did (yet)."""
    match = getattr(served, "resolver_match", None)
    return None if match is None else match.route or "/"


def user_id(served: Any) -> str | None:
    """Return the primary key of the request's user if somebody has already looked, None otherwise.

    Asking `request.user` itself would read the session and the database for requests that need neither.
    """
    user = getattr(served, "_cached_user", None) or vars(served).get("user")
    if user is None or type(user).__name__ == "SimpleLazyObject":
        return None
    key = getattr(user, "pk", None)
    return None if key is None else str(key)[:64]


_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"})


def known_method(method: str | None) -> str:
    """Return the method, OTHER for one that a client made up."""
    return method if method in _METHODS else "OTHER"


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def said(text: str) -> str:
    """Return the line for something that a process says before or without logging being set up."""
    return JsonLines().format(logging.LogRecord("slipway", logging.INFO, "", 0, "%s", (text,), None))


def take_over() -> None:
    """Send what Python itself would print over many lines, warnings and the last words of a thread, to the log."""
    logging.captureWarnings(capture=True)
    log = logging.getLogger("slipway.uncaught")

    def last_words(kind: type[BaseException], error: BaseException, trace: Any) -> None:
        if issubclass(kind, KeyboardInterrupt):
            sys.__excepthook__(kind, error, trace)
        else:
            log.critical("uncaught %s", kind.__name__, exc_info=(kind, error, trace))

    def of_thread(args: threading.ExceptHookArgs) -> None:
        if args.exc_value is not None:
            last_words(args.exc_type, args.exc_value, args.exc_traceback)

    sys.excepthook, threading.excepthook = last_words, of_thread


def formatter() -> logging.Formatter:
    """Return the formatter that the environment chose; named in logging settings as `()`."""
    return JsonLines() if wants_json(os.environ) else TextLines()


def handler_settings() -> dict[str, Any]:
    """Return the part of logging settings that writes to standard error."""
    return {
        "formatters": {"slipway": {"()": f"{__name__}.formatter"}},
        "handlers": {
            "slipway": {"class": "logging.StreamHandler", "formatter": "slipway", "stream": "ext://sys.stderr"}
        },
    }


def server_settings(level: str = "INFO") -> dict[str, Any]:
    """Return logging settings for uvicorn before Django's own are laid.

    Its access lines are off: the overlay writes one line a request with route, user and duration, and no query string.
    """
    own = {"handlers": ["slipway"], "level": level, "propagate": False}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        **handler_settings(),
        "loggers": {
            "uvicorn": own,
            "uvicorn.error": {"level": level},
            "uvicorn.access": {"handlers": [], "level": "CRITICAL", "propagate": False},
        },
    }
