"""Wrong use at the command line: one message that says where and what to do, the right exit code, nothing done."""

import json
from pathlib import Path

import pytest

from tests.e2e.checkouts import Checkout, example, project
from tests.e2e.person import Person

SILENT = {"DOCKER_HOST": "unix:///run/slipway-test/nobody.sock"}


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    return project(tmp_path_factory.mktemp("clone"))


@pytest.fixture
def person(clone: Checkout) -> Person:
    """Somebody in a fresh clone, on a machine whose engine does not answer: what is asked here never gets that far."""
    return Person.without_launcher(clone.path, SILENT)


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        ("check.env --env nowhere", 2, "env/nowhere.env: there is no such file -> there are local, production"),
        ("check.env --env prodution", 2, "did you mean --env production?"),
        ("check.env --env ../../etc", 2, "an environment is named in small letters"),
        ("check.env --format xml", 2, "--format xml is not known\n  -> text, json, github or sarif"),
        ("check.env --source absent", 2, "absent does not exist\n  -> give the checkout's root with --source PATH"),
        ("check.env --workspace absent.yaml", 2, "absent.yaml: there is no such file"),
        (
            "deploy.status --env staging",
            2,
            "env/staging.secrets.env: SLIPWAY_COOLIFY_TOKEN has no value\n  -> add a line",
        ),
        ("deploy.history", 2, "no rehearsal is standing\n  -> `./inv rehearse --keep`"),
        ("db.verify --backup ../../etc", 2, "no rehearsal is standing"),
        ("build.all", 3, "DOCKER_HOST=unix:///run/slipway-test/nobody.sock: no Docker engine answers"),
        ("build.bases", 3, "no Docker engine answers"),
        ("check.images", 3, "no Docker engine answers"),
        ("rehearse", 3, "no Docker engine answers"),
        ("rehearse.down", 3, "unset DOCKER_HOST"),
    ],
)
def test_one_message_and_the_exit_code(person: Person, words: str, code: int, told: str) -> None:
    installed = Path("/var/lib/dpkg/status").stat().st_mtime_ns
    person.types(*words.split(), seconds=60).ended(code).told(told)
    assert Path("/var/lib/dpkg/status").stat().st_mtime_ns == installed
    assert not Path("/run/slipway-test").exists()


@pytest.mark.parametrize("words", ["check.env --env nowhere", "deploy.status", "build.all", "rehearse.down"])
def test_the_error_is_the_one_document_for_a_program(person: Person, words: str) -> None:
    ran = person.types(*words.split(), "--format", "json", seconds=60)
    assert ran.code in {2, 3}
    document = ran.document
    assert set(document) == {"ok", "error"}
    assert document["ok"] is False
    assert set(document["error"]) == {"message", "where", "hint", "details", "exit_code"}
    assert document["error"]["exit_code"] == ran.code


def test_a_rehearsal_without_an_engine_reports_why_it_did_not_begin(person: Person, clone: Checkout) -> None:
    ran = person.types("rehearse", "--format", "json", seconds=60).ended(3).told("no Docker engine answers")
    (*_, newest) = sorted((clone.path / "reports" / "rehearsal").glob("*/report.json"))
    for document in (ran.document, json.loads(newest.read_text())):
        assert document["ok"] is False
        assert document["steps"] == []
        assert "no Docker engine answers" in document["error"]["message"]
    assert not (clone.path / ".slipway" / "rehearsal" / "ground.json").exists()


def test_a_source_that_no_history_knows(person: Person, tmp_path: Path) -> None:
    checkout = example(tmp_path / "copy")
    (checkout.path / ".git").rename(tmp_path / "history")
    person.types("build.all", "--source", str(checkout.path), seconds=60).ended(2).told(
        "is no git checkout with a commit", str(checkout.path), "git init"
    )


def test_a_portal_whose_folder_is_gone(person: Person, tmp_path: Path) -> None:
    checkout = example(tmp_path / "copy")
    (checkout.path / "zamio_admin").rename(tmp_path / "elsewhere")
    person.types("build.all", "--source", str(checkout.path), seconds=60).ended(2).told(
        "has no folder zamio_admin", f"{checkout.path}/workspace.yaml:26: frontend.portals.admin.path"
    )
