"""Which exceptions mean that something is away, and what is answered then; the middleware in both of Django's modes."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import psycopg_pool
import pytest
from django.db import utils
from kombu.exceptions import OperationalError as BrokerAway
from redis import exceptions as redis_errors
from slipway_runtime.unavailable import reason

from . import small_project
from .conftest import RUNTIME


def wrapped(cause: Exception, kind: type[Exception] = utils.OperationalError) -> Exception:
    """Return what Django makes of a driver's exception."""
    error = kind(*cause.args)
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "what"),
    [
        (wrapped(psycopg_pool.PoolTimeout("couldn't get a connection after 5.00 sec")), "pool"),
        (wrapped(psycopg_pool.TooManyRequests("too many")), "pool"),
        (wrapped(psycopg.OperationalError("connection refused")), "database"),
        (wrapped(psycopg.errors.AdminShutdown("terminating connection")), "database"),
        (wrapped(psycopg.errors.CannotConnectNow("the database system is starting up")), "database"),
        (wrapped(psycopg.errors.TooManyConnections("sorry, too many clients already")), "database"),
        (BrokerAway("Error 111"), "broker"),
        (redis_errors.ConnectionError("Error 111"), "redis"),
        (wrapped(redis_errors.TimeoutError("Timeout"), RuntimeError), "redis"),  # Celery's result backend
        # What the server answered is the program's own business.
        (wrapped(psycopg.errors.QueryCanceled("statement timeout")), None),
        (wrapped(psycopg.errors.DeadlockDetected("deadlock")), None),
        (wrapped(psycopg.errors.UniqueViolation("duplicate key"), utils.IntegrityError), None),
        (redis_errors.ResponseError("WRONGTYPE"), None),
        (utils.OperationalError("no such table"), None),  # SQLite
        (RuntimeError("x"), None),
        (TimeoutError("x"), None),
    ],
)
def test_only_an_absence_is_one(error: Exception, what: str | None) -> None:
    assert reason(error) == what


def test_what_went_wrong_beside_it_is_no_reason() -> None:
    def handles() -> None:
        try:
            raise wrapped(psycopg.OperationalError("refused"))
        except utils.OperationalError:
            raise KeyError("a mistake in the handler")  # noqa: B904 - the case itself

    with pytest.raises(KeyError) as caught:
        handles()
    assert reason(caught.value) is None


def test_an_exception_that_causes_itself_ends_too() -> None:
    first, second = RuntimeError("a"), RuntimeError("b")
    first.__cause__, second.__cause__ = second, first
    assert reason(first) is None


BREAKS = """
import psycopg_pool
from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.db.utils import OperationalError

class Breaks:
    sync_capable = async_capable = True
    def __init__(self, get_response):
        self.get_response = get_response
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)
    def __call__(self, request):
        if request.path == "/sql/":
            raise OperationalError() from psycopg_pool.PoolTimeout()
        if request.path == "/broken/":
            raise OperationalError()
        return self.get_response(request)
"""


@pytest.fixture
def ask(tmp_path: Path) -> Callable[[str], Any]:
    """Run code with a client of the small project, whose innermost middleware breaks; return its `answer`."""
    small_project.write(tmp_path)
    (tmp_path / "core" / "breaks.py").write_text(BREAKS)
    more = 'MIDDLEWARE = ["core.front.Adds", "core.breaks.Breaks"]'
    (tmp_path / "core" / "front.py").write_text(
        "def Adds(get_response):\n"
        "    def middleware(request):\n"
        "        response = get_response(request)\n"
        "        response['Access-Control-Allow-Origin'] = 'https://portal.example.org'\n"
        "        return response\n"
        "    return middleware\n"
    )

    def run(code: str) -> Any:
        program = (
            "import asyncio, json, logging, django\ndjango.setup()\nlogging.disable(50)\n"
            "from django.test import AsyncClient, Client\n"
            "client, later = (one(raise_request_exception=False) for one in (Client, AsyncClient))\n"
            f"{code}\nprint(json.dumps(answer))"
        )
        environment = small_project.variables(
            DB_ALLOW_SQLITE="true", MORE_SETTINGS=more, ALLOWED_HOSTS="testserver", SLIPWAY_ROLE="web"
        )
        ran = subprocess.run(
            [sys.executable, "-c", program],
            env={"PYTHONPATH": f"{RUNTIME}:{tmp_path}", **environment},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert ran.returncode == 0, ran.stderr
        return json.loads(ran.stdout.splitlines()[-1])

    return run


@pytest.mark.parametrize("get", ["client.get({})", "asyncio.run(later.get({}))"])
def test_a_middleware_without_a_connection_is_a_503_that_a_portal_can_read(ask: Callable[[str], Any], get: str) -> None:
    response = get.format("'/sql/'")
    answer = ask(f"r = {response}\nanswer = [r.status_code, r.json(), dict(r.headers)]")
    status, body, headers = answer
    assert (status, body) == (503, {"error": {"code": "unavailable", "what": "pool", "retry_after": 5}})
    assert headers["Retry-After"] == "5"
    assert headers["Cache-Control"] == "no-store"
    assert headers["Access-Control-Allow-Origin"] == "https://portal.example.org"
    assert headers["Content-Type"] == "application/json"


@pytest.mark.parametrize("get", ["client.get({})", "asyncio.run(later.get({}))"])
def test_any_other_mistake_there_stays_a_500(ask: Callable[[str], Any], get: str) -> None:
    response = get.format("'/broken/'")
    assert ask(f"answer = {response}.status_code") == 500
