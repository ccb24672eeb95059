"""Debian's advisories: what the security suite offers, read in a throw-away container of the base image.

An image that ships has no package sources, the base has those of this machine. A package is affected where the suite
has a newer version of it than the image. One that Debian publishes nowhere in that version is somebody else's, or was
replaced meanwhile: the suite's silence says nothing of it.
"""

import threading
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from slipway.errors import Unreachable
from slipway.inventory.advisory import Finding, SourceAnswer
from slipway.inventory.debian import is_older, source_of, stanzas
from slipway.inventory.package import Ecosystem, Inventory, Package, is_package

if TYPE_CHECKING:
    from docker import DockerClient
    from docker.models.containers import Container

LABEL = "slipway.security-suite"
_SECURITY = "-security"
# `any`: apt else ends with 0 where a list could not be fetched. The marks tell a whole list from one cut off.
# Debian's own lists alone, and no backports: those the suite does not look after. Of 50 MB a tenth is needed here.
_SCRIPT = """set -eu
. /etc/os-release
echo "begin $VERSION_CODENAME"
apt-get -qq -o APT::Update::Error-Mode=any -o Acquire::Retries=1 -o Acquire::http::Timeout=20 update >&2
apt-get indextargets --format '$(CODENAME) $(FILENAME) $(ORIGIN)' 'Created-By: Packages' >/tmp/lists
while read -r name file origin; do
    case $origin/$name in
    Debian/"$VERSION_CODENAME" | Debian/"$VERSION_CODENAME-updates" | */"$VERSION_CODENAME-security") ;;
    *) continue ;;
    esac
    [ -e "$file" ] || continue
    echo "list $name"
    /usr/lib/apt/apt-helper cat-file "$file" >/tmp/list
    grep -E '^(Package|Version|Source):|^$' /tmp/list || :
    echo
done </tmp/lists
echo
echo end
"""


_BLIND = "a vulnerability that Debian has no update for yet is never found, as only updates are listed"


class DebianSecurity:
    """Port `AdvisorySource` for Debian packages. `base` is a Debian image with package sources."""

    def __init__(self, client: "DockerClient", base: str, *, seconds: float = 120) -> None:
        """Say where to look; `seconds` bounds the container's whole life."""
        self.name = "Debian security suite"
        self.ecosystems = frozenset({Ecosystem.DEBIAN})
        self._client = client
        self._base = base
        self._seconds = seconds
        self._container: Container | None = None
        self._is_cancelled = False
        self._lock = threading.Lock()

    def ask(self, inventories: Sequence[Inventory], sboms: dict[str, Path]) -> SourceAnswer:  # noqa: ARG002 - asked by name
        """Compare every Debian package of the suite's release. Raises `Unreachable` where no list can be had.

        What is older than the suite is answered by that; of the rest, what Debian publishes in that very version.
        """
        offer = read_offer(self._lists(), self.name)
        packages = {p for inventory in inventories for p in inventory.of(Ecosystem.DEBIAN) if not p.own}
        fitting = frozenset(package for package in packages if package.suite == offer.suite)
        findings = compared(fitting, offer.updates, self.name)
        found = {finding.package for finding in findings}
        strangers = frozenset(p for p in fitting - found if (p.name, p.version) not in offer.published)
        others = sorted({package.suite or "unknown" for package in packages - fitting})
        reasons = [f"the base is {offer.suite}, other packages are of {', '.join(others)}"] if others else []
        if strangers:
            reasons.append(f"Debian {offer.suite} does not publish {_named(strangers)}")
        return SourceAnswer(
            self.name, fitting - strangers, findings, silence="; ".join(reasons), strangers=strangers, blind=_BLIND
        )

    def cancel(self) -> None:
        """End the container, from another thread; whoever waits for it removes it."""
        from docker.errors import APIError

        with self._lock:
            self._is_cancelled = True
            if self._container is not None:
                with suppress(APIError):
                    self._container.kill()

    def _start(self, container: "Container") -> None:
        with self._lock:
            if self._is_cancelled:
                raise Unreachable("was cancelled", where=self.name)
            container.start()
            self._container = container

    def _lists(self) -> str:
        from docker.errors import APIError, DockerException
        from requests import RequestException

        try:
            container = self._client.containers.create(
                self._base, ["-c", _SCRIPT], entrypoint=["sh"], labels={LABEL: "list"}, user="0"
            )
            try:
                self._start(container)
                code = container.wait(timeout=self._seconds)["StatusCode"]
                out, err = (container.logs(stdout=not e, stderr=e).decode(errors="replace") for e in (False, True))
            finally:
                with suppress(APIError):
                    container.remove(force=True, v=True)
        except (DockerException, RequestException) as error:
            raise Unreachable(f"its list could not be fetched: {str(error)[:200]}", where=self.name) from error
        if code:
            tail = tuple(line[:200] for line in err.strip().splitlines()[-3:])
            raise Unreachable("apt could not fetch its list", where=self.name, details=tail)
        return out


@dataclass(frozen=True, slots=True)
class Offer:
    """What Debian has for one release.

    `updates` is binary package -> (version, source) of the security suite, `published` every (name, version).
    """

    suite: str
    updates: dict[str, tuple[str, str]] = field(default_factory=dict)
    published: set[tuple[str, str]] = field(default_factory=set)


def read_offer(text: str, where: str) -> Offer:
    """Read what the container wrote.

    Raises `Unreachable` where it is cut off, or where there is no list of the security suite.
    """
    first, _, rest = text.partition("\n")
    if not first.startswith("begin ") or not rest.rstrip().endswith("\nend"):
        raise Unreachable("its list was cut off", where=where)
    offer = Offer(first.removeprefix("begin ").strip())
    names = set()
    for part in f"\n{rest}".split("\nlist ")[1:]:
        name, _, listed = part.partition("\n")
        names.add(name)
        for fields in stanzas(listed):
            package, version = fields.get("package", ""), fields.get("version", "")
            if not is_package(Ecosystem.DEBIAN, package, version):
                continue
            offer.published.add((package, version))
            is_newest = package not in offer.updates or is_older(offer.updates[package][0], version)
            if name.endswith(_SECURITY) and is_newest:
                offer.updates[package] = (version, source_of(fields)[0])
    if not any(name.endswith(_SECURITY) for name in names):
        raise Unreachable(
            "the base image has no package sources of a security suite",
            where=where,
            hint="this machine's apt sources need one when the bases are made: `inv build.bases`",
        )
    if not offer.updates:
        raise Unreachable("its list is empty", where=where)
    return offer


def compared(packages: frozenset[Package], offered: dict[str, tuple[str, str]], source: str) -> tuple[Finding, ...]:
    """Return a finding for each package that the suite has a newer version of."""
    findings = []
    for package in sorted(packages):
        version, made_from = offered.get(package.name, ("", ""))
        if version and is_older(package.version, version):
            # The suite says what is fixed, not what was wrong: the update is the advisory.
            findings.append(Finding(package, f"DEBIAN-{made_from}-{version}", fixed=version, sources=(source,)))
    return tuple(findings)


def _named(packages: Iterable[Package]) -> str:
    names = [f"{package.name} {package.version}" for package in sorted(packages)]
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
