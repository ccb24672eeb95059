"""Asking services in memory: what they say becomes findings, and whatever is not said becomes one, too."""

import _thread
import json
import time
from pathlib import Path
from typing import Any

import pytest

from slipway.errors import Unreachable, UsageError
from slipway.ports import OneOff
from slipway.secret import Secret
from slipway.verbs.connect import connect
from tests.verbs.ground import ONE, TWO, Ground, environment

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
        "DATABASE_URL of api, worker, beat does not let us in",
    )
    assert issue.where.startswith("env/base.env:")


@pytest.mark.parametrize(
    "said",
    ["", "no JSON", "[]", '{"answered": 1}', "null", '{"answered": {"redis": 3}', "{" * 5000, '{"issues": []}'],
)
def test_an_answer_that_is_none_leaves_every_question_unanswered(asked: Ground, said: str) -> None:
    asked.containers.answers["connect"] = (1, said)
    assert ids(asked) == [("connect.unanswered", name) for name in ("DATABASE_URL", "REDIS_URL", "SLIPWAY_DOMAIN")]


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


def test_an_interruption_waits_for_the_containers_which_are_removed_at_their_end(asked: Ground) -> None:
    ended: list[bool] = []
    told: list[str] = []

    def slow(_: OneOff) -> tuple[int, str]:
        time.sleep(0.1)  # all are begun
        _thread.interrupt_main()
        time.sleep(0.2)
        ended.append(True)
        return 0, document()

    asked.containers.answers["connect"] = slow
    with pytest.raises(KeyboardInterrupt):
        connect(asked.config, asked.target, ONE, told.append)
    assert ended == [True]
    assert told[-1].startswith("interrupted: ")


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


def differing(asked: Ground, root: Path, **files: str) -> None:
    """Give the ground env files of services on top of the rehearsal's own."""
    for service, lines in files.items():
        (root / "env" / f"rehearsal.{service}.env").write_text(lines)
    asked.config = environment(root, asked.config.workspace)


def asking(ground: Ground) -> list[tuple[str, list[str]]]:
    """Return what each container was asked, and with which Redis."""
    found = []
    for one in ground.containers.one_offs:
        if one.name == "connect":
            url = one.variables["REDIS_URL"]
            address = url.reveal() if isinstance(url, Secret) else url
            found.append((address.rpartition("@")[2], one.argv[one.argv.index("--ask") + 1].split(",")))
    return sorted(found)


def test_a_worker_with_a_redis_of_its_own_asks_for_it_and_the_finding_names_it(asked: Ground, root: Path) -> None:
    differing(asked, root, worker="REDIS_URL=redis://:sample@elsewhere:6379/0\n")
    refused = {"id": "connect.redis", "severity": "error", "question": "redis", "message": "is not reached"}

    def answer(one: OneOff) -> tuple[int, str]:
        words = one.argv[one.argv.index("--ask") + 1].split(",")
        return (0, document(FINE)) if "database" in words else (1, document({"redis": {}}, refused))

    asked.containers.answers["connect"] = answer
    (issue,) = connect(asked.config, asked.target, ONE, silent).issues
    assert issue.message == "REDIS_URL of worker is not reached"
    assert issue.where == "env/rehearsal.worker.env:1"
    (own, others) = asking(asked)
    assert own == ("elsewhere:6379/0", ["redis"])
    assert others[1] == ["database", "redis", "names"]


def test_a_worker_whose_value_is_not_to_be_had_is_a_finding_and_the_others_are_asked(asked: Ground, root: Path) -> None:
    differing(asked, root, worker="REDIS_URL=${service.redis.external_url}\n")
    (issue,) = connect(asked.config, asked.target, ONE, silent).issues
    assert (issue.id, issue.subject, issue.severity) == ("connect.unanswered", "worker", "error")
    assert "no value for ${service.redis.external_url}" in issue.message
    assert [words for _, words in asking(asked)] == [["database", "redis", "names"]]


def test_an_api_without_its_values_leaves_the_probe_unanswered_and_the_worker_asked(asked: Ground, root: Path) -> None:
    differing(asked, root, api="REDIS_URL=${service.redis.external_url}\n")
    assert ids(asked) == [("connect.unanswered", "api"), ("connect.unanswered", "probe")]
    assert [words for _, words in asking(asked)] == [["database", "redis"]]


def test_the_number_of_containers_is_bounded_and_whoever_is_left_out_is_told(
    asked: Ground, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("slipway.verbs.connect.MOST", 1)
    differing(asked, root, beat="REDIS_NAMESPACE=other\n")
    (issue,) = connect(asked.config, asked.target, ONE, silent).issues
    assert issue.message.startswith("REDIS_URL of beat is unanswered: 2 services differ in their values")
    assert len(asking(asked)) == 1


def test_of_two_databases_the_smaller_limit_is_counted_once(asked: Ground, root: Path) -> None:
    differing(asked, root, worker="DATABASE_URL=postgres://a:sample@small:5432/app\n")
    limits = iter((200, 30))
    asked.containers.answers["connect"] = lambda one: (
        0,
        document({**FINE, "database": {"version": 15, "max_connections": next(limits)}}),
    )
    heard = connect(asked.config, asked.target, ONE, silent)
    assert [issue.id for issue in heard.issues] == ["database.budget"]
    assert heard.max_connections == 30
