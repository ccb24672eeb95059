import itertools
import json
from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest

from slipway.config.workspace import ApiProbe, BeatProbe, LoginProbe, TaskProbe, WebSocketProbe
from slipway.errors import Refused, SlipwayError, Unreachable, UsageError
from slipway.plan import Step
from slipway.ports import Answer
from slipway.release.observed import RunningContainer
from slipway.secret import Secret
from slipway.steps.verify import (
    VerifyApi,
    VerifyBeat,
    VerifyLogin,
    VerifyRunning,
    VerifyTask,
    VerifyWebSocket,
)
from slipway.testing import FakeContainers, FakeShell, FakeWeb, Lines

API = "https://api.zamio.localhost"
IMAGE, OTHER = "sha256:" + "a" * 64, "sha256:" + "b" * 64


def ok(body: str = "", status: int = 200, **headers: str) -> Answer:
    return Answer(status, headers, body)


def refused(step: Step, words: str, kind: type[SlipwayError] = Refused) -> SlipwayError:
    with pytest.raises(kind, match=words) as raised:
        step.run(Lines())
    return raised.value


# --- what runs ---


def container(service: str, **different: str) -> RunningContainer:
    running = RunningContainer(
        f"id-{service}", f"{service}-1", "image", IMAGE, "running", "healthy", {"coolify.name": f"uuid-{service}"}
    )
    return replace(running, **different)  # type: ignore[arg-type] # the tests change texts only


def verify_running(*containers: RunningContainer) -> VerifyRunning:
    engine = FakeContainers()
    engine.containers = list(containers)
    return VerifyRunning(engine, {name: (f"uuid-{name}", IMAGE) for name in ("api", "beat")})


def test_every_service_runs_the_releases_image() -> None:
    step = verify_running(container("api"), container("beat"), container("api", state="exited", image_id=OTHER))
    said = Lines()
    assert step.run(said) == "2 containers run the release's image ids and are healthy"
    assert len(said.lines) == 2
    assert not step.undo()
    assert "2 services" in step.describe()


@pytest.mark.parametrize(
    ("api", "words"),
    [
        ([], "api: 0 containers run"),
        ([container("api", state="exited")], "api: 0 containers run"),
        ([container("api"), container("api", id="second")], "api: 2 containers run"),
        ([container("api", image_id=OTHER)], "api: runs sha256:bbbb"),
        ([container("api", health="starting")], "api: health is starting"),
        ([container("api", health="")], "api: health is unknown"),
    ],
)
def test_a_service_that_differs_is_named(api: list[RunningContainer], words: str) -> None:
    error = refused(verify_running(*api, container("beat")), "does not run as a whole")
    assert len(error.details) == 1
    assert error.details[0].startswith(words)


def test_all_that_differ_are_named() -> None:
    assert len(refused(verify_running(), "whole").details) == 2


def test_nothing_expected_proves_nothing() -> None:
    refused(VerifyRunning(FakeContainers(), {}), "whole")


# --- the API ---


def api_web(**different: Answer) -> FakeWeb:
    return FakeWeb(
        {
            f"GET {API}/health/": different.get("https", ok("fine")),
            "GET http://api.zamio.localhost/health/": different.get(
                "http", ok(status=301, location="https://api.zamio.localhost/health/")
            ),
        }
    )


def test_the_api_answers_over_https_and_http_leads_there() -> None:
    step = VerifyApi(api_web(), API, ApiProbe(path="/health/"))
    assert step.run(Lines()) == "/health/ 200 over https, http 301 to https"


@pytest.mark.parametrize(
    ("different", "words"),
    [
        ({"https": ok("<h1>broken</h1>", 500)}, "answers 500, expected 200"),
        ({"https": ok("<h1>Bad gateway</h1>", 502)}, "answers 502, expected 200"),
        ({"https": ok(status=301, location="https://elsewhere/")}, "answers 301"),
        ({"http": ok("plain")}, "http answers 200"),
        ({"http": ok(status=301)}, "http answers 301 and does not lead"),
        ({"http": ok(status=301, location="http://api.zamio.localhost/health/")}, "does not lead to its https"),
        ({"http": ok(status=301, location="https://evil.example/health/")}, "evil.example"),
        ({"http": ok(status=404)}, "http answers 404"),
    ],
)
def test_an_api_that_answers_otherwise_is_refused(different: dict[str, Answer], words: str) -> None:
    refused(VerifyApi(api_web(**different), API, ApiProbe(path="/health/"), seconds=0.03, pause=0.01), words)


