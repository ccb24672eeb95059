import json
from typing import Any

import httpx
import pytest
import stamina

from slipway.engines.coolify.http import Patience
from slipway.errors import PersonNeeded, Refused, SlipwayError, Unreachable, UsageError
from slipway.secret import Mask, Secret
from slipway.testing import Lines
from tests.engines.coolify.wire import Wire, problem

APP = ("GET", "/applications/a1")
TAG = ("PATCH", "/applications/a1")
LIST = ("GET", "/deployments/applications/a1")
DEPLOY = ("POST", "/deploy")
LOOK = ("GET", "/deployments/d1")
CANCEL = ("POST", "/deployments/d1/cancel")
QUEUED = {
    "deployments": [{"message": "Application api deployment queued.", "resource_uuid": "a1", "deployment_uuid": "d1"}]
}


def app(tag: str) -> dict[str, Any]:
    return {
        "uuid": "a1",
        "name": "api",
        "docker_registry_image_tag": tag,
        "health_check_start_period": 10,
        "health_check_interval": 2,
        "health_check_timeout": 5,
        "health_check_retries": 4,
        "settings": {"stop_grace_period": 45},
    }


def deployment(status: str, *outputs: str, hidden: str = "") -> dict[str, Any]:
    entries = [{"output": text, "type": "stdout", "hidden": False} for text in outputs]
    if hidden:
        entries.insert(0, {"output": hidden, "type": "stdout", "hidden": True})
    return {"deployment_uuid": "d1", "status": status, "logs": json.dumps(entries), "created_at": "2026-08-22"}


def listed(*statuses: str) -> dict[str, Any]:
    rows = [{"deployment_uuid": f"old{n}", "status": status, "created_at": "t"} for n, status in enumerate(statuses)]
    return {"count": len(rows), "deployments": rows}


@pytest.fixture
def wire() -> Wire:
    """A deployment of tag `new` over tag `old` that finishes after a while."""
    return (
        Wire()
        .on(*APP, app("old"), app("new"))
        .on(*TAG, {"uuid": "a1"})
        .on(*LIST, listed())
        .on(*DEPLOY, QUEUED)
        .on(*LOOK, deployment("queued"), deployment("queued"), deployment("in_progress", "one"), deployment("finished"))
        .on(*CANCEL, {"message": "Deployment cancelled successfully.", "status": "cancelled-by-user"})
    )


def tags(wire: Wire) -> list[str]:
    return [body["docker_registry_image_tag"] for body in wire.bodies(*TAG)]


def failure(wire: Wire, say: Any = None, **options: Any) -> SlipwayError:
    with wire.client(**options) as coolify, pytest.raises(SlipwayError) as caught:
        coolify.deploy("a1", "new", say or Lines())
    return caught.value


def test_a_deployment_is_tag_then_check_then_one_forced_uuid_then_polling(wire: Wire) -> None:
    say = Lines()
    with wire.client() as coolify:
        done = coolify.deploy("a1", "new", say)
    assert (done.uuid, done.status) == ("d1", "finished")
    assert wire.changes() == [TAG, DEPLOY]
    assert wire.bodies(*DEPLOY) == [{"uuid": "a1", "force": True}]
    assert tags(wire) == ["new"]
    assert say.lines == ["api: queued", "one", "api: in_progress", "api: finished"]
    assert set(wire.clock.slept) == {2.0}


def test_log_lines_are_told_once_without_hidden_ones_and_masked(wire: Wire) -> None:
    wire.on(
        *LOOK,
        deployment("in_progress", "pulling"),
        deployment("in_progress", "pulling", "key is hunter2-hunter2\nand\x1b[2J more", hidden="internal"),
        deployment("finished", "pulling", "key is hunter2-hunter2\nand\x1b[2J more", hidden="internal"),
    )
    say = Lines()
    with wire.client(mask=Mask([Secret("hunter2-hunter2")])) as coolify:
        done = coolify.deploy("a1", "new", say)
    assert done.log == ("pulling", "key is [secret]", "and[2J more")
    assert [line for line in say.lines if line.startswith(("key", "and", "internal"))] == list(done.log[1:])


@pytest.mark.parametrize("logs", [None, "", "[", "plain text", 7, [{"output": "x"}, "odd", None], '{"a": 1}'])
def test_a_log_of_another_shape_is_no_crash(wire: Wire, logs: Any) -> None:
    wire.on(*LOOK, {**deployment("finished"), "logs": logs})
    with wire.client() as coolify:
        assert coolify.deploy("a1", "new", Lines()).status == "finished"


