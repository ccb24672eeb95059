"""The id that ties one request's answer, log lines, metrics and Celery tasks together."""

import re
import uuid
from contextvars import ContextVar

current: ContextVar[str] = ContextVar("slipway_request_id", default="")
"""The id of the request (or task) that this context serves, "" outside one."""

HEADER = "X-Request-ID"
_ACCEPTED = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{7,127}", re.ASCII)


def new() -> str:
    """Return a fresh id: 32 hexadecimal digits."""
    return uuid.uuid4().hex


def accept(given: str | None) -> str:
    """Return the caller's id where it is 8 to 128 of `A-Z a-z 0-9 . _ -` and starts with none of the last three.

    Anything else, which could forge log lines or headers or fill the disk, is replaced by a fresh one.
    """
    return given if given and len(given) <= 128 and _ACCEPTED.fullmatch(given) else new()