@pytest.mark.parametrize("early", [ok(status=404), ok(status=502), ok(status=503), Unreachable("refused")])
def test_a_router_that_has_not_heard_of_the_api_yet_is_given_time(early: Answer | SlipwayError) -> None:
    web = api_web()
    for url, answer in list(web.answers.items()):
        assert isinstance(answer, Answer)
        web.answers[url] = [early, early, answer]
    assert VerifyApi(web, API, ApiProbe(path="/health/"), pause=0.001).run(Lines())
    assert len(web.asked) == 6


def test_a_router_that_never_hears_of_the_api_is_not_waited_for_without_end() -> None:
    web = api_web()
    web.answers[f"GET {API}/health/"] = Unreachable("connection refused")
    step = VerifyApi(web, API, ApiProbe(path="/health/"), seconds=0.05, pause=0.01)
    refused(step, "connection refused", Unreachable)
    assert len(web.asked) > 2


@pytest.mark.parametrize("status", [500, 400, 403])
def test_an_answer_of_the_application_counts_at_once(status: int) -> None:
    web = api_web(https=ok(status=status))
    refused(VerifyApi(web, API, ApiProbe(path="/health/")), f"answers {status}")
    assert len(web.asked) == 1


def test_an_api_without_https_is_refused() -> None:
    web = FakeWeb({"GET http://api/health/": ok()})
    refused(VerifyApi(web, "http://api", ApiProbe(path="/health/")), "not https")


@pytest.mark.parametrize("status", [401, 404])
def test_another_expected_status_is_fine(status: int) -> None:
    web = api_web(https=ok(status=status))
    assert VerifyApi(web, API, ApiProbe(path="/health/", status=status)).run(Lines())
    assert len(web.asked) == 2


# --- the log-in ---

PROBE = LoginProbe(
    path="/login/",
    body={"email": "a@b", "password": "${secret.DEMO}"},
    status=(200, 401),
    table="accounts_user",
    setup_command=("make-user",),
)


def verify_login(
    counts: list[str], answer: Answer, probe: LoginProbe = PROBE, secrets: Mapping[str, Secret] | None = None
) -> tuple[VerifyLogin, FakeWeb, list[str]]:
    web = FakeWeb({f"POST {API}/login/": answer})
    events: list[str] = []
    left = itertools.chain(counts, itertools.repeat(counts[-1]))

    def ask(query: str) -> str:
        assert "relname = 'accounts_user'" in query
        events.append("ask")
        return next(left)

    known = {"DEMO": Secret("pass-word")} if secrets is None else secrets
    step = VerifyLogin(web, API, probe, known, ask, lambda say: events.append("set up"), seconds=0.05, pause=0.01)
    return step, web, events


def test_a_log_in_reads_its_table() -> None:
    step, web, events = verify_login(["5\n", "5\n", "7\n"], ok("{}"))
    assert step.run(Lines()) == "log-in 200, scans of accounts_user 5 -> 7"
    assert web.asked == [f"POST {API}/login/"]
    assert web.bodies == [{"email": "a@b", "password": "pass-word"}]
    assert events[:2] == ["set up", "ask"]


def test_without_a_set_up_command_none_is_run() -> None:
    step, _, events = verify_login(["1", "2"], ok(status=401), PROBE.model_copy(update={"setup_command": ()}))
    assert step.run(Lines()).startswith("log-in 401")
    assert "set up" not in events


def test_a_log_in_that_is_answered_otherwise_is_refused() -> None:
    step, _, _ = verify_login(["1", "2"], ok("x" * 1000, 500))
    error = refused(step, "log-in answers 500, expected 200 or 401")
    assert len(error.details[0]) == 300


def test_a_log_in_that_reads_nothing_is_refused() -> None:
    step, _, _ = verify_login(["5"], ok())
    assert "probes.login.table" in refused(step, "without reading accounts_user").hint


def test_a_counter_that_is_no_number_is_refused() -> None:
    refused(verify_login(["", ""], ok())[0], "expected a number")


