import io
import json
from pathlib import Path

import pytest
from invoke.exceptions import Exit

from slipway.checks.vulnerabilities import Evidence
from slipway.engines.console import Console
from slipway.errors import Unreachable
from slipway.inventory.advisory import Finding, Rating, SourceAnswer
from slipway.inventory.package import Ecosystem, Inventory, Package
from slipway.secret import Mask
from tasks._session import ROOT, Session
from tasks._vulnerabilities import tell

DJANGO = Package(Ecosystem.PYTHON, "django", "5.1.7")
BASH = Package(Ecosystem.DEBIAN, "bash", "5.2-1")
IMAGE = Inventory("backend", "zamio/backend:1", "sha256:a", (DJANGO, BASH))
BOTH = frozenset({DJANGO, BASH})


def session(*, as_json: bool = False) -> tuple[Session, io.StringIO]:
    out = io.StringIO()
    console = Console(as_json=as_json, out=out, err=io.StringIO())
    example = ROOT / "example"
    return Session(console, Mask(), "rehearsal", example, example / "workspace.yaml", {}, as_json), out


def evidence(*findings: Finding, asked: frozenset[Package] = BOTH) -> Evidence:
    return Evidence((IMAGE,), (SourceAnswer("some", asked, findings),))


def test_everybody_answered_and_nothing_was_found_is_0() -> None:
    s, out = session()
    tell(s, evidence(), {})
    assert out.getvalue() == "0 errors, 0 warnings, 0 info\n"


def test_a_finding_is_1_also_where_somebody_did_not_answer() -> None:
    for asked in (BOTH, frozenset({DJANGO})):
        s, out = session()
        with pytest.raises(Exit) as ended:
            tell(s, evidence(Finding(DJANGO, "CVE-2026-1", Rating.HIGH, "5.1.9"), asked=asked), {})
        assert ended.value.code == 1
        assert out.getvalue().splitlines()[1].split() == ["high", "django", "5.1.7", "5.1.9", "CVE-2026-1", "backend"]


def test_nobody_answering_is_3_and_says_for_what() -> None:
    s, out = session()
    with pytest.raises(Unreachable, match="nothing is known of Python packages"):
        tell(s, evidence(asked=frozenset({BASH})), {})
    assert "nobody answered for 1 Python packages" in out.getvalue()


def test_what_only_warns_is_0_and_where_nobody_answered_3() -> None:
    s, _ = session()
    low = Finding(BASH, "CVE-2026-1", Rating.LOW)
    tell(s, evidence(low), {})
    with pytest.raises(Unreachable):
        tell(s, evidence(low, asked=frozenset({BASH})), {})


def test_json_is_one_document_with_the_contract_and_more() -> None:
    s, out = session(as_json=True)
    with pytest.raises(Exit):
        tell(s, evidence(Finding(DJANGO, "CVE-2026-1", Rating.CRITICAL)), {"backend": Path("backend.cdx.json")})
    document = json.loads(out.getvalue())
    assert document["ok"] is False
    assert document["issues"][0]["id"] == "vulnerabilities.found"
    assert document["findings"][0]["rating"] == "critical"
    assert document["sources"] == [{"name": "some", "answered": 2, "why": "", "blind": ""}]
    assert document["sboms"] == {"backend": "backend.cdx.json"}