def test_a_failed_deployment_puts_the_tag_back_and_shows_the_end_of_the_log(wire: Wire) -> None:
    wire.on(*LOOK, deployment("in_progress"), deployment("failed", *(f"line {n}" for n in range(50))))
    error = failure(wire)
    assert isinstance(error, Refused)
    assert error.exit_code == 1
    assert error.details[-1] == "line 49"
    assert len(error.details) == 30
    assert tags(wire) == ["new", "old"]


def test_a_deployment_cancelled_elsewhere_puts_the_tag_back(wire: Wire) -> None:
    wire.on(*LOOK, deployment("in_progress"), deployment("cancelled-by-user"))
    assert "was cancelled" in failure(wire).message
    assert tags(wire) == ["new", "old"]


def test_a_phantom_deployment_is_found_out_and_the_tag_put_back(wire: Wire) -> None:
    skipped = {
        "deployments": [
            {"message": "Deployment already queued for this commit.", "resource_uuid": "a1", "deployment_uuid": "d1"}
        ]
    }
    wire.on(*DEPLOY, skipped).on(*LOOK, problem(404, "Deployment not found."))
    error = failure(wire)
    assert isinstance(error, Unreachable)
    assert "does not exist" in error.message
    assert "already queued" in error.message
    assert tags(wire) == ["new", "old"]


def test_a_deployment_that_shows_up_late_is_no_phantom(wire: Wire) -> None:
    wire.on(*LOOK, problem(404, "Deployment not found."), deployment("in_progress"), deployment("finished"))
    with wire.client() as coolify:
        assert coolify.deploy("a1", "new", Lines()).status == "finished"


def test_an_answer_without_uuid_is_no_deployment(wire: Wire) -> None:
    wire.on(*DEPLOY, {"deployments": [{"message": "Unauthorized to deploy this application.", "resource_uuid": "a1"}]})
    assert isinstance(failure(wire), UsageError)
    wire.on(*DEPLOY, {"deployments": []})
    wire.on(*APP, app("old"), app("new"))
    assert isinstance(failure(wire), Unreachable)
    assert tags(wire) == ["new", "old", "new", "old"]


def test_a_missing_ability_puts_the_tag_back(wire: Wire) -> None:
    wire.on(*DEPLOY, problem(403, "Missing required permissions: deploy"))
    error = failure(wire)
    assert error.exit_code == 2
    assert "deploy" in error.message
    assert tags(wire) == ["new", "old"]


def test_a_full_queue_is_waited_out(wire: Wire) -> None:
    wire.on(*DEPLOY, problem(429, "Deployment queue is full.", headers={"Retry-After": "60"}), QUEUED)
    with wire.client() as coolify:
        coolify.deploy("a1", "new", Lines())
    assert wire.clock.slept[0] == 60.0
    assert len(wire.bodies(*DEPLOY)) == 2


def test_a_queue_that_stays_full_gives_up_and_puts_the_tag_back(wire: Wire) -> None:
    wire.on(*DEPLOY, problem(429, "Deployment queue is full.", headers={"Retry-After": "60"}))
    error = failure(wire, patience=Patience(queue=150))
    assert error.exit_code == 3
    assert wire.clock.slept == [60.0, 60.0]
    assert tags(wire) == ["new", "old"]


def test_another_deployment_is_waited_for_before_the_tag_changes(wire: Wire) -> None:
    wire.on(*LIST, listed("in_progress"), listed("queued"), listed("finished"))
    with wire.client() as coolify:
        coolify.deploy("a1", "new", Lines())
    methods = [(one.method, one.path) for one in wire.sent]
    assert methods.index(TAG) > methods.index(LIST) + 2


def test_another_deployment_without_end_stops_it_with_nothing_changed(wire: Wire) -> None:
    wire.on(*LIST, listed("in_progress"))
    error = failure(wire, patience=Patience(queue=20))
    assert isinstance(error, Refused)
    assert "in_progress" in error.message
    assert wire.changes() == []


def test_a_tag_that_does_not_read_back_is_refused_before_deploying(wire: Wire) -> None:
    wire.on(*APP, app("old"))
    assert "has 'old'" in failure(wire).message
    assert DEPLOY not in wire.changes()


@pytest.mark.parametrize("answer", [httpx.ReadTimeout("slow"), problem(502, "bad gateway"), "<html>"])
def test_an_unanswered_deploy_is_looked_for_and_never_sent_twice(wire: Wire, answer: Any) -> None:
    mine = {"deployment_uuid": "d1", "status": "in_progress"}
    wire.on(*DEPLOY, answer).on(*LIST, listed("finished"), listed("finished"), {"count": 2, "deployments": {"1": mine}})
    with wire.client() as coolify:
        assert coolify.deploy("a1", "new", Lines()).uuid == "d1"
    assert len(wire.bodies(*DEPLOY)) == 1


