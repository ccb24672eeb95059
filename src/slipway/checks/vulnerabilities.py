"""Rules for known vulnerabilities: findings of all sources, held against the workspace's policy on a given day."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property

from slipway.checks.issue import Issue, Severity
from slipway.config.policy import Ignored, Vulnerabilities
from slipway.inventory.advisory import Finding, Rating, Silence, SourceAnswer, merged
from slipway.inventory.package import Ecosystem, Inventory, Package

LONGEST = timedelta(days=366)
"""How far ahead an entry may end: what is let through is looked at again at least once a year."""

_RAISE = {
    Ecosystem.DEBIAN: "`inv build.bases --fresh`, then `inv build.all`: both take what the security suite has",
    Ecosystem.PYTHON: "raise it in the requirements or `backend.constraints`, then `inv build.lock`, `inv build.all`",
    Ecosystem.NPM: "raise it in package.json (or its `overrides`) and the lock, then `inv build.all`",
}


_LISTED = {
    Ecosystem.DEBIAN: "keep /var/lib/dpkg/status, or write /var/lib/dpkg/status.d",
    Ecosystem.PYTHON: "keep the .dist-info folders of installed packages",
    Ecosystem.NPM: "build it anew: inv build.all --force; a bundle without packages cannot be told from an unread one",
}
_OWN = "a package of your own is known to nobody; look after it yourself"
_STRANGER = (
    "one that Debian has replaced goes with `inv build.bases --fresh`, then `inv build.all`; "
    "whoever publishes one of another repository has to be watched by yourself"
)


@dataclass(frozen=True)
class Evidence:
    """All that was seen: what each image holds, and what each source answered.

    `places` are the file:line of the policy's entries, `expected` is what an image cannot do without: one that shows no
    package of such an ecosystem was not read rightly.
    """

    inventories: tuple[Inventory, ...]
    answers: tuple[SourceAnswer, ...] = ()
    silent: tuple[Silence, ...] = ()
    places: Sequence[str] = ()
    expected: Mapping[str, frozenset[Ecosystem]] = field(default_factory=dict)

    def findings(self) -> tuple[Finding, ...]:
        """Return what the sources found, each vulnerability of a package once, the worst first."""
        found = merged(finding for answer in self.answers for finding in answer.findings)
        return tuple(sorted(found, key=lambda f: (-f.rating.rank, f.package.ecosystem, f.package.name, f.id)))

    def images_with(self, package: Package) -> tuple[str, ...]:
        """Return the names of the images that hold a package."""
        return tuple(inventory.image for inventory in self.inventories if package in inventory.packages)

    def unknown(self) -> tuple[Ecosystem, ...]:
        """Return the ecosystems of which half or more of some image's packages were not answered for.

        A few that a source does not know are packages of one's own. Half of them is a source that does not answer: an
        index that mirrors another may say "not found" for whatever nobody has fetched from it.
        """
        return tuple(e for e in Ecosystem if any(self._is_dark(inventory, e) for inventory in self.inventories))

    def unanswered(self, ecosystem: Ecosystem) -> tuple[Package, ...]:
        """Return the published packages that nobody answered for."""
        return tuple(sorted(frozenset().union(*(_published(i, ecosystem) for i in self.inventories)) - self._asked))

    def unasked(self, ecosystem: Ecosystem) -> tuple[Package, ...]:
        """Return the packages that nobody answered for although somebody answered for most others."""
        return () if ecosystem in self.unknown() else self.unanswered(ecosystem)

    def blind(self) -> tuple[SourceAnswer, ...]:
        """Return the sources that something escapes, where no other answered for all that they did."""
        whole = frozenset[Package]().union(*(answer.asked for answer in self.answers if not answer.blind))
        return tuple(answer for answer in self.answers if answer.blind and not answer.asked <= whole)

    def _is_dark(self, inventory: Inventory, ecosystem: Ecosystem) -> bool:
        packages = _published(inventory, ecosystem)
        return bool(packages) and 2 * len(packages - self._asked) >= len(packages)

    @cached_property
    def _asked(self) -> frozenset[Package]:
        asked = frozenset[Package]().union(*(answer.asked for answer in self.answers))
        found = {finding.package for answer in self.answers for finding in answer.findings}
        strangers = frozenset[Package]().union(*(answer.strangers for answer in self.answers))
        return asked - (strangers - found)


def _published(inventory: Inventory, ecosystem: Ecosystem) -> frozenset[Package]:
    return frozenset(package for package in inventory.of(ecosystem) if not package.own)


def check_vulnerabilities(evidence: Evidence, policy: Vulnerabilities, today: date) -> list[Issue]:
    """Return every issue; only one that is an error makes the answer no."""
    used: set[int] = set()
    issues = [_found(evidence, finding, policy, today, used) for finding in evidence.findings()]
    issues += _unanswered(evidence)
    issues += _blind(evidence)
    issues += _unread(evidence)
    issues += _entries(evidence, policy, today, used)
    return issues


def _found(evidence: Evidence, finding: Finding, policy: Vulnerabilities, today: date, used: set[int]) -> Issue:
    """Id `vulnerabilities.found` and, where an entry lets it through, `vulnerabilities.ignored`."""
    package, images = finding.package, evidence.images_with(finding.package)
    fix = f"fixed in {finding.fixed}" if finding.fixed else "no fixed version is known"
    message = f"{package.name} {package.version}: {finding.id} ({finding.rating}), {fix}"
    where = ", ".join(images)
    matching = {number for number, entry in enumerate(policy.ignore) if _matches(entry, finding)}
    used |= matching
    for number in sorted(matching):
        entry = policy.ignore[number]
        if today <= entry.until <= today + LONGEST:
            until = f"{message}; let through until {entry.until}: {entry.reason}"
            return Issue("vulnerabilities.ignored", Severity.INFO, package.purl, where, until)
    fails = finding.rating.rank >= Rating(policy.fail_from).rank
    return Issue(
        "vulnerabilities.found",
        Severity.ERROR if fails else Severity.WARNING,
        package.purl,
        where,
        message,
        _RAISE[package.ecosystem] if finding.fixed else _let_through(finding),
    )


def _let_through(finding: Finding) -> str:
    return f"replace it, or let {finding.id} through for a time: `vulnerabilities.ignore` of the workspace file"


def _matches(entry: Ignored, finding: Finding) -> bool:
    return entry.id.upper() in finding.ids and entry.package in {None, finding.package.name, finding.package.source}


def _unanswered(evidence: Evidence) -> Iterator[Issue]:
    """Ids `vulnerabilities.unknown` (nobody answered for most packages) and `vulnerabilities.unasked` (for a few)."""
    for ecosystem in evidence.unknown():
        silences = [f"{one.source}: {one.why}" for one in evidence.silent if ecosystem in one.ecosystems]
        missing = evidence.unanswered(ecosystem)
        silences += [
            f"{one.source}: {one.silence}" for one in evidence.answers if one.silence and one.answers_for(ecosystem)
        ]
        why = "; ".join(silences)
        message = f"nobody answered for {len(missing)} {ecosystem.label} packages, so nothing is known of them"
        yield Issue(
            "vulnerabilities.unknown",
            Severity.ERROR,
            ecosystem.label,
            "sources",
            f"{message} ({why})" if why else message,
            "run it where a source answers, or install Trivy or Grype with its database",
        )
    for ecosystem in Ecosystem:
        if missing := evidence.unasked(ecosystem):
            names = ", ".join(package.name for package in missing[:5]) + (", ..." if len(missing) > 5 else "")
            said = "; ".join(a.silence for a in evidence.answers if a.silence and a.answers_for(ecosystem))
            yield Issue(
                "vulnerabilities.unasked",
                Severity.WARNING,
                ecosystem.label,
                "sources",
                f"no source knows {len(missing)} of the {ecosystem.label} packages: {names}"
                + (f" ({said})" if said else ""),
                _STRANGER if ecosystem is Ecosystem.DEBIAN else _OWN,
            )


def _blind(evidence: Evidence) -> Iterator[Issue]:
    """Id `vulnerabilities.blind`: what cannot be found although everybody answered."""
    for answer in evidence.blind():
        labels = ", ".join(ecosystem.label for ecosystem in Ecosystem if answer.answers_for(ecosystem))
        yield Issue(
            "vulnerabilities.blind",
            Severity.INFO,
            labels,
            "sources",
            f"{answer.source}: {answer.blind}",
            "Trivy and Grype know those, too: install one with its database",
        )


def _unread(evidence: Evidence) -> Iterator[Issue]:
    """Id `vulnerabilities.unreadable`: a package could not be read, or where there must be some there is none."""
    for inventory in evidence.inventories:
        for what in inventory.unread:
            yield Issue(
                "vulnerabilities.unreadable",
                Severity.ERROR,
                inventory.image,
                inventory.reference,
                f"cannot be read as a package, so nobody was asked about it: {what}",
                "take it out of the image, or mend what wrote it",
            )
        there = {package.ecosystem for package in inventory.packages}
        for ecosystem in sorted(evidence.expected.get(inventory.image, frozenset()) - there):
            yield Issue(
                "vulnerabilities.unreadable",
                Severity.ERROR,
                inventory.image,
                inventory.reference,
                f"shows no {ecosystem.label} package at all, so nobody was asked about any",
                _LISTED[ecosystem],
            )


def _entries(evidence: Evidence, policy: Vulnerabilities, today: date, used: set[int]) -> Iterator[Issue]:
    """Ids `vulnerabilities.expired`, `vulnerabilities.too-long` and `vulnerabilities.unused`, with file and line."""
    for number, entry in enumerate(policy.ignore):
        where = evidence.places[number] if number < len(evidence.places) else "workspace file"
        if entry.until < today:
            yield Issue(
                "vulnerabilities.expired",
                Severity.ERROR,
                entry.id,
                where,
                f"{entry.id} was let through until {entry.until}: {entry.reason}",
                "mend it or look at it again and give a new day; take the entry out where it is mended",
            )
        elif entry.until > today + LONGEST:
            yield Issue(
                "vulnerabilities.too-long",
                Severity.ERROR,
                entry.id,
                where,
                f"{entry.id} would be let through until {entry.until}, more than a year",
                f"give a day up to {today + LONGEST}",
            )
        elif number not in used and not evidence.unknown():
            # Where somebody did not answer, what the entry is for may only not have been seen.
            yield Issue(
                "vulnerabilities.unused",
                Severity.WARNING,
                entry.id,
                where,
                f"{entry.id} is let through, but no image has it any more",
                "take the entry out",
            )
