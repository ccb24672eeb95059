"""Package: one thing somebody else published and an image holds; Inventory: all of them in one image."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import quote

# One line of printable characters without blanks: what goes into a question, a file name or a terminal as it is.
_NAMES = {
    "deb": re.compile(r"[a-z0-9][a-z0-9+.-]{0,127}"),
    "pypi": re.compile(r"[a-z0-9](?:[a-z0-9-]{0,126}[a-z0-9])?"),
    "npm": re.compile(r"(?:@[A-Za-z0-9~_.-]{1,100}/)?[A-Za-z0-9~_.-]{1,214}"),
}
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+:~!_-]{0,127}")


class Ecosystem(StrEnum):
    """Where a package comes from; the value is the type in its package URL."""

    DEBIAN = "deb"
    PYTHON = "pypi"
    NPM = "npm"

    @property
    def label(self) -> str:
        """The name for people."""
        return {"deb": "Debian", "pypi": "Python", "npm": "npm"}[self]


@dataclass(frozen=True, slots=True, order=True)
class Package:
    """One package: `licence` as its maker wrote it, "" where nothing says it; it makes no other package.

    `source` and `source_version` are those of the Debian source package, which advisories speak of; "" elsewhere.
    `distribution` is `debian-12`, `suite` the release's code name. `own` packages were never published: nobody else
    can know anything of them.
    """

    ecosystem: Ecosystem
    name: str
    version: str
    licence: str = field(default="", compare=False)
    source: str = ""
    source_version: str = ""
    architecture: str = ""
    distribution: str = ""
    suite: str = ""
    own: bool = False

    @property
    def purl(self) -> str:
        """The package URL, in canonical form (github.com/package-url/purl-spec)."""
        version = quote(self.version, safe=".-_~:")
        if self.ecosystem is not Ecosystem.DEBIAN:
            return f"pkg:{self.ecosystem}/{quote(self.name, safe='/.-_~')}@{version}"
        facts = {"arch": self.architecture, "distro": self.distribution}
        if (self.source, self.source_version) != (self.name, self.version):
            facts["upstream"] = f"{self.source}@{self.source_version}"
        given = "&".join(f"{key}={quote(value, safe='.-_~:')}" for key, value in sorted(facts.items()) if value)
        return f"pkg:deb/debian/{quote(self.name, safe='.-_~')}@{version}" + (f"?{given}" if given else "")


@dataclass(frozen=True, slots=True)
class Inventory:
    """What an image holds. `image` is its name, `reference` its tag, `id` `sha256:...`, `system` as `debian 12`.

    `unread` says of each thing that looks like a package and could not be read as one, where it is and why.
    """

    image: str
    reference: str
    id: str
    packages: tuple[Package, ...]
    system: str = ""
    unread: tuple[str, ...] = ()

    def of(self, ecosystem: Ecosystem) -> tuple[Package, ...]:
        """Return the packages of one ecosystem."""
        return tuple(package for package in self.packages if package.ecosystem is ecosystem)


def is_package(ecosystem: Ecosystem, name: str, version: str) -> bool:
    """Whether name and version have the form that the ecosystem gives them; anything else is not to be trusted."""
    return bool(_NAMES[ecosystem].fullmatch(name) and _VERSION.fullmatch(version))


def sorted_packages(packages: Iterable[Package]) -> tuple[Package, ...]:
    """Return each package once, in a fixed order."""
    return tuple(sorted(set(packages)))
