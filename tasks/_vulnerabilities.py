"""What `inv check.vulnerabilities` does with a session: read, write the SBOMs, ask, tell."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from slipway.errors import Unreachable
from tasks._session import ROOT, Session, answer

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from docker import DockerClient

    from slipway.checks.vulnerabilities import Evidence
    from slipway.ports import AdvisorySource


def look_for_vulnerabilities(s: Session, *, sbom_only: bool) -> None:
    """Ask and tell; ends with 1 where something fails the policy, with 3 where it could not be known."""
    from slipway.engines.image_contents import ImageContents
    from slipway.engines.sbom import write_sboms
    from slipway.rehearsal.report import Recorder
    from slipway.verbs.vulnerabilities import ask_sources, gather, read_inventories

    built = s.built_images()
    client = s.engine.client()
    recorder = Recorder(s.console)
    inventories = recorder.stage(
        "read images",
        lambda say: (
            found := read_inventories(built, ImageContents(client), say),
            ", ".join(f"{inventory.image} {len(inventory.packages)}" for inventory in found) + " packages",
        ),
    )
    sboms = write_sboms(inventories, ROOT / "reports" / "sbom")
    if sbom_only:
        files = {image: str(file) for image, file in sboms.items()}
        s.finish({"sboms": files}, "\n".join(files.values()))
        return
    answers, silent = recorder.stage(
        "ask sources",
        lambda say: (
            said := ask_sources(_sources(s, client), inventories, sboms, say),
            f"{len(said[0])} answered, {len(said[1])} did not",
        ),
    )
    tell(s, gather(s.workspace, inventories, answers, silent), sboms)


def tell(s: Session, evidence: "Evidence", sboms: "Mapping[str, Path]") -> None:
    """Show what was found and end with what it means: 0, 1, or 3 where the one thing wrong is that nobody answered."""
    from slipway.checks.issue import is_ok, report
    from slipway.checks.vulnerabilities import check_vulnerabilities
    from slipway.verbs.vulnerabilities import Report

    issues = check_vulnerabilities(evidence, s.workspace.vulnerabilities, datetime.now(UTC).date())
    if s.as_json:
        s.console.document({**report(issues), **Report(evidence, sboms).as_json()})
    else:
        rows = [
            (str(f.rating), f.package.name, f.package.version, f.fixed or "-", f.id, ",".join(images))
            for f in evidence.findings()
            if (images := evidence.images_with(f.package))
        ]
        if rows:
            s.console.table(("rating", "package", "version", "fixed in", "advisory", "images"), rows)
        s.console.issues(issues)
    errors = {issue.id for issue in issues if str(issue.severity) == "error"}
    if errors == {"vulnerabilities.unknown"}:
        names = ", ".join(ecosystem.label for ecosystem in evidence.unknown())
        raise Unreachable(
            f"nothing is known of {names} packages: no source answered for them",
            where="inv check.vulnerabilities",
            hint="this is no pass; run it where a source answers",
        )
    answer(is_ok(issues))


def _sources(s: Session, client: "DockerClient") -> "tuple[AdvisorySource, ...]":
    from slipway.engines.advisories.debian_security import DebianSecurity
    from slipway.engines.advisories.npm_registry import NpmRegistry, registry_of
    from slipway.engines.advisories.pip_audit import PipAudit
    from slipway.engines.advisories.scanners import installed_scanners
    from slipway.inventory.npm import NpmLock

    frontend = s.workspace.source / s.workspace.frontend.path
    lock = NpmLock.read(frontend / "package-lock.json")
    base = s.bases(("debian",), s.console.say)["debian"]
    return (
        DebianSecurity(client, base),
        PipAudit("pypi"),
        PipAudit("osv", address=s.process.get("SLIPWAY_OSV_URL", "")),
        NpmRegistry(registry_of(frontend, s.process.get("SLIPWAY_NPM_REGISTRY", ""), lock.registry)),
        *installed_scanners(),
    )
