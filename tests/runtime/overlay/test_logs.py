"""Logs: one JSON object a line whatever is logged, ids that tie lines together, and a canary that never sings."""

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

import pytest
from slipway_runtime import logs, request_id
from slipway_runtime.conf import logging as subject
from slipway_runtime.conf.env import Env
from slipway_runtime.redaction import GONE

from tests.runtime.canary import CANARY, TASKS, URLS, line, silent
from tests.runtime.conftest import Running, eventually
from tests.runtime.faulty import redis_server
from tests.runtime.observed import Backend, around, backend, lines


class Nasty:
    def __str__(self) -> str:
        raise RuntimeError("no text")

    __repr__ = __str__


LOOP: dict[str, Any] = {}
LOOP["again"] = [LOOP]


@pytest.mark.parametrize(
    ("message", "args"),
    [
        ("two\nlines\r\n\x1b[31mred\u2028\x00", ()),
        ("half a character \udcff", ()),
        ("%d", ("no number",)),
        ("%s %s", ("one",)),
        ("%s", (Nasty(),)),
        (Nasty(), ()),
        (None, ()),
        ("%(missing)s", ({"other": 1},)),
        ('{"json": "inside"}\n{"level": "forged"}', ()),
    ],
)
def test_whatever_is_logged_is_one_object_on_one_line(message: Any, args: tuple[Any, ...]) -> None:
    found = line(message, *args)
    assert (found["level"], found["logger"]) == ("INFO", "a.logger")


AWKWARD = {
    "nan": float("nan"),
    "infinity": float("inf"),
    "huge": 10**5000,
    "loop": LOOP,
    "nasty": Nasty(),
    "bytes": b"bytes",
    "set": {1, 2},
    "key": {Nasty(): 1},
    "deep": [[[[[[[["deep"]]]]]]]],
    "object": object(),
}


@pytest.mark.parametrize("name", AWKWARD)
def test_whatever_hangs_on_a_record_can_be_written(name: str) -> None:
    assert "mine" in line("x", mine=AWKWARD[name])["extra"]


def test_what_is_huge_is_cut_and_says_so() -> None:
    found = line("x" * 10_000_000, mine=list(range(100_000)), other={str(n): n for n in range(100_000)})
    assert len(json.dumps(found)) < 40_000
    assert found["message"].endswith("… [10000000 characters]")
    assert found["extra"]["mine"][-1] == "[100000 items]"


def test_a_project_cannot_take_the_lines_own_fields() -> None:
    found = line("x", level="forged", timestamp="never", request_id="forged", slipway={"status": 200})
    assert (found["level"], found["status"]) == ("INFO", 200)
    assert found["extra"] == {"level": "forged", "timestamp": "never", "request_id": "forged"}
    assert "request_id" not in found


def test_ids_of_request_user_and_route_are_in_every_line_and_nothing_is_asked() -> None:
    class User:
        pk = 7

    class SimpleLazyObject:
        def __getattr__(self, name: str) -> Any:
            raise AssertionError(name)

    served = SimpleNamespace(
        method="GET", user=SimpleLazyObject(), resolver_match=SimpleNamespace(route="api/<int:n>/")
    )
    before = request_id.current.set("an-id-of-it"), logs.request.set(served)
    try:
        said = line()
        assert said | {"method": "GET", "route": "api/<int:n>/", "request_id": "an-id-of-it"} == said
        assert "user_id" not in line()
        served.user = User()
        assert line()["user_id"] == "7"
        served.method = "FORGED\nLINE"
        assert line()["method"] == "OTHER"
    finally:
        request_id.current.reset(before[0])
        logs.request.reset(before[1])


@pytest.mark.parametrize("given", ["abcdefgh", "a" * 128, "0192f0c1-7d2e-4b6c-9a51-6f0a2a4e8d11", "A.b_c-d.1"])
def test_a_proper_id_is_kept(given: str) -> None:
    assert request_id.accept(given) == given


