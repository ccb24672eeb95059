"""The request's id travels with a Celery task: in a header from the sender, in `request_id.current` where it runs."""

from contextvars import Token
from typing import Any

from celery import signals

from slipway_runtime import request_id

HEADER = "slipway_request_id"
_tokens: dict[str, Token[str]] = {}


def _send(headers: dict[str, Any] | None = None, **_: Any) -> None:
    """Put the id into the message; beat and a shell serve no request, so the task gets an id of its own."""
    if headers is not None:
        headers.setdefault(HEADER, request_id.current.get() or request_id.new())


def _begin(task_id: str = "", task: Any = None, **_: Any) -> None:
    if getattr(task.request, "is_eager", False):  # it runs within the request
        return
    sent = getattr(task.request, HEADER, None)
    if sent is None:  # a version of Celery that keeps foreign headers below `headers`
        sent = (getattr(task.request, "headers", None) or {}).get(HEADER)
    _tokens[task_id] = request_id.current.set(request_id.accept(sent))


def _end(task_id: str = "", **_: Any) -> None:
    token = _tokens.pop(task_id, None)
    if token is None:
        return
    try:
        request_id.current.reset(token)
    except ValueError:  # ended in another context than it began in, as under gevent
        request_id.current.set("")


def connect() -> None:
    """Listen to Celery's signals; they are the process's, whatever app sends."""
    signals.before_task_publish.connect(_send, weak=False, dispatch_uid="slipway.task_ids")
    signals.task_prerun.connect(_begin, weak=False, dispatch_uid="slipway.task_ids")
    signals.task_postrun.connect(_end, weak=False, dispatch_uid="slipway.task_ids")
