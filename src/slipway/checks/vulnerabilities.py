"""Rules for known vulnerabilities: findings of all sources, held against the workspace's policy on a given day."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

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


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that was seen: what each image holds, and what each source answered.

    `places` are the file:line of the policy's entries.
    """

    inventories: tuple[Inventory, ...]
    answers: tuple[SourceAnswer, ...] = ()
    silent: tuple[Silence, ...] = ()
    places: Sequence[str] = ()

    def findings(self) -> tuple[Finding, ...]:
        """Return what the sources found, each vulnerability of a package once, the worst first."""
        found = merged(finding for answer in self.answers for finding in answer.findings)
        return tuple(sorted(found, key=lambda f: (-f.rating.rank, f.package.ecosystem, f.package.name, f.id)))

    def images_with(self, package: Package) -> tuple[str, ...]:
        """Return the names of the images that hold a package."""
        return tuple(inventory.image for inventory in self.inventories if package in inventory.packages)

    def unknown(self) -> tuple[Ecosystem, ...]:
        """Return the ecosystems of which more packages were not answered for than were.

        A few that a source does not know are packages of one's own. Most of them is a source that does not answer: an
        index that mirrors another may say "not found" for whatever nobody has fetched from it.
        """
        return tuple(e for e in Ecosystem if len(self.unanswered(e)) > len(self._published(e) & self._asked()))

    def unanswered(self, ecosystem: Ecosystem) -> tuple[Package, ...]:
        """Return the published packages that nobody answered for."""
        return tuple(sorted(self._published(ecosystem) - self._asked()))

    def unasked(self, ecosystem: Ecosystem) -> tuple[Package, ...]:
        """Return the packages that nobody answered for although somebody answered for most others."""
        return () if ecosystem in self.unknown() else self.unanswered(ecosystem)

    def _published(self, ecosystem: Ecosystem) -> frozenset[Package]:
        return frozenset(p for inventory in self.inventories for p in inventory.of(ecosystem) if not p.own)

    def _asked(self) -> frozenset[Package]:
        return frozenset[Package]().union(*(answer.asked for answer in self.answers))


def check_vulnerabilities(evidence: Evidence, policy: Vulnerabilities, today: date) -> list[Issue]:
    """Return every issue; only one that is an error makes the answer no."""
    used: set[int] = set()
    issues = [_found(evidence, finding, policy, today, used) for finding in evidence.findings()]
    issues += _unanswered(evidence)
    issues += _unread(evidence.inventories)
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
            f"{one.source}: {one.silence}"
            for one in evidence.answers
            if one.silence and any(package.ecosystem is ecosystem for package in one.asked)
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
            said = next((a.silence for a in evidence.answers if a.silence), "")
            yield Issue(
                "vulnerabilities.unasked",
                Severity.WARNING,
                ecosystem.label,
                "sources",
                f"no source knows {len(missing)} of the {ecosystem.label} packages: {names}"
                + (f" ({said})" if said else ""),
                "a package of your own is known to nobody; look after it yourself",
            )


def _unread(inventories: Iterable[Inventory]) -> Iterator[Issue]:
    """Id `vulnerabilities.unreadable`: something looks like a package and could not be asked about."""
    for inventory in inventories:
        for what in inventory.unread:
            yield Issue(
                "vulnerabilities.unreadable",
                Severity.ERROR,
                inventory.image,
                inventory.reference,
                f"cannot be read as a package, so nobody was asked about it: {what}",
                "take it out of the image, or mend what wrote it",
            )
        if not inventory.packages:
            yield Issue(
                "vulnerabilities.unreadable",
                Severity.ERROR,
                inventory.image,
                inventory.reference,
                "the image has no list of packages at all",
                "keep /var/lib/dpkg/status, or write /var/lib/dpkg/status.d",
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
