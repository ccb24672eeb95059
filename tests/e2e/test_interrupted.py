"""Ctrl-C in the middle of a rehearsal: exit code 130, a report that names the stage, and nothing left behind."""

import json
import time
from typing import Any

import pytest

from tests.e2e.checkouts import Checkout
from tests.e2e.looks import FOLDER, Looks
from tests.e2e.person import ROOT, Person, Running

pytestmark = pytest.mark.rehearsal


def interrupted(running: Running) -> dict[str, Any]:
    """Press Ctrl-C, wait for the end, and return the report, which has to be the document on standard output."""
    folder = ROOT / "reports" / "rehearsal"
    before = set(folder.glob("*/report.json"))
    running.presses_ctrl_c()
    ran = running.result(120).ended(130)
    assert "Traceback" not in ran.said
    document: dict[str, Any] = ran.document
    (report,) = set(folder.glob("*/report.json")) - before
    assert json.loads(report.read_text())["steps"] == document["steps"]
    assert document["ok"] is False
    return document


def outcomes(document: dict[str, Any]) -> list[tuple[str, str]]:
    return [(step["name"], step["outcome"]) for step in document["steps"]][-2:]


def test_in_the_middle_of_a_build(person: Person, source: Checkout, looks: Looks) -> None:
    """A new line in the lock has every package installed anew, so that there is a middle."""
    source.write("backend.lock", f"{(source.path / 'backend.lock').read_text()}# {time.time_ns()}\n")
    tag = source.commit()
    with person.begins("rehearse", "--source", str(source.path), "--format", "json", "--verbose") as rehearsal:
        rehearsal.says("Resolved ")
        document = interrupted(rehearsal)
    source.goes_back()
    assert outcomes(document) == [("check.env", "done"), ("build", "failed")]
    assert looks.client.images.list(f"zamio/backend:{tag}") == []
    assert looks.left() == []


def test_while_the_ground_is_laid(person: Person, source: Checkout, looks: Looks) -> None:
    with person.begins("rehearse", "--source", str(source.path), "--format", "json") as rehearsal:
        rehearsal.says("   ground ...")
        until = time.monotonic() + 60
        while not looks.left():
            assert time.monotonic() < until
            time.sleep(0.02)
        document = interrupted(rehearsal)
    assert outcomes(document) == [("ground", "failed"), ("down", "done")]
    assert looks.left() == []
    assert [file.name for file in FOLDER.iterdir()] == ["secrets.env"]


def test_in_the_middle_of_the_deployment(person: Person, source: Checkout, looks: Looks) -> None:
    with person.begins("rehearse", "--source", str(source.path), "--format", "json") as rehearsal:
        rehearsal.says("   deploy ...", 300)
        time.sleep(3)
        document = interrupted(rehearsal)
    assert outcomes(document) == [("deploy", "failed"), ("down", "done")]
    assert looks.left() == []
