"""Python's advisories, asked through the program pip-audit.

pip-audit ends with 0 and "no known vulnerabilities" where nothing could be asked: it skips every package. So its exit
code proves nothing, and each package counts as answered only where the program's own report says so.
"""

import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from slipway.command import command
from slipway.engines.local_shell import LocalShell
from slipway.errors import Unreachable
from slipway.inventory.advisory import Finding, SourceAnswer
from slipway.inventory.package import Ecosystem, Inventory, Package

_FOUND = (0, 1)


class PipAudit:
    """Port `AdvisorySource` for Python packages. `service` is `pypi` or `osv`, `address` OSV's where it is another.

    The program runs in Slipway's own environment with nothing but names and versions: no index is asked for packages,
    none is installed, and no code of them runs.
    """

    def __init__(self, service: str, *, address: str = "", program: str = "", seconds: float = 90) -> None:
        """Say which service to ask; `seconds` bounds the whole run."""
        self.name = f"pip-audit ({service})"
        self.ecosystems = frozenset({Ecosystem.PYTHON})
        self._program = program or str(Path(sys.executable).with_name("pip-audit"))
        self._options = ("--vulnerability-service", service, *(("--osv-url", address) if address else ()))
        self._seconds = seconds
        self._shell = LocalShell()

    def ask(self, inventories: Sequence[Inventory], sboms: dict[str, Path]) -> SourceAnswer:  # noqa: ARG002 - asked by name
        """Ask for every Python package once. Raises `Unreachable` where the program gives no report."""
        wanted = {
            (package.name, package.version): package
            for inventory in inventories
            for package in inventory.of(Ecosystem.PYTHON)
            if not package.own
        }
        asked: set[Package] = set()
        findings: list[Finding] = []
        reasons: list[str] = []
        for chosen in _one_version_each(wanted.values()):
            for entry in self._report(chosen):
                name = str(entry.get("name", ""))
                package = next((p for p in chosen if p.name == name), None)
                if package is None or "skip_reason" in entry or "version" not in entry:
                    reasons.append(str(entry.get("skip_reason", "it was not in the report"))[:200])
                    continue
                asked.add(package)
                findings += [_finding(package, vulnerability, self.name) for vulnerability in entry.get("vulns", ())]
        return SourceAnswer(self.name, frozenset(asked), tuple(findings), silence=reasons[0] if reasons else "")

    def cancel(self) -> None:
        """End the program that runs, from another thread."""
        self._shell.cancel()

    def _report(self, packages: Sequence[Package]) -> list[dict[str, Any]]:
        with tempfile.TemporaryDirectory(prefix="slipway-audit-") as folder:
            lines = Path(folder, "requirements.txt")
            lines.write_text("".join(f"{package.name}=={package.version}\n" for package in packages))
            done = self._shell.run(
                command(
                    *(self._program, "--requirement", str(lines), "--no-deps", "--disable-pip", "--format", "json"),
                    *("--aliases", "on", "--progress-spinner", "off", "--timeout", "15"),
                    *("--cache-dir", str(Path(folder, "cache")), *self._options),
                    seconds=self._seconds,
                )
            )
        try:
            report = json.loads(done.stdout) if done.code in _FOUND and done.stdout.strip() else None
        except (ValueError, RecursionError):
            report = None
        if not isinstance(report, dict) or not isinstance(report.get("dependencies"), list):
            tail = tuple(line[:300] for line in done.stderr.strip().splitlines()[-1:])
            raise Unreachable(
                f"{self.name} gave no report, exit code {done.code}", where=self.name, details=tail, hint=""
            )
        return [entry for entry in report["dependencies"] if isinstance(entry, dict)]


def _one_version_each(packages: "Sequence[Package] | object") -> list[list[Package]]:
    """Share packages out so that no name stands twice in one file, which pip-audit refuses."""
    files: list[list[Package]] = []
    assert hasattr(packages, "__iter__")
    for package in sorted(packages):
        file = next((file for file in files if all(other.name != package.name for other in file)), None)
        if file is None:
            files.append([package])
        else:
            file.append(package)
    return files


def _finding(package: Package, vulnerability: dict[str, Any], source: str) -> Finding:
    fixes = [str(version) for version in vulnerability.get("fix_versions", ())]
    aliases = tuple(sorted(str(alias) for alias in vulnerability.get("aliases", ())))
    # A CVE is the name that other sources know, too.
    names = (str(vulnerability.get("id", "")), *aliases)
    called = next((name for name in names if name.startswith("CVE-")), names[0])
    return Finding(
        package,
        called,
        fixed=_first_above(package.version, fixes),
        aliases=tuple(name for name in names if name != called),
        sources=(source,),
    )


def _first_above(version: str, fixes: list[str]) -> str:
    """Return the lowest of `fixes` above `version`; the last one where they cannot be compared."""
    from packaging.version import InvalidVersion, Version

    try:
        above = sorted((Version(fix), fix) for fix in fixes if Version(fix) > Version(version))
    except InvalidVersion:
        return fixes[-1] if fixes else ""
    return above[0][1] if above else ""