HOSTILE = [
    "", "short", "a" * 129, "a" * 1_000_000, "-leading-1", "with space", "semi;colon1", "new\nline-1", "abcdefgh\n",
    "é" * 10, "١٢٣٤٥٦٧٨", "${jndi:ldap://x}", "<script>1", "../../etc/passwd", "a,b,c,d,e,f", "\udcff" * 9,
    "abc\x00defgh", "%0d%0aX: 1",
]  # fmt: skip


@pytest.mark.parametrize("given", [None, *HOSTILE])
def test_any_other_id_is_replaced(given: str | None) -> None:
    found = request_id.accept(given)
    assert found != given
    assert len(found) == 32
    assert int(found, 16) >= 0


def test_the_projects_handlers_to_console_and_file_give_way_and_others_stay() -> None:
    project = {
        "version": 1,
        "filters": {"mine": {"()": "around.Filter"}},
        "formatters": {"plain": {"format": "%(message)s"}},
        "handlers": {
            "console": {"class": "logging.StreamHandler"},
            "file": {"class": "logging.handlers.RotatingFileHandler", "filename": "/nowhere/x.log"},
            "pager": {"class": "around.Pager", "filters": ["mine"]},
        },
        "loggers": {
            "quiet": {"handlers": ["console", "pager"], "level": "ERROR", "propagate": False},
            "django.db.backends": {"level": "DEBUG"},
        },
        "root": {"handlers": ["file", "pager"], "level": "DEBUG"},
    }
    found = subject.merged(project, "INFO", admins=False)
    assert set(found["handlers"]) == {"pager", "slipway"}
    assert found["loggers"]["quiet"] == {"handlers": ["pager"], "level": "ERROR", "propagate": True}
    assert found["loggers"]["django.db.backends"]["level"] == "DEBUG"
    assert found["root"] == {"handlers": ["pager", "slipway"], "level": "INFO"}
    assert "mail_admins" in subject.merged({}, "INFO", admins=True)["loggers"]["django"]["handlers"]


@pytest.mark.parametrize(
    ("variables", "named"),
    [
        ({"LOG_LEVEL": "LOUD"}, ["LOG_LEVEL"]),
        ({"CELERY_LOG_LEVEL": "LOUD", "SLIPWAY_ROLE": "worker"}, ["CELERY_LOG_LEVEL"]),
        ({"CELERY_LOG_LEVEL": "20", "SLIPWAY_ROLE": "worker"}, []),
        ({"CELERY_LOG_LEVEL": "LOUD", "SLIPWAY_ROLE": "web"}, []),
        ({"SLIPWAY_LOG_FORMAT": "xml"}, ["SLIPWAY_LOG_FORMAT"]),
    ],
)
def test_a_wrong_variable_is_named(variables: dict[str, str], named: list[str]) -> None:
    env = Env(variables)
    subject.overlay({}, env)
    assert [problem.name for problem in env.problems] == named


@pytest.fixture
def web(python: Callable[..., Running], port: int, tmp_path: Path) -> Backend:
    return backend(python, port, tmp_path, **around(tmp_path, URLS, TASKS), PARTNER_API_KEY=CANARY)


