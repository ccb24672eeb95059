"""A source that answers for some packages only: when that still says something, and when it does not."""

from datetime import date

import pytest

from slipway.checks.vulnerabilities import Evidence, check_vulnerabilities
from slipway.config.policy import Vulnerabilities
from slipway.inventory.advisory import SourceAnswer
from slipway.inventory.package import Ecosystem, Inventory, Package

PACKAGES = tuple(Package(Ecosystem.PYTHON, f"package-{number}", "1.0") for number in range(10))
IMAGE = Inventory("backend", "zamio/backend:1", "sha256:1", PACKAGES)


@pytest.mark.parametrize(
    ("answered", "said"),
    [
        (0, "vulnerabilities.unknown"),
        (1, "vulnerabilities.unknown"),
        (4, "vulnerabilities.unknown"),
        (5, "vulnerabilities.unasked"),
        (9, "vulnerabilities.unasked"),
    ],
)
def test_an_answer_for_the_smaller_part_is_no_answer(answered: int, said: str) -> None:
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
