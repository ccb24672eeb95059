import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from slipway.checks.vulnerabilities import check_vulnerabilities
from slipway.config.workspace import Workspace
from slipway.errors import Unreachable
from slipway.inventory.advisory import Finding, SourceAnswer
from slipway.inventory.package import Ecosystem, Inventory, Package
from slipway.ports import BuiltImage
from slipway.verbs.vulnerabilities import Report, ask_sources, gather, read_inventories

BASH = Package(Ecosystem.DEBIAN, "bash", "5.2-1")
EVERYTHING = frozenset({Ecosystem.DEBIAN})
IMAGE = Inventory("backend", "zamio/backend:1", "sha256:a", (BASH,))


class FakeContents:
    """Every image holds bash."""

    def inventory(self, image: BuiltImage) -> Inventory:
        return Inventory(image.name, image.tags[0], image.id, (BASH,))

    def cancel(self) -> None:
        """Need nothing."""


@dataclass
class FakeSource:
    """Answers, or raises, after a pause."""

    name: str
    says: SourceAnswer | Unreachable
    pause: float = 0.0
    ecosystems: frozenset[Ecosystem] = field(default=EVERYTHING)

    def ask(self, inventories: Sequence[Inventory], sboms: dict[str, Path]) -> SourceAnswer:
        time.sleep(self.pause)
        if isinstance(self.says, Unreachable):
            raise self.says
        return self.says

    def cancel(self) -> None:
        """Need nothing."""


def told(_: str) -> None:
    pass


def test_every_image_is_read(workspace: Workspace) -> None:
    built = {name: BuiltImage(name, f"sha256:{name}", (f"zamio/{name}:1",), 1) for name in workspace.image_names}
    inventories = read_inventories(built, FakeContents(), told)
    assert [(i.image, i.packages) for i in inventories] == [(name, (BASH,)) for name in built]


def test_sources_are_asked_at_once_and_one_that_fails_stops_no_other() -> None:
    found = Finding(BASH, "CVE-1")
    sources = [
        FakeSource("silent", Unreachable("no name", details=("first", "last"))),
        FakeSource("slow", SourceAnswer("slow", frozenset({BASH}), (found,)), 0.2),
        FakeSource("skipping", SourceAnswer("skipping", silence="it knows none"), 0.2),
    ]
    began = time.monotonic()
    answers, silent = ask_sources(sources, (IMAGE,), {}, told)
    assert time.monotonic() - began < 0.39
    assert [answer.source for answer in answers] == ["slow"]
    assert [(one.source, one.why) for one in silent] == [("silent", "no name; last"), ("skipping", "it knows none")]


def test_a_backend_without_python_and_a_portal_without_npm_packages_are_not_passed(workspace: Workspace) -> None:
    images = tuple(Inventory(name, f"zamio/{name}:1", "sha256:a", (BASH,)) for name in sorted(workspace.image_names))
    evidence = gather(workspace, images, (SourceAnswer("suite", frozenset({BASH})),), ())
    issues = check_vulnerabilities(evidence, workspace.vulnerabilities, date(2026, 11, 24))
    assert {issue.id for issue in issues} == {"vulnerabilities.unreadable"}
    assert [issue.message.partition(" package")[0] for issue in issues] == [
        "shows no npm",
        "shows no Python",
        *["shows no npm"] * 3,
    ]


def test_the_report_has_findings_sources_and_what_is_unknown(workspace: Workspace) -> None:
    answers, silent = ask_sources([FakeSource("none", Unreachable("no"))], (IMAGE,), {}, told)
    report = Report(gather(workspace, (IMAGE,), answers, silent), {}).as_json()
    assert report == {
        "findings": [],
        "sources": [{"name": "none", "answered": 0, "why": "no", "blind": ""}],
        "unknown": ["Debian"],
        "sboms": {},
    }
    answers, silent = ask_sources(
        [FakeSource("suite", SourceAnswer("suite", frozenset({BASH}), (Finding(BASH, "CVE-1"),)))], (IMAGE,), {}, told
    )
    findings = Report(gather(workspace, (IMAGE,), answers, silent), {}).as_json()["findings"]
    assert isinstance(findings, list)
    assert [(one["package"], one["images"], one["rating"]) for one in findings] == [("bash", ["backend"], "unrated")]