@pytest.mark.slow
def test_a_request_is_one_line_with_its_id_and_the_canary_is_in_none(web: Backend) -> None:
    running = web.start("web")
    answer = web.browse("/reset/visible-token/?code=visible-code", X_Request_ID="from-the-portal-1")
    assert answer.headers["x-request-id"] == "from-the-portal-1"
    for given in ("new;line", "a" * 200, "1"):
        assert len(web.browse("/", X_Request_ID=given).headers["x-request-id"]) == 32
    leaked = web.browse(f"/leak/?key={quote(CANARY)}", Authorization="Bearer visible-visible", X_Request_ID="leaking-1")
    assert leaked.status == 500
    web.browse("/nowhere/at/all", X_Request_ID="is-not-there")
    eventually(lambda: any("is-not-there" in one for one in running.lines), 5)

    said = lines(running)  # each line is JSON, or this fails
    (reset,) = [one for one in said if one.get("request_id") == "from-the-portal-1"]
    assert (reset["logger"], reset["route"], reset["status"], reset["method"]) == (
        "slipway.access", "reset/<token>/", 200, "GET",
    )  # fmt: skip
    assert reset["duration_ms"] >= 0
    assert "visible" not in "".join(running.lines)
    leaks = [one for one in said if one.get("request_id") == "leaking-1"]
    assert {one["logger"] for one in leaks} == {"around", "py.warnings", "django.request", "slipway.access"}
    (failed,) = [one for one in leaks if one["logger"] == "django.request"]
    assert (failed["exception"], failed["status"]) == ("LookupError", 500)
    assert failed["traceback"].startswith("Traceback")
    (lost,) = [one for one in said if one.get("request_id") == "is-not-there"]
    assert (lost["status"], lost["path"]) == (404, "/nowhere/at/all")
    assert any(one["logger"] == "uvicorn.error" for one in said)
    silent(running)
    running.process.terminate()
    assert running.ends() == 0
    assert any(one["logger"] == "slipway" and "SIGTERM" in one["message"] for one in lines(running))


@pytest.mark.slow
def test_text_for_people_has_the_ids_and_no_secret(web: Backend) -> None:
    running = web.start("web", SLIPWAY_LOG_FORMAT="text", SLIPWAY_LOG_PATHS="true")
    web.browse("/leak/", X_Request_ID="leaking-1")
    running.says("GET leak/ 500 request_id=leaking-1", 5)
    silent(running)


@pytest.mark.slow
def test_a_synchronous_server_gives_ids_as_well(web: Backend) -> None:
    script = (
        "import django; django.setup()\n"
        "from django.test import Client\n"
        "c = Client(headers={'host': 'api.example.org', 'x-forwarded-proto': 'https'}, raise_request_exception=False)\n"
        "r = c.get('/', headers={'x-request-id': 'a-sync-id-1'})\n"
        "assert r.headers['X-Request-ID'] == 'a-sync-id-1', r.headers\n"
        "assert c.get('/leak/').status_code == 500\n"
        "assert c.get('/health/').json() == {'status': 'ok'}\n"
        "from slipway_runtime import logs, request_id\n"
        "assert request_id.current.get() == '' and logs.request.get() is None\n"
    )
    running = web.run("-c", script)
    assert running.ends(30) == 0, running.lines
    assert any(one.get("request_id") == "a-sync-id-1" for one in lines(running))
    silent(running)


@pytest.mark.docker
def test_a_task_says_which_request_sent_it(web: Backend, tmp_path: Path) -> None:
    with redis_server() as redis:
        web.variables |= {"REDIS_URL": redis.url, "CELERY_WORKER_CONCURRENCY": "1"}
        worker = web.start("worker", SLIPWAY_RUN_DIR=str(tmp_path / "worker"))
        web.start("web")
        assert web.browse("/send/", X_Request_ID="sends-a-task").status == 200
        eventually(lambda: any("from a task" in one for one in worker.lines), 40, lambda: "".join(worker.lines))
        eventually(lambda: any('"exception"' in one for one in worker.lines), 10, lambda: "".join(worker.lines))
        said = lines(worker)
        (spoken,) = [one for one in said if one["message"] == "from a task"]
        assert (spoken["request_id"], spoken["task"], spoken["role"]) == (
            "sends-a-task",
            "around.tasks.speaks",
            "worker",
        )
        assert len(spoken["task_id"]) == 36
        assert any(one["message"] == f"printed {GONE}" for one in said)
        silent(worker)
        worker.process.terminate()
        worker.ends(20)
        lines(worker)
