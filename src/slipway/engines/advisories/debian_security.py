"""Debian's advisories: what the security suite offers, read in a throw-away container of the base image.

An image that ships has no package sources, the base has those of this machine. Only the suite's list is fetched; a
package is affected where the suite has a newer version of it than the image.
"""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from slipway.errors import Unreachable
from slipway.inventory.advisory import Finding, SourceAnswer
from slipway.inventory.debian import is_older, source_of, stanzas
from slipway.inventory.package import Ecosystem, Inventory, Package, is_package

if TYPE_CHECKING:
    from docker import DockerClient

LABEL = "slipway.security-suite"
# `any`: apt else ends with 0 where a list could not be fetched. The marks tell a whole list from one cut off.
_SCRIPT = """set -eu
. /etc/os-release
echo "begin $VERSION_CODENAME"
apt-get -qq -o APT::Update::Error-Mode=any -o Acquire::Retries=1 -o Acquire::http::Timeout=20 update >&2
apt-get indextargets --format '$(CODENAME) $(FILENAME)' 'Created-By: Packages' >/tmp/lists
while read -r name file; do
    case $name in *-security) ;; *) continue ;; esac
    [ -e "$file" ] || continue
    echo "list $name"
    /usr/lib/apt/apt-helper cat-file "$file"
done </tmp/lists
echo
echo end
"""


class DebianSecurity:
    """Port `AdvisorySource` for Debian packages. `base` is a Debian image with package sources."""

    def __init__(self, client: "DockerClient", base: str, *, seconds: float = 120) -> None:
        """Say where to look; `seconds` bounds the container's whole life."""
        self.name = "Debian security suite"
        self.ecosystems = frozenset({Ecosystem.DEBIAN})
        self._client = client
        self._base = base
        self._seconds = seconds

    def ask(self, inventories: Sequence[Inventory], sboms: dict[str, Path]) -> SourceAnswer:  # noqa: ARG002 - asked by name
        """Compare every Debian package of the suite's release. Raises `Unreachable` where no list can be had."""
        suite, offered = read_offer(self._lists(), self.name)
        packages = {p for inventory in inventories for p in inventory.of(Ecosystem.DEBIAN) if not p.own}
        fitting = frozenset(package for package in packages if package.suite == suite)
        others = sorted({package.suite or "unknown" for package in packages - fitting})
        silence = f"the base is {suite}, other packages are of {', '.join(others)}" if others else ""
        return SourceAnswer(self.name, fitting, compared(fitting, offered, self.name), silence=silence)

    def _lists(self) -> str:
        from docker.errors import APIError, DockerException
        from requests import RequestException

        try:
            container = self._client.containers.create(
                self._base, ["-c", _SCRIPT], entrypoint=["sh"], labels={LABEL: "list"}, user="0"
            )
            try:
                container.start()
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


def read_offer(text: str, where: str) -> tuple[str, dict[str, tuple[str, str]]]:
    """Return the release and binary package -> (version, source) from what the container wrote.

    Raises `Unreachable` where it is cut off, or where there is no list of the security suite.
    """
    first, _, rest = text.partition("\n")
    if not first.startswith("begin ") or not rest.rstrip().endswith("\nend"):
        raise Unreachable("its list was cut off", where=where)
    if "list " not in rest[:5]:
        raise Unreachable(
            "the base image has no package sources of a security suite",
            where=where,
            hint="this machine's apt sources need one when the bases are made: `inv build.bases`",
        )
    offered: dict[str, tuple[str, str]] = {}
    for fields in stanzas(rest):
        name, version = fields.get("package", ""), fields.get("version", "")
        is_newest = name not in offered or is_older(offered[name][0], version)
        if is_package(Ecosystem.DEBIAN, name, version) and is_newest:
            offered[name] = (version, source_of(fields)[0])
    if not offered:
        raise Unreachable("its list is empty", where=where)
    return first.removeprefix("begin ").strip(), offered


def compared(packages: frozenset[Package], offered: dict[str, tuple[str, str]], source: str) -> tuple[Finding, ...]:
    """Return a finding for each package that the suite has a newer version of."""
    findings = []
    for package in sorted(packages):
        version, made_from = offered.get(package.name, ("", ""))
        if version and is_older(package.version, version):
            # The suite says what is fixed, not what was wrong: the update is the advisory.
            findings.append(Finding(package, f"DEBIAN-{made_from}-{version}", fixed=version, sources=(source,)))
    return tuple(findings)
