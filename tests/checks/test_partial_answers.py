"""A source that answers for some packages only: when that still says something, and when it does not."""

from datetime import date

import pytest

from slipway.checks.issue import Severity
from slipway.checks.vulnerabilities import Evidence, check_vulnerabilities
from slipway.config.policy import Vulnerabilities
from slipway.inventory.advisory import Finding, SourceAnswer
from slipway.inventory.package import Ecosystem, Inventory, Package

PACKAGES = tuple(Package(Ecosystem.PYTHON, f"package-{number}", "1.0") for number in range(10))
IMAGE = Inventory("backend", "zamio/backend:1", "sha256:1", PACKAGES)


@pytest.mark.parametrize(
    ("answered", "said"),
    [
        (0, "vulnerabilities.unknown"),
        (1, "vulnerabilities.unknown"),
        (4, "vulnerabilities.unknown"),
        (5, "vulnerabilities.unknown"),
        (6, "vulnerabilities.unasked"),
        (9, "vulnerabilities.unasked"),
    ],
)
def test_an_answer_for_half_of_an_image_or_less_is_no_answer(answered: int, said: str) -> None:
    answer = SourceAnswer("pip-audit", frozenset(PACKAGES[:answered]), silence="not found on the index")
    (issue,) = check_vulnerabilities(Evidence((IMAGE,), (answer,)), Vulnerabilities(), date(2026, 11, 24))
    assert issue.id == said
    assert f"{10 - answered} " in issue.message
    if answered:
        assert "not found on the index" in issue.message


def test_two_sources_that_know_half_each_know_it_all() -> None:
    halves = (SourceAnswer("one", frozenset(PACKAGES[:5])), SourceAnswer("two", frozenset(PACKAGES[5:])))
    assert check_vulnerabilities(Evidence((IMAGE,), halves), Vulnerabilities(), date(2026, 11, 24)) == []


def test_an_image_without_packages_of_an_ecosystem_needs_no_answer_for_it() -> None:
    answer = SourceAnswer("pip-audit", frozenset(PACKAGES))
    assert Evidence((IMAGE,), (answer,)).unknown() == ()


def test_an_image_that_is_dark_is_not_hidden_by_a_larger_one() -> None:
    odd = Package(Ecosystem.PYTHON, "odd", "1.0")
    small = Inventory("admin", "zamio/admin:1", "sha256:2", (odd,))
    answer = SourceAnswer("pip-audit", frozenset(PACKAGES))
    assert Evidence((IMAGE, small), (answer,)).unknown() == (Ecosystem.PYTHON,)


def test_what_debian_does_not_publish_is_answered_by_nobody_but_a_finding() -> None:
    bash, docker = (Package(Ecosystem.DEBIAN, name, "5") for name in ("bash", "docker-ce"))
    cut = Package(Ecosystem.DEBIAN, "cut", "5")
    image = Inventory("backend", "zamio/backend:1", "sha256:1", (bash, cut, docker))
    suite = SourceAnswer("suite", frozenset({bash, cut}), strangers=frozenset({docker}), silence="does not publish it")
    scanner = SourceAnswer("Trivy", frozenset({bash, cut, docker}))
    (issue,) = check_vulnerabilities(Evidence((image,), (suite, scanner)), Vulnerabilities(), date(2026, 11, 24))
    assert issue.id == "vulnerabilities.unasked"
    assert "1 of the Debian packages: docker-ce (does not publish it)" in issue.message
    assert "inv build.bases --fresh" in issue.hint
    seen = SourceAnswer("Trivy", frozenset({docker}), (Finding(docker, "CVE-1"),))
    assert Evidence((image,), (suite, seen)).unanswered(Ecosystem.DEBIAN) == ()


def test_a_reason_of_another_ecosystem_is_not_given() -> None:
    bash = Package(Ecosystem.DEBIAN, "bash", "5")
    image = Inventory("backend", "zamio/backend:1", "sha256:1", (bash, *PACKAGES))
    answers = (
        SourceAnswer("suite", frozenset({bash}), silence="of bullseye"),
        SourceAnswer("osv", frozenset(PACKAGES[:9]), silence="not found"),
    )
    (issue,) = check_vulnerabilities(Evidence((image,), answers), Vulnerabilities(), date(2026, 11, 24))
    assert "(not found)" in issue.message


def test_what_escapes_the_only_source_is_said_and_is_no_error() -> None:
    bash = Package(Ecosystem.DEBIAN, "bash", "5")
    image = Inventory("backend", "zamio/backend:1", "sha256:1", (bash,))
    suite = SourceAnswer("suite", frozenset({bash}), blind="no update, no finding")
    (issue,) = check_vulnerabilities(Evidence((image,), (suite,)), Vulnerabilities(), date(2026, 11, 24))
    assert (issue.id, issue.severity, issue.message) == (
        "vulnerabilities.blind",
        Severity.INFO,
        "suite: no update, no finding",
    )
    both = (suite, SourceAnswer("Grype", frozenset({bash})))
    assert check_vulnerabilities(Evidence((image,), both), Vulnerabilities(), date(2026, 11, 24)) == []
