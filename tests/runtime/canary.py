"""A secret that must not come up, a project that does what it can to let it out, and lines as they are written."""

import base64
import json
import logging
import secrets
from typing import Any
from urllib.parse import quote

import pytest
from slipway_runtime import logs

from .conftest import Running

CANARY = "cAnary/+" + secrets.token_hex(12) + "=é"
URLS = """
import logging, os, warnings
from django.http import HttpResponse
from django.urls import path
from core.urls import urlpatterns as example
from around import tasks
log = logging.getLogger("around")

def leak(request):
    canary = os.environ["PARTNER_API_KEY"]
    log.info("it is %s", canary)
    log.warning("a mapping", extra={"mine": {"deep": [canary, {canary: 1}]}, "password": "plainly-bad"})
    log.error("of %s", request.headers, extra={"headers": dict(request.headers)})
    log.info("wrong number of arguments %s %s", canary)
    warnings.warn(f"old: {canary}")
    print(canary.encode(), file=open(os.devnull, "w"))
    raise LookupError(f"https://user:{canary}@host/ and {canary!r}")

def send(request):
    tasks.speaks.delay()
    return HttpResponse("sent")

def reset(request, token):
    return HttpResponse("reset")

urlpatterns = [*example, path("leak/", leak), path("send/", send), path("reset/<token>/", reset)]
"""
TASKS = """
import logging, os
from celery import shared_task

@shared_task
def speaks():
    print("printed " + os.environ["PARTNER_API_KEY"])
    logging.getLogger("around").info("from a task")
    raise LookupError(os.environ["PARTNER_API_KEY"])
"""


def line(message: Any = "hello", *args: Any, **extra: Any) -> dict[str, Any]:
    """Return the line of a record, parsed; it is one line of ASCII."""
    text = logs.JsonLines().format(record(message, *args, **extra))
    assert text.isascii()
    assert len(text.splitlines()) == 1
    found = json.loads(text, parse_constant=pytest.fail)
    assert isinstance(found, dict)
    return found


def record(message: Any, *args: Any, **extra: Any) -> logging.LogRecord:
    made = logging.LogRecord("a.logger", logging.INFO, __file__, 1, message, args, None)
    vars(made).update(extra)
    return made


def silent(running: Running) -> None:
    """The canary is nowhere, in no spelling that a reader could undo."""
    whole = "".join(running.lines)
    for form in (
        CANARY,
        CANARY[:-1],
        CANARY[8:30],
        quote(CANARY, safe=""),
        base64.b64encode(CANARY.encode()).decode()[:24],
    ):
        assert form not in whole
