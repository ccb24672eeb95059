"""Health: what it tells whom, how long it may take, and what real faults of PostgreSQL, Redis and workers do to it."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from slipway_runtime.board import Board
from slipway_runtime.conf.env import Env
from slipway_runtime.conf.health import overlay
from slipway_runtime.deadline import Question
from slipway_runtime.health.checks import Bad, Check
from slipway_runtime.health.report import Reporter
from slipway_runtime.inside import may_see
from slipway_runtime.redaction import Redactor

from tests.runtime.conftest import Running, eventually
from tests.runtime.faulty import Server, postgres_server, redis_server
from tests.runtime.observed import TOKEN, Backend, backend

PRIVATE = (ip_network("127.0.0.0/8"), ip_network("10.0.0.0/8"), ip_network("fc00::/7"))


@pytest.mark.parametrize("peer", ["127.0.0.1", "10.1.2.3", "::ffff:10.1.2.3", "fd00::7"])
def test_a_peer_in_a_private_network_is_inside(peer: str) -> None:
    assert may_see({"REMOTE_ADDR": peer}, "", PRIVATE)


@pytest.mark.parametrize("peer", ["203.0.113.9", "::ffff:203.0.113.9", "2001:db8::1", "", "unix", "10.1.2.3, 1.1.1.1"])
def test_any_other_peer_is_outside(peer: str) -> None:
    assert not may_see({"REMOTE_ADDR": peer}, "", PRIVATE)


@pytest.mark.parametrize(
    "header", ["X_FORWARDED_FOR", "X_FORWARDED_PROTO", "X_FORWARDED_HOST", "X_REAL_IP", "FORWARDED", "VIA"]
)
@pytest.mark.parametrize("value", ["127.0.0.1", "", "10.0.0.1, 10.0.0.2"])
def test_whoever_comes_through_a_proxy_is_outside_although_the_proxy_is_inside(header: str, value: str) -> None:
    assert not may_see({"REMOTE_ADDR": "10.0.0.2", f"HTTP_{header}": value}, "", PRIVATE)


@pytest.mark.parametrize(
    ("given", "sees"),
    [
        (f"Bearer {TOKEN}", True),
        (f"bearer  {TOKEN} ", True),
        (f"Bearer {TOKEN}x", False),
        (f"Bearer {TOKEN[:-1]}", False),
        (f"Basic {TOKEN}", False),
        (TOKEN, False),
        ("Bearer", False),
        ("Bearer \udcff\xe9", False),
        ("", False),
    ],
)
def test_the_token_opens_from_anywhere(given: str, sees: bool) -> None:
    meta = {"REMOTE_ADDR": "203.0.113.9", "HTTP_X_FORWARDED_FOR": "203.0.113.9", "HTTP_AUTHORIZATION": given}
    assert may_see(meta, TOKEN, PRIVATE) is sees


def test_no_token_set_is_none_that_anybody_could_send() -> None:
    assert not may_see({"REMOTE_ADDR": "203.0.113.9", "HTTP_AUTHORIZATION": "Bearer "}, "", PRIVATE)


@pytest.mark.parametrize(
    ("variables", "named"),
    [
        ({"SLIPWAY_HEALTH_TOKEN": "tiny-token"}, "SLIPWAY_HEALTH_TOKEN"),
        ({"SLIPWAY_INSIDE": "0.0.0.0/0"}, "SLIPWAY_INSIDE"),
        ({"SLIPWAY_INSIDE": "8.8.8.0/24"}, "SLIPWAY_INSIDE"),
        ({"SLIPWAY_INSIDE": "coolify"}, "SLIPWAY_INSIDE"),
        ({"SLIPWAY_HEALTH_CRITICAL": "database,postgres"}, "SLIPWAY_HEALTH_CRITICAL"),
        ({"SLIPWAY_HEALTH_OFF": "everything"}, "SLIPWAY_HEALTH_OFF"),
        ({"SLIPWAY_HEALTH_DEADLINE": "soon"}, "SLIPWAY_HEALTH_DEADLINE"),
        ({"SLIPWAY_HEALTH_KEEP": "1d"}, "SLIPWAY_HEALTH_KEEP"),
    ],
)
def test_a_wrong_variable_is_named_and_its_value_is_not_told(variables: dict[str, str], named: str) -> None:
    env = Env(variables)
    own = overlay({"DATABASES": {"default": {}}}, env)["SLIPWAY"]["health"]
    assert [problem.name for problem in env.problems] == [named]
    assert own["token"] == ""
    assert "tiny-token" not in env.problems[0].message


def test_nobody_is_inside_where_a_person_says_so() -> None:
    assert overlay({}, Env({"SLIPWAY_INSIDE": "none"}))["SLIPWAY"]["health"]["inside"] == ()


def test_a_question_that_hangs_is_not_asked_again() -> None:
    asked, go_on = [], threading.Event()

    def ask() -> int:
        asked.append(1)
        go_on.wait(10)
        return 7

    question = Question(ask)
    answers = []
    for _ in range(5):
        question.begin()
        answers.append(question.answer(time.monotonic() + 0.02))
    assert all(answer.late for answer in answers)
    assert answers[-1].seconds >= 0.1
    assert asked == [1]
    go_on.set()
    assert question.answer(time.monotonic() + 5).value == 7


def _reporter(*checks: Check, keep: float = 0.0, deadline: float = 1.0, secret: str = "") -> Reporter:
    return Reporter(lambda: checks, Redactor([secret] if secret else []), deadline, keep)


def test_checks_run_side_by_side_and_the_late_one_does_not_hold_the_others_up() -> None:
    def slow() -> dict[str, Any]:
        time.sleep(0.3)
        return {}

    def hangs() -> dict[str, Any]:
        time.sleep(3)
        return {}

    begin = time.monotonic()
    body = _reporter(*(Check(f"slow{n}", slow) for n in range(8)), Check("hangs", hangs)).report().body
    assert 0.9 < time.monotonic() - begin < 1.6
    assert {name: one["status"] for name, one in body["checks"].items() if name != "hangs"} == {
        f"slow{n}": "ok" for n in range(8)
    }
    assert body["checks"]["hangs"]["message"].startswith("no answer within 1.")


def test_the_worst_word_wins_and_messages_keep_secrets() -> None:
    def away() -> dict[str, Any]:
        raise ConnectionError("redis://:hunter2-hunter2@10.0.0.1 refused\nsecond line")

    def low() -> dict[str, Any]:
        raise Bad("hunter2-hunter2 is low", {"left": 1})

    fine = Check("fine", dict)
    assert _reporter(fine).report().http_status == 200
    soft = _reporter(fine, Check("disk", low), secret="hunter2-hunter2").report()
    assert (soft.status, soft.http_status) == ("degraded", 200)
    assert soft.body["checks"]["disk"]["facts"] == {"left": 1}
    hard = _reporter(fine, Check("cache", away, critical=True), secret="hunter2-hunter2").report()
    assert (hard.status, hard.http_status) == ("failing", 503)
    assert hard.body["checks"]["cache"]["message"] == "ConnectionError: redis://:[redacted]@10.0.0.1 refused"
    assert "hunter2" not in f"{soft.body}{hard.body}"


def test_however_many_ask_checks_run_once_in_a_while() -> None:
    ran = []

    def ask() -> dict[str, Any]:
        ran.append(1)
        time.sleep(0.1)
        return {}

    reporter = _reporter(Check("one", ask), keep=5.0)
    threads = [threading.Thread(target=reporter.report) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ran == [1]
    assert reporter.fresh() is not None


@pytest.fixture
def plain(python: Callable[..., Running], port: int, tmp_path: Path) -> Backend:
    return backend(python, port, tmp_path)


@pytest.mark.slow
def test_alive_touches_nothing_and_the_projects_addresses_stay(plain: Backend) -> None:
    # A file that cannot be opened: any look at the database would raise.
    plain.variables["DATABASE_URL"] = "sqlite:////nowhere/at/all.sqlite3"
    running = plain.start("web")
    for host in ("api.example.org", "10.0.0.7:8000", "evil.example"):
        answer = plain.get("/health/", host=host)
        assert (answer.status, answer.json) == (200, {"status": "ok"})
        assert "set-cookie" not in answer.headers
        assert answer.headers["cache-control"] == "no-store"
    assert plain.get("/health/", method="POST").status == 405
    assert plain.get("/health/", method="HEAD").body == ""
    assert plain.get("/", host="evil.example").status == 400
    assert plain.browse("/").json["artists"]
    assert plain.get("/health/detailed/").status == 503
    assert plain.browse("/health/detailed/").json == {"status": "failing"}
    assert not any("/health" in line for line in running.lines)
    names = "import django; django.setup(); from django.urls import reverse; "
    names += "assert [reverse(n) for n in ('home', 'plays', 'admin:index', 'slipway-health-detailed')] == "
    names += "['/', '/api/plays/', '/admin/', '/health/detailed/']"
    assert plain.run("-c", names).ends(20) == 0


@pytest.mark.slow
def test_each_part_can_be_switched_off(plain: Backend) -> None:
    running = plain.start("web", SLIPWAY_OVERLAY_OFF="health,metrics,logging")
    # The project's own /health/ is the one that answers now.
    assert plain.get("/health/", host="evil.example").status == 400
    assert plain.browse("/health/detailed/").status == 404
    assert plain.browse("/metrics").status == 404
    assert "x-request-id" not in plain.browse("/").headers
    assert not any(line.startswith("{") for line in running.lines)


@pytest.mark.slow
def test_a_celery_app_that_does_not_import_is_told_and_breaks_nothing(plain: Backend) -> None:
    plain.start("web", SLIPWAY_CELERY="nowhere")
    checks = plain.detailed()["checks"]
    assert {name for name in ("broker", "workers", "beat") if checks[name]["status"] == "failing"} == {
        "broker",
        "workers",
        "beat",
    }
    assert "nowhere" in checks["broker"]["message"]
    assert plain.metric("slipway_celery_up") == 0
    assert plain.browse("/").status == 200


@pytest.fixture
def servers() -> Iterator[tuple[Server, Server]]:
    with postgres_server() as database, redis_server() as redis:
        yield database, redis


@pytest.mark.docker
def test_real_faults_show_and_go(
    servers: tuple[Server, Server], python: Callable[..., Running], port: int, tmp_path: Path
) -> None:
    database, redis = servers
    web = backend(python, port, tmp_path, DATABASE_URL=database.url, REDIS_URL=redis.url, SLIPWAY_HEALTH_DEADLINE="1s")
    web.migrate()
    web.start("web")
    quiet = {"SLIPWAY_RUN_DIR": str(tmp_path / "worker"), "CELERY_WORKER_CONCURRENCY": "1"}
    worker = web.start("worker", **quiet)
    beat = web.start("beat", SLIPWAY_RUN_DIR=str(tmp_path / "beat"))

    def bad() -> set[str]:
        return {name for name, one in web.detailed()["checks"].items() if one["status"] != "ok"}

    eventually(lambda: not bad(), 40, lambda: str(web.detailed()))
    body = web.detailed()
    assert (body["schema"], body["status"], body["version"], body["revision"]) == (1, "ok", "1.2.3", "0123456789abcdef")
    assert set(body["checks"]) == {"database", "migrations", "cache", "broker", "workers", "beat", "disk"}
    assert body["checks"]["workers"]["facts"]["alive"] == 1
    assert body["checks"]["workers"]["facts"]["workers"][0]["queues"] == ["celery"]
    assert all(one["latency_ms"] < 1000 for one in body["checks"].values())

    assert web.browse("/health/detailed/").json == {"status": "ok"}
    assert web.browse("/health/detailed/", Authorization="Bearer wrong-wrong-wrong-1").json == {"status": "ok"}
    assert web.browse("/health/detailed/", Authorization=f"Bearer {TOKEN}").json["checks"]

    _migrations(web, database, bad)
    _beat(beat, redis, bad)
    _stops(web, database, redis, bad)

    worker.process.terminate()
    eventually(lambda: bad() == {"workers"}, 20, lambda: str(web.detailed()))
    assert web.detailed()["status"] == "degraded"


def _migrations(web: Backend, database: Server, bad: Callable[[], set[str]]) -> None:
    row = "app = 'plays'"
    database.run("psql", "-U", "app", "-c", f"CREATE TABLE kept AS SELECT * FROM django_migrations WHERE {row}")
    database.run("psql", "-U", "app", "-c", f"DELETE FROM django_migrations WHERE {row}")
    eventually(lambda: bad() == {"migrations"})
    assert web.get("/health/detailed/").status == 200
    assert web.detailed()["checks"]["migrations"]["message"] == "1 pending: plays.0001_initial"
    database.run("psql", "-U", "app", "-c", "INSERT INTO django_migrations SELECT * FROM kept")
    new = "INSERT INTO django_migrations (app, name, applied) VALUES ('plays', '0099_of_a_newer_release', now())"
    database.run("psql", "-U", "app", "-c", new)
    eventually(lambda: bad() == set())
    assert web.detailed()["checks"]["migrations"]["facts"] == {"pending": 0, "ahead": 1}


def _beat(beat: Running, redis: Server, bad: Callable[[], set[str]]) -> None:
    """Let it stand still, and its sign be half a minute older than it is."""
    (child,) = beat._children()
    os.kill(child, signal.SIGSTOP)
    keys = [key for key in redis.run("redis-cli", "keys", "*slipway:beat:*").split() if key]
    assert len(keys) == 1
    redis.run("redis-cli", "pexpire", keys[0], str(86_400_000 - 31_000))
    eventually(lambda: bad() == {"beat"}, 5)
    os.kill(child, signal.SIGCONT)
    eventually(lambda: bad() == set(), 15)


def _stops(web: Backend, database: Server, redis: Server, bad: Callable[[], set[str]]) -> None:
    redis.stop()
    eventually(lambda: bad() == {"cache", "broker", "workers", "beat"}, 20, lambda: str(web.detailed()))
    assert web.get("/health/detailed/").status == 200
    assert web.browse("/health/detailed/").json == {"status": "degraded"}
    assert web.browse("/api/artists/").status == 200
    redis.start()
    eventually(lambda: bad() == set(), 40, lambda: str(web.detailed()))

    database.pause()
    begin = time.monotonic()
    eventually(lambda: web.get("/health/detailed/").status == 503, 10)
    assert web.browse("/health/detailed/").json == {"status": "failing"}
    assert web.get("/health/").status == 200
    assert time.monotonic() - begin < 5
    database.unpause()
    eventually(lambda: bad() == set(), 40, lambda: str(web.detailed()))

    database.stop()
    eventually(lambda: web.get("/health/detailed/").status == 503, 20)
    assert {"database", "migrations"} <= bad()
    assert "throwaway" not in web.get("/health/detailed/").body
    database.start()
    eventually(lambda: bad() == set(), 60, lambda: str(web.detailed()))


@pytest.mark.docker
def test_signs_age_by_redis_alone_and_end() -> None:
    with redis_server() as redis:
        board = Board(redis.url, "other.")
        board.sign("worker", "celery@one", {"active": 2})
        board.sign("worker", "celery@two", {})
        board.redis.pexpire("other.slipway:worker:celery@one", 5_000)
        first, second = board.signs("worker")
        assert (first.name, second.name, second.said) == ("celery@two", "celery@one", {"active": 2})
        assert first.age < 1
        assert 14.5 < second.age < 16
        board.redis.set("other.slipway:worker:celery@two", "no json", px=10_000)
        assert board.signs("worker")[0].said == {}
        board.leave("worker", "celery@two")
        board.redis.delete("other.slipway:worker:celery@one")
        assert board.signs("worker") == []
        board.redis.close()
