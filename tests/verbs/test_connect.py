"""Asking services in memory: what they say becomes findings, and whatever is not said becomes one, too."""

import json
from typing import Any

import pytest

from slipway.checks.connected import questions
from slipway.errors import Unreachable, UsageError
from slipway.verbs.connect import connect
from tests.verbs.ground import ONE, TWO, Ground

FINE = {"database": {"version": 15, "max_connections": 100}, "redis": {"policy": "noeviction"}, "names": {}}
CLEAN = json.dumps({"ok": True, "asked": 12, "seconds": 0.3, "issues": []})


def silent(_: str) -> None:
    """Say nothing."""


def document(answered: dict[str, Any] = FINE, *issues: dict[str, str]) -> str:
    return json.dumps({"answered": answered, "issues": issues, "seconds": 0.2})


@pytest.fixture
def asked(ground: Ground) -> Ground:
    """Everything stands, the image is there, every service is well."""
    ground.provision()
    ground.ids(ONE)
    ground.containers.answers |= {"connect": (0, document()), "probe": (0, CLEAN)}
    return ground


def ids(ground: Ground) -> list[tuple[str, str]]:
    return [(issue.id, issue.subject) for issue in connect(ground.config, ground.target, ONE, silent).issues]


def test_services_that_are_well_leave_nothing_to_say_and_got_the_candidate_values(asked: Ground) -> None:
    heard = connect(asked.config, asked.target, ONE, silent)
    assert heard.issues == ()
    assert heard.max_connections == 100
    ran = {one_off.name: one_off for one_off in asked.containers.one_offs}
    assert ran["connect"].argv[:3] == ("python", "-m", "slipway_runtime.connect")
    assert ran["connect"].network == "net"
    assert {"DATABASE_URL", "REDIS_URL", "SECRET_KEY"} <= ran["connect"].variables.keys()
    words = " ".join(ran["connect"].argv)
    assert "sample" not in words
    assert "://" not in words
    assert "https://admin.zamio.localhost" in " ".join(ran["probe"].argv)


def test_what_a_service_says_has_the_place_of_its_variable(asked: Ground) -> None:
    refused = {"id": "connect.database", "severity": "error", "question": "database", "message": "does not let us in"}
    asked.containers.answers["connect"] = (1, document({"redis": {}, "names": {}, "database": {}}, refused))
    (issue,) = connect(asked.config, asked.target, ONE, silent).issues
    assert (issue.id, issue.subject, issue.message) == (
        "connect.database",
        "DATABASE_URL",
        "DATABASE_URL does not let us in",
    )
    assert issue.where.startswith("env/base.env:")


@pytest.mark.parametrize(
    "said",
    ["", "no JSON", "[]", '{"answered": 1}', "null", '{"answered": {"redis": 3}', "{" * 5000, '{"issues": []}'],
)
def test_an_answer_that_is_none_leaves_every_question_unanswered(asked: Ground, said: str) -> None:
    asked.containers.answers["connect"] = (1, said)
    wanted = len(questions(asked.config))
    assert [kind for kind, _ in ids(asked)] == ["connect.unanswered"] * wanted
    assert wanted >= 2


def test_a_question_that_is_passed_over_is_unanswered(asked: Ground) -> None:
    asked.containers.answers["connect"] = (0, document({"database": {}, "names": {}}))
    assert ids(asked) == [("connect.unanswered", "REDIS_URL")]


def test_an_image_of_another_version_is_told_as_such(asked: Ground) -> None:
    asked.containers.answers["connect"] = (1, "No module named slipway_runtime.connect")
    issues = connect(asked.config, asked.target, ONE, silent).issues
    assert all("build and push it again" in issue.message for issue in issues)


def test_a_container_that_does_not_end_is_unanswered_and_the_other_is_heard(asked: Ground) -> None:
    asked.containers.failures["run_once", "connect"] = Unreachable("one-off connect was ended after 45 s")
    assert {kind for kind, _ in ids(asked)} == {"connect.unanswered"}
    assert len(asked.containers.one_offs) >= 1


def test_the_probes_findings_come_along_and_its_silence_is_one(asked: Ground) -> None:
    csrf = {"id": "probe.csrf", "severity": "error", "subject": "probe", "where": "https://a to b", "message": "403"}
    asked.containers.answers["probe"] = (1, json.dumps({"asked": 9, "issues": [csrf]}))
    assert ids(asked) == [("probe.csrf", "https://a to b")]
    for quiet in ("", json.dumps({"asked": 0, "issues": []})):
        asked.containers.answers["probe"] = (0, quiet)
        assert ids(asked) == [("connect.unanswered", "probe")]


def test_the_servers_own_limit_is_counted_with(asked: Ground) -> None:
    tight = {**FINE, "database": {"version": 15, "max_connections": 30}}
    asked.containers.answers["connect"] = (0, document(tight))
    (issue,) = connect(asked.config, asked.target, ONE, silent).issues
    assert issue.id == "database.budget"
    assert "80 % of max_connections 30 (read from the server)" in issue.message
    assert "max_connections" in issue.hint


def test_without_an_image_on_the_host_nobody_is_asked(asked: Ground) -> None:
    with pytest.raises(UsageError, match="no image of backend"):
        connect(asked.config, asked.target, TWO, silent)
    assert asked.containers.one_offs == [] or all(o.name not in {"connect", "probe"} for o in asked.containers.one_offs)
