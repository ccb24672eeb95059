"""Trivy's and Grype's reports, from programs that say what the real ones do (their documented JSON)."""

import json
from pathlib import Path
from typing import Any

import pytest

from slipway.engines.advisories.scanners import installed_scanners
from slipway.errors import Unreachable
from slipway.inventory.advisory import Rating
from slipway.inventory.package import Ecosystem, Inventory, Package

SSL = Package(
    Ecosystem.DEBIAN, "libssl3", "3.0.16-1", source="openssl", source_version="3.0.16-1", architecture="amd64"
)
DJANGO = Package(Ecosystem.PYTHON, "django", "5.1.7")
OWN = Package(Ecosystem.PYTHON, "slipway-runtime", "0.1.0", own=True)
IMAGE = Inventory("backend", "zamio/backend:1", "sha256:" + "a" * 64, (DJANGO, SSL, OWN))
TRIVY = {
    "SchemaVersion": 2,
    "Results": [
        {
            "Target": "debian 12",
            "Packages": [{"Name": "libssl3", "Identifier": {"PURL": SSL.purl}}],
            "Vulnerabilities": [
                {
                    "VulnerabilityID": "CVE-2026-1",
                    "PkgIdentifier": {"PURL": SSL.purl},
                    "FixedVersion": "3.0.17-1, 3.0.18-1",
                    "Severity": "CRITICAL",
                },
                {"VulnerabilityID": "CVE-2026-2", "PkgIdentifier": {"PURL": DJANGO.purl}, "Severity": "UNKNOWN"},
            ],
        },
        {"Target": "Python", "Packages": [{"Name": "django", "Identifier": {"PURL": DJANGO.purl}}]},
        {"Target": "nothing here"},
    ],
}
GRYPE = {
    "matches": [
        {
            "vulnerability": {
                "id": "GHSA-1",
                "severity": "Negligible",
                "fix": {"versions": ["5.1.9"], "state": "fixed"},
            },
            "relatedVulnerabilities": [{"id": "CVE-2026-2"}],
            "artifact": {"purl": DJANGO.purl},
        },
        {
            "vulnerability": {"id": "CVE-2026-1", "fix": {"versions": [], "state": "wont-fix"}},
            "artifact": {"purl": SSL.purl},
        },
    ],
    "distro": {"name": "debian", "version": "12"},
}


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return tmp_path


def program(folder: Path, name: str, says: object, code: int = 0) -> None:
    (folder / "said").write_text(says if isinstance(says, str) else json.dumps(says))
    (folder / name).write_text(f'#!/bin/sh\necho "$@" >{folder}/asked\ncat {folder}/said\nexit {code}\n')
    (folder / name).chmod(0o755)


def test_a_machine_without_scanners_has_none(path: Path) -> None:
    assert installed_scanners() == ()


def test_trivy_is_given_the_sbom_and_its_report_is_read(path: Path) -> None:
    program(path, "trivy", TRIVY)
    (trivy,) = installed_scanners()
    answer = trivy.ask([IMAGE], {"backend": path / "backend.cdx.json"})
    assert (path / "asked").read_text().split()[-1] == str(path / "backend.cdx.json")
    assert [(f.package, f.id, f.rating, f.fixed) for f in answer.findings] == [
        (SSL, "CVE-2026-1", Rating.CRITICAL, "3.0.17-1"),
        (DJANGO, "CVE-2026-2", Rating.UNRATED, ""),
    ]
    assert answer.asked == {SSL, DJANGO}


def test_grype_is_given_the_sbom_and_its_report_is_read(path: Path) -> None:
    program(path, "grype", GRYPE)
    (grype,) = installed_scanners()
    answer = grype.ask([IMAGE], {"backend": path / "backend.cdx.json"})
    assert f"sbom:{path}/backend.cdx.json" in (path / "asked").read_text()
    assert [(f.package, f.id, f.aliases, f.rating, f.fixed) for f in answer.findings] == [
        (DJANGO, "GHSA-1", ("CVE-2026-2",), Rating.LOW, "5.1.9"),
        (SSL, "CVE-2026-1", (), Rating.UNRATED, ""),
    ]
    assert answer.asked == {SSL, DJANGO}


def test_a_scanner_answers_only_for_what_it_shows_to_have_looked_at(path: Path) -> None:
    program(path, "trivy", {"SchemaVersion": 2, "Results": []})
    (trivy,) = installed_scanners()
    assert trivy.ask([IMAGE], {"backend": path / "backend.cdx.json"}).asked == frozenset()
    (path / "trivy").unlink()
    program(path, "grype", {"matches": []})
    (grype,) = installed_scanners()
    assert grype.ask([IMAGE], {"backend": path / "backend.cdx.json"}).asked == {DJANGO}


STRANGER: dict[str, Any] = {
    "matches": [{"vulnerability": {"id": "CVE-1"}, "artifact": {"purl": "pkg:pypi/elsewhere@1"}}],
}


@pytest.mark.parametrize(
    ("says", "code", "message"),
    [
        ("", 0, "cannot be read"),
        ("{", 0, "cannot be read"),
        ("[]", 0, "cannot be read"),
        ("{}", 0, "cannot be read"),
        ('{"matches": null}', 0, "cannot be read"),
        ('{"matches": [{}]}', 0, "cannot be read"),
        (json.dumps(STRANGER), 0, "speaks of pkg:pypi/elsewhere"),
        ("the database is too old", 1, "Grype ended with 1"),
    ],
)
def test_a_scanner_that_fails_or_says_nonsense_is_no_answer(path: Path, says: str, code: int, message: str) -> None:
    program(path, "grype", says, code)
    (grype,) = installed_scanners()
    with pytest.raises(Unreachable, match=message):
        grype.ask([IMAGE], {"backend": path / "backend.cdx.json"})