def test_an_unknown_secret_is_wrong_use_before_anything_is_sent() -> None:
    step, web, events = verify_login(["1", "2"], ok(), secrets={})
    assert refused(step, "DEMO", UsageError).where == "probes.login.body.password"
    assert not web.asked
    assert not events


# --- WebSocket, task, beat ---


def test_a_websocket_speaks_first_to_a_page_of_a_portal() -> None:
    web = FakeWeb({"WS wss://api.zamio.localhost/ws/": ok("hello", 101)})
    step = VerifyWebSocket(web, API, WebSocketProbe(path="/ws/"), "https://admin.zamio.localhost")
    assert step.run(Lines()) == "/ws/ sent hello"
    assert web.sent == [{"origin": "https://admin.zamio.localhost"}]
    assert "admin" in step.describe()
    refused(VerifyWebSocket(FakeWeb(), API, WebSocketProbe(path="/ws/")), "HTTP 404", Unreachable)


def task(code: int, text: str, state: str = "SUCCESS") -> VerifyTask:
    engine = FakeContainers()
    engine.answers["send-task"] = (code, text)
    probe = TaskProbe(name="celery.accumulate", args=(1, 2))
    states = {"p.celery-task-meta-t-1": state}
    return VerifyTask(engine, "image", "net", {"REDIS_URL": Secret("r")}, probe, lambda key: states.get(key, ""))


SENT = json.dumps({"id": "t-1", "key": "p.celery-task-meta-t-1", "seconds": 0.123})


def test_a_task_comes_back_and_redis_agrees() -> None:
    step = task(0, f"some warning\n{SENT}\n")
    assert step.run(Lines()) == "celery.accumulate SUCCESS in 0.12 s, Redis holds its result"
    assert isinstance(step.containers, FakeContainers)
    one_off = step.containers.one_offs[0]
    assert one_off.argv == ("python", "-m", "slipway_runtime.send_task", "celery.accumulate", "[1, 2]")
    assert (one_off.image, one_off.network) == ("image", "net")


@pytest.mark.parametrize(
    ("step", "words"),
    [
        (task(1, f"{SENT}\nno worker answered"), "did not come back"),
        (task(0, ""), "did not come back"),
        (task(0, "Traceback"), "no answer of its own"),
        (task(0, "[]"), "no answer of its own"),
        (task(0, '{"id": "t-1"}'), "no answer of its own"),
        (task(0, SENT, "FAILURE"), "Redis says FAILURE"),
        (task(0, SENT, ""), "Redis says nothing"),
        (
            task(0, json.dumps({"id": "t-2", "key": "celery-task-meta-t-1", "seconds": 1})),
            "Redis says nothing of task t-2",
        ),
    ],
)
def test_a_task_that_is_not_proved_is_refused(step: VerifyTask, words: str) -> None:
    refused(step, words)


class Heart(FakeShell):
    """A beat container whose heartbeat moves by `step` whenever it is looked at."""

    def __init__(self, first: float, step: float) -> None:
        beats = itertools.count(first, step)
        super().__init__({})
        self._beats: Callable[[], float] = lambda: next(beats)

    def run(self, command):  # type: ignore[no-untyped-def] # FakeShell's own signature
        self.answers = {"docker exec beat-1 stat": f"{self._beats()}\n"}
        return super().run(command)


BEAT = BeatProbe(table="django_celery_beat_periodictask", column="last_run_at")


def beat(shell: FakeShell, rows: str = "3|2024-01-01") -> VerifyBeat:
    return VerifyBeat(shell, lambda: "beat-1", lambda query: rows, BEAT, seconds=0.05, pause=0.01)


def test_beat_ticks() -> None:
    assert beat(Heart(100.0, 1.5)).run(Lines()) == ("heartbeat moved 1.5 s, 3 schedule entries, last run 2024-01-01")
    assert beat(Heart(1, 1), "0|").run(Lines()).endswith("0 schedule entries, last run never")


def test_a_beat_that_stands_still_is_refused() -> None:
    refused(beat(Heart(100.0, 0)), "stood still")


def test_a_beat_that_does_not_run_is_refused() -> None:
    refused(beat(FakeShell({"docker exec": (1, "No such container: beat-1")})), "answered 1", Unreachable)
    refused(beat(FakeShell({"docker exec": "what?"})), "expected a number")
