"""The real pip-audit against a local server that speaks OSV's protocol."""

import sys
from pathlib import Path
from typing import Any

import pytest

from slipway.engines.advisories.pip_audit import PipAudit
from slipway.errors import Unreachable
from slipway.inventory.advisory import Rating
from slipway.inventory.package import Ecosystem, Inventory, Package
from tests.engines.advisories.answering import answering

DJANGO = Package(Ecosystem.PYTHON, "django", "5.1.7")
REDIS = Package(Ecosystem.PYTHON, "redis", "5.0.1")
OWN = Package(Ecosystem.PYTHON, "slipway-runtime", "0.1.0", own=True)
ADVISORY = {
    "id": "PYSEC-2026-1",
    "aliases": ["CVE-2026-0001", "GHSA-aaaa-bbbb-cccc"],
    "summary": "of no matter",
    "affected": [
        {
            "package": {"name": "django", "ecosystem": "PyPI"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "5.1.9"}, {"fixed": "4.2.20"}]}],
        }
    ],
}


def osv(question: Any) -> object:
    return {"vulns": [ADVISORY]} if question["package"]["name"] == "django" else {}


def image(*packages: Package) -> tuple[Inventory]:
    return (Inventory("backend", "zamio/backend:1", "sha256:" + "a" * 64, packages),)


pytestmark = pytest.mark.slow


def test_what_osv_knows_is_found_and_the_rest_counts_as_asked() -> None:
    with answering(osv) as server:
        answer = PipAudit("osv", address=f"{server.address}/v1/query").ask(image(DJANGO, REDIS, OWN), {})
    (finding,) = answer.findings
    assert (finding.package, finding.id, finding.fixed, finding.rating) == (
        DJANGO,
        "CVE-2026-0001",
        "5.1.9",
        Rating.UNRATED,
    )
    assert set(finding.aliases) == {"PYSEC-2026-1", "GHSA-aaaa-bbbb-cccc"}
    assert answer.asked == {DJANGO, REDIS}
    assert sorted(question["package"]["name"] for _, question in server.questions) == ["django", "redis"]


def test_two_versions_of_a_package_are_both_asked_for() -> None:
    other = Package(Ecosystem.PYTHON, "django", "4.2.1")
    with answering(osv) as server:
        answer = PipAudit("osv", address=server.address).ask(image(DJANGO, other), {})
    assert answer.asked == {DJANGO, other}
    assert {(f.package.version, f.fixed) for f in answer.findings} == {("5.1.7", "5.1.9"), ("4.2.1", "4.2.20")}


@pytest.mark.parametrize(
    "more",
    [{"status": 500}, {"status": 403}, {"cut": True}, {"reply": lambda _: b"<html>"}, {"reply": lambda _: [1]}],
    ids=["500", "403", "cut", "html", "list"],
)
def test_a_server_that_answers_badly_is_no_answer(more: dict[str, Any]) -> None:
    with (
        answering(more.pop("reply", osv), **more) as server,
        pytest.raises(Unreachable, match=r"pip-audit \(osv\) gave no report"),
    ):
        PipAudit("osv", address=server.address).ask(image(DJANGO), {})


def test_a_server_that_hangs_is_left_at_the_deadline() -> None:
    with answering(osv, pause=30) as server, pytest.raises(Unreachable, match="was ended after 3 s"):
        PipAudit("osv", address=server.address, seconds=3).ask(image(DJANGO), {})


def program(folder: Path, says: str, code: int = 0) -> str:
    file = folder / "pip-audit"
    file.write_text(f"#!{sys.executable}\nprint({says!r})\nraise SystemExit({code})\n")
    file.chmod(0o755)
    return str(file)


def test_no_known_vulnerabilities_with_exit_code_0_is_no_answer_where_every_package_was_skipped(tmp_path: Path) -> None:
    """Word for word what pip-audit 2.10 says behind a closed network."""
    says = (
        '{"dependencies": [{"name": "django", "skip_reason": '
        '"Dependency not found on PyPI and could not be audited: django (5.1.7)"}], "fixes": []}'
    )
    answer = PipAudit("pypi", program=program(tmp_path, says)).ask(image(DJANGO), {})
    assert answer.asked == frozenset()
    assert answer.silence.startswith("Dependency not found on PyPI")


@pytest.mark.parametrize(
    "says", ["", "[]", "{}", '{"dependencies": {}}', '{"dependencies": [', "No known vulnerabilities"]
)
def test_a_report_that_is_none_is_no_answer(tmp_path: Path, says: str) -> None:
    with pytest.raises(Unreachable, match="gave no report"):
        PipAudit("pypi", program=program(tmp_path, says)).ask(image(DJANGO), {})


def test_a_package_that_the_report_leaves_out_was_not_asked_for(tmp_path: Path) -> None:
    says = '{"dependencies": [{"name": "redis", "version": "5.0.1", "vulns": []}], "fixes": []}'
    answer = PipAudit("pypi", program=program(tmp_path, says)).ask(image(DJANGO, REDIS), {})
    assert answer.asked == {REDIS}


def test_a_program_that_is_not_there_is_no_answer(tmp_path: Path) -> None:
    with pytest.raises(Unreachable, match="cannot be started"):
        PipAudit("pypi", program=str(tmp_path / "absent")).ask(image(DJANGO), {})
