"""The question that npm asks, put to a local server that speaks the bulk protocol."""

import time
from pathlib import Path
from typing import Any

import pytest

from slipway.engines.advisories import npm_registry
from slipway.engines.advisories.npm_registry import NpmRegistry, registry_of
from slipway.errors import Unreachable
from slipway.inventory.advisory import Rating
from slipway.inventory.package import Ecosystem, Inventory, Package
from tests.engines.advisories.answering import answering

LODASH = Package(Ecosystem.NPM, "lodash", "4.17.20")
NEWER = Package(Ecosystem.NPM, "lodash", "4.17.21")
SCOPED = Package(Ecosystem.NPM, "@remix-run/router", "1.0.0")
ADVISORY = {
    "id": 1094500,
    "url": "https://github.com/advisories/GHSA-35jh-r3h4-6jhm",
    "title": "Command Injection",
    "severity": "moderate",
    "vulnerable_versions": "<4.17.21",
}


KNOWN = {"minimist": [{"id": 1, "severity": "moderate", "vulnerable_versions": "<0.2.1"}]}


def bulk(_: Any) -> object:
    return {"lodash": [ADVISORY], **KNOWN}


def image(*packages: Package) -> tuple[Inventory]:
    return (Inventory("admin", "zamio/admin:1", "sha256:" + "a" * 64, packages),)


def test_the_question_is_npms_and_only_affected_versions_are_found() -> None:
    with answering(bulk) as server:
        answer = NpmRegistry(f"{server.address}/").ask(image(LODASH, NEWER, SCOPED), {})
    path, question = server.questions[0]
    assert path == "/-/npm/v1/security/advisories/bulk"
    assert question == {"lodash": ["4.17.20", "4.17.21"], "@remix-run/router": ["1.0.0"], "minimist": ["0.0.8"]}
    (finding,) = answer.findings
    assert (finding.package, finding.id, finding.rating, finding.fixed, finding.aliases) == (
        LODASH,
        "GHSA-35jh-r3h4-6jhm",
        Rating.MEDIUM,
        "4.17.21",
        ("NPM-1094500",),
    )
    assert answer.asked == {LODASH, NEWER, SCOPED}


def test_many_packages_are_asked_for_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(npm_registry, "_AT_ONCE", 2)
    with answering(lambda _: KNOWN) as server:
        answer = NpmRegistry(server.address).ask(image(*(Package(Ecosystem.NPM, n, "1.0.0") for n in "abcde")), {})
    assert [sorted(question) for _, question in server.questions] == [
        ["a", "b", "minimist"],
        ["c", "d", "minimist"],
        ["e", "minimist"],
    ]
    assert len(answer.asked) == 5


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"status": 405}, "127.0.0.1 answers 405"),
        ({"status": 500}, "answers 500"),
        ({"cut": True}, "POST"),
        ({"reply": lambda _: b"<html>"}, "no JSON"),
        ({"reply": lambda _: b"[" * 200_000}, "no JSON"),
        ({"reply": lambda _: [ADVISORY]}, "something else than advisories"),
        ({"reply": lambda _: {}}, "knows no advisory of minimist"),
        ({"reply": lambda _: {"lodash": [ADVISORY]}}, "knows no advisory of minimist"),
        ({"reply": lambda _: {"lodash": "none"}}, "something else than advisories"),
        ({"reply": lambda _: {"lodash": [None]}}, "something else than advisories"),
    ],
)
def test_a_registry_that_answers_badly_is_no_answer(more: dict[str, Any], says: str) -> None:
    given = dict(more)
    with answering(given.pop("reply", bulk), **given) as server, pytest.raises(Unreachable, match=says):
        NpmRegistry(server.address).ask(image(LODASH), {})


def test_a_registry_that_hangs_is_left_at_the_deadline() -> None:
    began = time.monotonic()
    with answering(bulk, pause=20) as server, pytest.raises(Unreachable):
        NpmRegistry(server.address, seconds=0.5).ask(image(LODASH), {})
    assert time.monotonic() - began < 5


def test_an_advisory_with_nothing_in_it_still_counts() -> None:
    with answering(lambda _: {"lodash": [{}], **KNOWN}) as server:
        (finding,) = NpmRegistry(server.address).ask(image(LODASH), {}).findings
    assert (finding.id, finding.rating, finding.fixed) == ("NPM-unnamed", Rating.UNRATED, "")


def test_no_registry_is_no_answer() -> None:
    with pytest.raises(Unreachable, match="no npm registry is known"):
        NpmRegistry("").ask(image(LODASH), {})


def npm(folder: Path, says: str, code: int = 0) -> None:
    (folder / "npm").write_text(f"#!/bin/sh\necho {says}\nexit {code}\n")
    (folder / "npm").chmod(0o755)


@pytest.mark.parametrize(
    ("says", "code", "registry"),
    [
        ("https://npm.example.org/", 0, "https://npm.example.org/"),
        ("undefined", 0, "https://lock.example"),
        ("https://npm.example.org/", 1, "https://lock.example"),
    ],
)
def test_npm_itself_says_which_registry_it_uses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, says: str, code: int, registry: str
) -> None:
    npm(tmp_path, says, code)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert registry_of(tmp_path, "", "https://lock.example") == registry
    assert registry_of(tmp_path, "https://given.example", "") == "https://given.example"


def test_without_npm_the_lock_says_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert registry_of(tmp_path, "", "https://lock.example") == "https://lock.example"
    assert not registry_of(tmp_path, "", "")
