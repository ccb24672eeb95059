"""npm's advisories, asked as `npm audit` does: names and versions to the registry's bulk endpoint."""

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from slipway.command import command
from slipway.engines.local_shell import LocalShell
from slipway.engines.web import WebClient
from slipway.errors import Unreachable
from slipway.inventory.advisory import Finding, Rating, SourceAnswer
from slipway.inventory.package import Ecosystem, Inventory, Package
from slipway.inventory.semver import affecting, fixed_by

_ENDPOINT = "-/npm/v1/security/advisories/bulk"
_AT_ONCE = 500
_KNOWN, _VULNERABLE = "minimist", "0.0.8"
"""A package that is known to be vulnerable since 2020 (CVE-2020-7598) is in each question: who answers without naming
it has no advisories, such as a mirror that says `{}` to everything."""


class NpmRegistry:
    """Port `AdvisorySource` for npm packages. `registry` is its address; "" where none is known."""

    def __init__(self, registry: str, *, seconds: float = 30) -> None:
        """Say which registry to ask; `seconds` bounds each of its answers."""
        self.name = "npm audit"
        self.ecosystems = frozenset({Ecosystem.NPM})
        self._registry = registry
        self._seconds = seconds

    def ask(self, inventories: Sequence[Inventory], sboms: dict[str, Path]) -> SourceAnswer:  # noqa: ARG002 - asked by name
        """Ask for every npm package once. Raises `Unreachable` where the registry does not answer as it should."""
        if not self._registry:
            raise Unreachable(
                "no npm registry is known here",
                where=self.name,
                hint="name one: SLIPWAY_NPM_REGISTRY, or `npm config set registry`",
            )
        packages = sorted({package for inventory in inventories for package in inventory.of(Ecosystem.NPM)})
        findings: list[Finding] = []
        names = sorted({package.name for package in packages})
        for begin in range(0, len(names), _AT_ONCE):
            some = set(names[begin : begin + _AT_ONCE])
            findings += self._findings([package for package in packages if package.name in some])
        return SourceAnswer(self.name, frozenset(packages), tuple(findings))

    def cancel(self) -> None:
        """Need nothing: a question holds no more than its connection, which ends with the process."""

    def _findings(self, packages: Sequence[Package]) -> list[Finding]:
        versions: dict[str, list[str]] = {}
        for package in packages:
            versions.setdefault(package.name, []).append(package.version)
        answer = self._answer(versions)
        return [
            finding
            for package in packages
            for advisory in answer.get(package.name, ())
            if (finding := _finding(package, advisory, self.name)) is not None
        ]

    def _answer(self, versions: Mapping[str, list[str]]) -> dict[str, list[dict[str, Any]]]:
        url = f"{self._registry.rstrip('/')}/{_ENDPOINT}"
        host = urlsplit(url).hostname or self._registry
        asked = {**versions, _KNOWN: sorted({*versions.get(_KNOWN, ()), _VULNERABLE})}
        answer = WebClient(timeout=self._seconds).ask("POST", url, json=asked)
        if answer.status != 200:
            raise Unreachable(f"{host} answers {answer.status} to a question for advisories", where=self.name)
        try:
            data = json.loads(answer.body)
        except (ValueError, RecursionError) as error:
            raise Unreachable(f"{host} answers with something that is no JSON", where=self.name) from error
        fits = isinstance(data, dict) and all(
            isinstance(several, list) and all(isinstance(one, dict) for one in several) for several in data.values()
        )
        if not fits:
            raise Unreachable(f"{host} answers with something else than advisories by name", where=self.name)
        if not data.get(_KNOWN):
            told = f"{host} knows no advisory of {_KNOWN} {_VULNERABLE}, so it has none to tell"
            raise Unreachable(told, where=self.name)
        return dict(data)


def registry_of(source: Path, given: str, lock: str) -> str:
    """Return the registry to ask: `given`, npm's own for the checkout, or `lock`, the one it was made with."""
    if given:
        return given
    if shutil.which("npm") and source.is_dir():
        try:
            done = LocalShell().run(command("npm", "--prefix", str(source), "config", "get", "registry", seconds=15))
        except Unreachable:
            done = None
        said = done.stdout.strip() if done and done.ok else ""
        if said.startswith(("https://", "http://")) and len(said.split()) == 1:
            return said
    return lock


def _finding(package: Package, advisory: Mapping[str, Any], source: str) -> Finding | None:
    affected = advisory.get("vulnerable_versions")
    clause = affecting(package.version, affected if isinstance(affected, str) else "*")
    if clause is None:
        return None
    # The number is the registry's own; the advisory's name is the end of its address.
    number, named = str(advisory.get("id", "")), str(advisory.get("url", "")).rstrip("/").rpartition("/")[2]
    called = named if named.startswith(("GHSA-", "CVE-")) else f"NPM-{number or named or 'unnamed'}"
    return Finding(
        package,
        called,
        Rating.of(advisory.get("severity")),
        fixed_by(clause),
        tuple(sorted({f"NPM-{number}"} - {called, "NPM-"})),
        (source,),
    )
