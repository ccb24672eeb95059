from datetime import date, timedelta

import pytest

from slipway.checks.issue import Issue, Severity, is_ok
from slipway.checks.vulnerabilities import LONGEST, Evidence, check_vulnerabilities
from slipway.config.policy import FailFrom, Ignored, Vulnerabilities
from slipway.inventory.advisory import Finding, Rating, Silence, SourceAnswer, merged
from slipway.inventory.package import Ecosystem, Inventory, Package

TODAY = date(2026, 11, 24)
DJANGO = Package(Ecosystem.PYTHON, "django", "5.1.7")
REDIS = Package(Ecosystem.PYTHON, "redis", "5.0.1")
SSL = Package(Ecosystem.DEBIAN, "libssl3", "3.0.16-1", source="openssl")
OWN = Package(Ecosystem.PYTHON, "slipway-runtime", "0.1.0", own=True)
BACKEND = Inventory("backend", "zamio/backend:1", "sha256:a", (DJANGO, SSL))
ADMIN = Inventory("admin", "zamio/admin:1", "sha256:b", (SSL,))
EVERYTHING = frozenset({DJANGO, SSL})


def found(package: Package = DJANGO, rating: Rating = Rating.HIGH, fixed: str = "5.1.9") -> Finding:
    return Finding(package, "CVE-2026-1", rating, fixed, ("GHSA-1",), ("osv",))


def evidence(*findings: Finding, asked: frozenset[Package] = EVERYTHING) -> Evidence:
    return Evidence((BACKEND, ADMIN), (SourceAnswer("osv", asked, findings),), places=("workspace.yaml:40",))


def ignoring(until: date = TODAY, **more: str) -> Vulnerabilities:
    given = {"id": "CVE-2026-1", "reason": "not reachable here"} | more
    return Vulnerabilities(ignore=(Ignored.model_validate({**given, "until": until}),))


def issues(given: Evidence, policy: Vulnerabilities | None = None) -> list[Issue]:
    return check_vulnerabilities(given, policy or Vulnerabilities(), TODAY)


def ids(listed: list[Issue]) -> list[str]:
    return [f"{issue.severity} {issue.id.removeprefix('vulnerabilities.')}" for issue in listed]


def test_nothing_found_by_somebody_who_answered_for_everything_is_yes() -> None:
    assert issues(evidence()) == []


def test_a_finding_names_package_advisory_images_and_the_way_out() -> None:
    (issue,) = issues(evidence(found(SSL, fixed="3.0.17-1")))
    assert issue.where == "backend, admin"
    assert issue.message == "libssl3 3.0.16-1: CVE-2026-1 (high), fixed in 3.0.17-1"
    assert "inv build.bases --fresh" in issue.hint
    (unfixed,) = issues(evidence(found(fixed="")))
    assert "no fixed version is known" in unfixed.message
    assert "let CVE-2026-1 through" in unfixed.hint


@pytest.mark.parametrize(
    ("rating", "fail_from", "severity"),
    [
        (Rating.CRITICAL, FailFrom.CRITICAL, "error"),
        (Rating.HIGH, FailFrom.CRITICAL, "warning"),
        (Rating.HIGH, FailFrom.HIGH, "error"),
        (Rating.MEDIUM, FailFrom.HIGH, "warning"),
        (Rating.UNRATED, FailFrom.HIGH, "error"),
        (Rating.UNRATED, FailFrom.CRITICAL, "warning"),
        (Rating.LOW, FailFrom.LOW, "error"),
    ],
)
def test_a_rating_fails_from_the_policys_on(rating: Rating, fail_from: FailFrom, severity: str) -> None:
    assert ids(issues(evidence(found(rating=rating)), Vulnerabilities(fail_from=fail_from))) == [f"{severity} found"]


def test_nobody_answering_is_never_a_pass() -> None:
    silent = (
        Silence("pip-audit (osv)", frozenset({Ecosystem.PYTHON}), "no name"),
        Silence("npm audit", frozenset({Ecosystem.NPM}), "405"),
    )
    listed = issues(Evidence((BACKEND,), (SourceAnswer("suite", frozenset({SSL})),), silent))
    assert ids(listed) == ["error unknown"]
    assert not is_ok(listed)
    assert listed[0].message.endswith("1 Python packages, so nothing is known of them (pip-audit (osv): no name)")
    assert ids(issues(Evidence((BACKEND,)))) == ["error unknown", "error unknown"]


