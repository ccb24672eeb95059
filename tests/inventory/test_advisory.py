from itertools import permutations

import pytest

from slipway.inventory.advisory import Finding, Rating, merged
from slipway.inventory.package import Ecosystem, Package

DJANGO = Package(Ecosystem.PYTHON, "django", "5.1.7")
CVE = Finding(DJANGO, "CVE-2026-1", sources=("one",))
GHSA = Finding(DJANGO, "GHSA-1", Rating.LOW, fixed="5.1.9", sources=("two",))
BOTH = Finding(DJANGO, "PYSEC-1", Rating.CRITICAL, aliases=("CVE-2026-1", "GHSA-1"), sources=("three",))


@pytest.mark.parametrize("order", [*permutations((CVE, GHSA, BOTH))], ids=lambda order: "-".join(f.id for f in order))
def test_names_that_a_third_source_joins_are_one_vulnerability(order: tuple[Finding, ...]) -> None:
    (finding,) = merged(order)
    assert finding.ids == {"CVE-2026-1", "GHSA-1", "PYSEC-1"}
    assert (finding.rating, finding.fixed, set(finding.sources)) == (Rating.CRITICAL, "5.1.9", {"one", "two", "three"})


def test_a_name_of_two_packages_stays_two_findings() -> None:
    other = Finding(Package(Ecosystem.PYTHON, "redis", "5.0.1"), "CVE-2026-1")
    assert merged((CVE, other)) == (CVE, other)
