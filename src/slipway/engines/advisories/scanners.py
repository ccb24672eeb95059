"""Trivy and Grype, where they are installed: both are given the SBOM of each image.

A report without findings proves nothing: a scanner passes over what it does not recognise and does not say so. A
package counts as answered for only where the report shows that it was looked at.
"""

import json
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from slipway.command import command
from slipway.engines.local_shell import LocalShell
from slipway.errors import Unreachable
from slipway.inventory.advisory import Finding, Rating, SourceAnswer
from slipway.inventory.package import Ecosystem, Inventory, Package

Read = Callable[[Any], Iterator[tuple[str, Finding]]]
"""Takes a report apart: purl of the package, finding with a package to be filled in."""
Saw = Callable[[Any, Package], bool]
"""Whether a report shows that the scanner looked at a package."""

_NOBODY = Package(Ecosystem.DEBIAN, "", "")


class Scanner:
    """Port `AdvisorySource` over one program. `argv` holds `{sbom}` where the file's path belongs."""

    def __init__(self, name: str, argv: tuple[str, ...], read: Read, saw: Saw, *, seconds: float = 300) -> None:
        """Say how the program is called and how its report is read."""
        self.name = name
        self.ecosystems = frozenset(Ecosystem)
        self._argv = argv
        self._read = read
        self._saw = saw
        self._seconds = seconds
        self._shell = LocalShell()

    def ask(self, inventories: Sequence[Inventory], sboms: dict[str, Path]) -> SourceAnswer:
        """Scan each image's SBOM. Raises `Unreachable` where the program fails or its report cannot be read."""
        asked: set[Package] = set()
        findings: list[Finding] = []
        for inventory in inventories:
            by_purl = {package.purl: package for package in inventory.packages}
            try:
                report = self._report(sboms[inventory.image])
                said = list(self._read(report))
                asked.update(one for one in inventory.packages if not one.own and self._saw(report, one))
            except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
                raise Unreachable(f"{self.name}'s report cannot be read: {error!r}"[:300], where=self.name) from error
            for purl, finding in said:
                if purl not in by_purl:
                    raise Unreachable(f"{self.name} speaks of {purl[:200]}, which no image has", where=self.name)
                findings.append(
                    Finding(by_purl[purl], finding.id, finding.rating, finding.fixed, finding.aliases, (self.name,))
                )
        return SourceAnswer(self.name, frozenset(asked), tuple(dict.fromkeys(findings)))

    def cancel(self) -> None:
        """End the program that runs, from another thread."""
        self._shell.cancel()

    def _report(self, sbom: Path) -> Any:
        argv = tuple(word.format(sbom=sbom) for word in self._argv)
        done = self._shell.run(command(*argv, seconds=self._seconds))
        if not done.ok:
            tail = tuple(line[:300] for line in done.stderr.strip().splitlines()[-3:])
            raise Unreachable(f"{self.name} ended with {done.code}", where=self.name, details=tail)
        return json.loads(done.stdout)


_TRIVY = ("trivy", "sbom", "--quiet", "--scanners", "vuln", "--list-all-pkgs", "--format", "json", "{sbom}")


def installed_scanners() -> tuple[Scanner, ...]:
    """Return the scanners that this machine has on its PATH."""
    known = (
        Scanner("Trivy", _TRIVY, read_trivy, trivy_saw),
        Scanner("Grype", ("grype", "--quiet", "--output", "json", "sbom:{sbom}"), read_grype, grype_saw),
    )
    return tuple(scanner for scanner in known if shutil.which(scanner.name.lower()))


def read_trivy(report: Any) -> Iterator[tuple[str, Finding]]:
    """Read `trivy --format json` (schema version 2)."""
    if report["SchemaVersion"] != 2:
        raise ValueError(f"schema version {report['SchemaVersion']}")
    for result in report.get("Results") or ():
        for found in result.get("Vulnerabilities") or ():
            yield (
                str(found["PkgIdentifier"]["PURL"]),
                Finding(
                    _NOBODY,
                    str(found["VulnerabilityID"]),
                    Rating.of(found.get("Severity")),
                    str(found.get("FixedVersion") or "").partition(",")[0],
                ),
            )


def read_grype(report: Any) -> Iterator[tuple[str, Finding]]:
    """Read `grype --output json`."""
    for match in report["matches"]:
        found: Mapping[str, Any] = match["vulnerability"]
        fixes = (found.get("fix") or {}).get("versions") or ("",)
        also = tuple(sorted({str(other["id"]) for other in match.get("relatedVulnerabilities") or ()} - {found["id"]}))
        yield (
            str(match["artifact"]["purl"]),
            Finding(_NOBODY, str(found["id"]), Rating.of(found.get("severity")), str(fixes[0]), also),
        )


def trivy_saw(report: Any, package: Package) -> bool:
    """Whether Trivy lists the package (`--list-all-pkgs`)."""
    return any(
        (listed.get("Identifier") or {}).get("PURL") == package.purl
        for result in report.get("Results") or ()
        for listed in result.get("Packages") or ()
    )


def grype_saw(report: Any, package: Package) -> bool:
    """Whether Grype looked at the package: at Debian's only where it has recognised the distribution."""
    return package.ecosystem is not Ecosystem.DEBIAN or (report.get("distro") or {}).get("name") == "debian"