def test_a_package_that_no_source_knows_is_told_and_our_own_is_not() -> None:
    kombu = Package(Ecosystem.PYTHON, "kombu", "5.5.0")
    image = Inventory("backend", "zamio/backend:1", "sha256:a", (DJANGO, REDIS, OWN, kombu))
    answer = SourceAnswer("osv", frozenset({DJANGO, kombu}), silence="not found: redis")
    (issue,) = issues(Evidence((image,), (answer,)))
    assert (issue.id, issue.severity) == ("vulnerabilities.unasked", Severity.WARNING)
    assert "1 of the Python packages: redis (not found: redis)" in issue.message


def test_an_image_whose_list_is_missing_or_broken_is_an_error() -> None:
    empty = Inventory("admin", "zamio/admin:1", "sha256:b", ())
    broken = Inventory("backend", "zamio/backend:1", "sha256:a", (SSL,), unread=("/var/lib/dpkg/status: cut",))
    expected = {"admin": frozenset({Ecosystem.DEBIAN}), "backend": frozenset({Ecosystem.DEBIAN, Ecosystem.PYTHON})}
    listed = issues(Evidence((empty, broken), (SourceAnswer("suite", frozenset({SSL})),), expected=expected))
    assert ids(listed) == ["error unreadable"] * 3
    assert [issue.message.partition(",")[0] for issue in listed] == [
        "shows no Debian package at all",
        "cannot be read as a package",
        "shows no Python package at all",
    ]


@pytest.mark.parametrize("name", ["CVE-2026-1", "cve-2026-1", "GHSA-1"])
def test_an_entry_lets_through_under_any_name_up_to_its_day(name: str) -> None:
    (issue,) = issues(evidence(found()), ignoring(id=name))
    assert (issue.id, issue.severity) == ("vulnerabilities.ignored", Severity.INFO)
    assert issue.message.endswith("let through until 2026-11-24: not reachable here")


def test_an_entry_for_another_package_lets_nothing_through() -> None:
    assert ids(issues(evidence(found()), ignoring(package="redis"))) == ["error found", "warning unused"]
    assert ids(issues(evidence(found(SSL)), ignoring(package="openssl"))) == ["info ignored"]


def test_an_expired_entry_is_an_error_with_its_line_and_lets_nothing_through() -> None:
    listed = issues(evidence(found()), ignoring(TODAY - timedelta(days=1)))
    assert ids(listed) == ["error found", "error expired"]
    assert listed[1].where == "workspace.yaml:40"


def test_more_than_a_year_is_refused() -> None:
    assert ids(issues(evidence(found()), ignoring(TODAY + LONGEST))) == ["info ignored"]
    listed = issues(evidence(found()), ignoring(TODAY + LONGEST + timedelta(days=1)))
    assert ids(listed) == ["error found", "error too-long"]


def test_an_entry_that_nothing_needs_is_told_only_where_everybody_answered() -> None:
    assert ids(issues(evidence(), ignoring(TODAY))) == ["warning unused"]
    assert ids(issues(evidence(asked=frozenset({SSL})), ignoring(TODAY))) == ["error unknown"]


def test_two_sources_speaking_of_one_vulnerability_are_one_finding() -> None:
    other = Finding(DJANGO, "GHSA-1", Rating.MEDIUM, "", ("CVE-2026-1",), ("npm",))
    unrated = found(rating=Rating.UNRATED)
    (one,) = merged([unrated, other])
    assert (one.id, one.rating, one.fixed, one.sources) == ("CVE-2026-1", Rating.MEDIUM, "5.1.9", ("osv", "npm"))
    assert len(merged([found(), Finding(REDIS, "CVE-2026-1")])) == 2


def test_the_worst_comes_first() -> None:
    low = Finding(DJANGO, "CVE-2026-2", Rating.LOW)
    worst = Finding(SSL, "CVE-2026-3", Rating.CRITICAL)
    assert [f.rating for f in evidence(low, found(), worst).findings()] == [Rating.CRITICAL, Rating.HIGH, Rating.LOW]


@pytest.mark.parametrize(
    ("word", "rating"),
    [("Moderate", Rating.MEDIUM), ("NEGLIGIBLE", Rating.LOW), ("Critical", Rating.CRITICAL), (None, Rating.UNRATED)],
)
def test_every_sources_word_has_a_rating(word: object, rating: Rating) -> None:
    assert Rating.of(word) is rating