def test_an_unanswered_deploy_that_took_no_effect_puts_the_tag_back(wire: Wire) -> None:
    wire.on(*DEPLOY, httpx.ReadTimeout("slow"))
    error = failure(wire)
    assert isinstance(error, Unreachable)
    assert "no deployment appeared" in error.message
    assert tags(wire) == ["new", "old"]


def test_an_outage_of_coolify_while_waiting_is_sat_out(wire: Wire) -> None:
    down = [problem(503, "Service Unavailable")] * 7
    wire.on(*LOOK, deployment("queued"), deployment("in_progress"), *down, deployment("finished"))
    say = Lines()
    with stamina.set_testing(True, attempts=5), wire.client() as coolify:
        assert coolify.deploy("a1", "new", say).status == "finished"
    assert "does not answer" in say.text


def test_a_deployment_without_end_is_cancelled_at_its_deadline(wire: Wire) -> None:
    looks = iter(range(1_000_000))

    def look(_request: httpx.Request) -> httpx.Response:
        next(looks)
        cancelled = CANCEL in wire.changes()
        return httpx.Response(200, json=deployment("cancelled-by-user" if cancelled else "in_progress", "still"))

    wire.on(*LOOK, look)
    error = failure(wire, patience=Patience(queue=30, pull=30))
    assert isinstance(error, Refused)
    assert "was cancelled" in error.message
    # queue 30 + pull 30 + start period 10 + 4 x (2 + 5) + grace 45 + a minute
    assert 203 <= wire.clock.seconds < 210
    assert tags(wire) == ["new", "old"]


def test_a_deployment_that_cannot_be_cancelled_needs_a_person(wire: Wire) -> None:
    wire.on(*LOOK, deployment("in_progress")).on(*CANCEL, problem(500, "Failed to cancel deployment"))
    assert isinstance(failure(wire, patience=Patience(queue=10, pull=10)), PersonNeeded)


def test_one_that_finishes_at_the_deadline_is_a_success(wire: Wire) -> None:
    wire.on(*CANCEL, problem(400, "Deployment cannot be cancelled. Current status: finished"))

    def look(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json=deployment("finished" if CANCEL in wire.changes() else "in_progress"))

    wire.on(*LOOK, look)
    with wire.client(patience=Patience(queue=10, pull=10)) as coolify:
        assert coolify.deploy("a1", "new", Lines()).status == "finished"
    assert tags(wire) == ["new"]


def interrupting(after: str) -> Any:
    def say(line: str) -> None:
        if line == after:
            raise KeyboardInterrupt

    return say


def test_an_interrupt_cancels_and_puts_the_tag_back(wire: Wire) -> None:
    wire.on(*LOOK, deployment("queued"), deployment("in_progress"), deployment("cancelled-by-user"))
    with wire.client() as coolify, pytest.raises(KeyboardInterrupt):
        coolify.deploy("a1", "new", interrupting("api: in_progress"))
    assert wire.changes() == [TAG, DEPLOY, CANCEL, TAG]
    assert tags(wire) == ["new", "old"]


def test_an_interrupt_after_the_end_leaves_the_true_tag(wire: Wire) -> None:
    wire.on(*LOOK, deployment("queued"), deployment("in_progress"), deployment("finished"))
    wire.on(*CANCEL, problem(400, "Deployment cannot be cancelled. Current status: finished"))
    with wire.client() as coolify, pytest.raises(KeyboardInterrupt):
        coolify.deploy("a1", "new", interrupting("api: in_progress"))
    assert tags(wire) == ["new"]


def test_an_interrupt_while_the_deploy_is_being_sent_cancels_what_it_started(wire: Wire) -> None:
    mine = {"deployment_uuid": "d1", "status": "in_progress"}
    wire.on(*DEPLOY, KeyboardInterrupt()).on(*LIST, listed(), listed(), {"count": 1, "deployments": [mine]})
    wire.on(*LOOK, deployment("cancelled-by-user"))
    with wire.client() as coolify, pytest.raises(KeyboardInterrupt):
        coolify.deploy("a1", "new", Lines())
    assert wire.changes() == [TAG, DEPLOY, CANCEL, TAG]


def test_a_tag_that_cannot_be_put_back_is_said(wire: Wire) -> None:
    wire.on(*LOOK, deployment("failed", "no"))
    wire.on(*TAG, {"uuid": "a1"}, problem(500, "Server Error"))
    error = failure(wire)
    assert "the tag new is still configured" in error.details[-1]


def test_a_first_deployment_has_no_tag_to_put_back(wire: Wire) -> None:
    wire.on(*APP, app("new")).on(*LOOK, deployment("failed", "no"))
    failure(wire)
    assert tags(wire) == ["new"]
