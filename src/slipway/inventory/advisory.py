"""Finding: a package with a known vulnerability; SourceAnswer: what one source of advisories said."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import reduce

from slipway.inventory.package import Ecosystem, Package


class Rating(StrEnum):
    """How bad a vulnerability is, in the order in which it is looked at last."""

    UNRATED = "unrated"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """A number that grows with the rating; what nobody rated stands with high: it is not known to be harmless."""
        return {"low": 0, "medium": 1, "unrated": 2, "high": 2, "critical": 3}[self]

    @classmethod
    def of(cls, word: object) -> "Rating":
        """Translate a source's word, whatever its case."""
        said = str(word).strip().lower()
        same = {"moderate": cls.MEDIUM, "negligible": cls.LOW, "info": cls.LOW, "important": cls.HIGH}
        return same.get(said) or (cls(said) if said in set(cls) else cls.UNRATED)


@dataclass(frozen=True, slots=True)
class Finding:
    """`package` is affected by the advisory `id`, also called `aliases`; `fixed` is the version to go to, or ""."""

    package: Package
    id: str
    rating: Rating = Rating.UNRATED
    fixed: str = ""
    aliases: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()

    @property
    def ids(self) -> frozenset[str]:
        """Every name of the advisory, in capitals."""
        return frozenset(name.upper() for name in (self.id, *self.aliases))


@dataclass(frozen=True, slots=True)
class SourceAnswer:
    """`asked` are the packages that the source answered for, findings or not: nothing is known of any other.

    `strangers` are not what their ecosystem publishes under that name, so that nobody's silence says anything of them.
    """

    source: str
    asked: frozenset[Package] = frozenset()
    findings: tuple[Finding, ...] = ()
    silence: str = field(default="", kw_only=True)
    """Why it did not answer for everything it was asked; "" where it did."""
    strangers: frozenset[Package] = field(default=frozenset(), kw_only=True)
    blind: str = field(default="", kw_only=True)
    """What it cannot find even where it answers; "" for nothing that is known of."""

    def answers_for(self, ecosystem: Ecosystem) -> bool:
        """Whether it had a word on any package of the ecosystem."""
        return any(package.ecosystem is ecosystem for package in self.asked | self.strangers)


@dataclass(frozen=True, slots=True)
class Silence:
    """A source that answered for no package at all, the ecosystems it is asked for, and why it did not."""

    source: str
    ecosystems: frozenset[Ecosystem]
    why: str


def merged(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return one finding for what several sources say of a package under names that overlap."""
    kept: list[Finding] = []
    for finding in findings:
        # Two that were kept apart are one as soon as a third has a name of each.
        same = [f for f in kept if f.package == finding.package and f.ids & finding.ids]
        if not same:
            kept.append(finding)
            continue
        kept[kept.index(same[0])] = reduce(_joined, (*same[1:], finding), same[0])
        kept = [f for f in kept if f not in same[1:]]
    return tuple(kept)


def _joined(one: Finding, other: Finding) -> Finding:
    rated = [f.rating for f in (one, other) if f.rating is not Rating.UNRATED]
    return replace(
        one,
        rating=max(rated, key=lambda rating: rating.rank, default=Rating.UNRATED),
        fixed=one.fixed or other.fixed,
        aliases=tuple(sorted({*one.aliases, other.id, *other.aliases} - {one.id})),
        sources=tuple(dict.fromkeys((*one.sources, *other.sources))),
    )
