"""Look for known vulnerabilities: read each image, ask every source at once, hold what was found against the policy."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from slipway.checks.vulnerabilities import Evidence
from slipway.config.document import read_document
from slipway.config.fault import shown
from slipway.config.workspace import Workspace
from slipway.errors import SlipwayError
from slipway.inventory.advisory import Silence, SourceAnswer
from slipway.inventory.package import Ecosystem, Inventory
from slipway.ports import AdvisorySource, BuiltImage, Contents, Say
from slipway.verbs.at_once import at_once

_AT_ONCE = 3


def read_inventories(built: Mapping[str, BuiltImage], contents: Contents, say: Say) -> tuple[Inventory, ...]:
    """Return what each image holds. Raises `Unreachable` when the engine does not answer."""

    def read(image: BuiltImage) -> Inventory:
        seen = contents.inventory(image)
        say(f"{image.name}: {len(seen.packages)} packages")
        return seen

    return tuple(at_once([partial(read, image) for image in built.values()], _AT_ONCE, contents.cancel))


def ask_sources(
    sources: Sequence[AdvisorySource], inventories: tuple[Inventory, ...], sboms: Mapping[str, Path], say: Say
) -> tuple[tuple[SourceAnswer, ...], tuple[Silence, ...]]:
    """Ask all sources at once; return what they answered, and of those that did not, why."""

    def ask(source: AdvisorySource) -> SourceAnswer | SlipwayError:
        try:
            return source.ask(inventories, dict(sboms))
        except SlipwayError as error:
            return error

    def cancel() -> None:
        for source in sources:
            source.cancel()

    answers: list[SourceAnswer] = []
    silent: list[Silence] = []
    said = at_once([partial(ask, source) for source in sources], len(sources), cancel)
    for source, answer in zip(sources, said, strict=True):
        if isinstance(answer, SourceAnswer) and (answer.asked or answer.strangers):
            answers.append(answer)
            say(f"{source.name}: answered for {len(answer.asked)} packages, {len(answer.findings)} findings")
        elif isinstance(answer, SourceAnswer):
            silent.append(Silence(source.name, source.ecosystems, answer.silence or "it was asked for nothing"))
        else:
            words = "; ".join((answer.message, *(line[:160] for line in answer.details[-1:])))
            silent.append(Silence(source.name, source.ecosystems, words))
    for one in silent:
        say(f"{one.source}: no answer: {one.why}")
    return tuple(answers), tuple(silent)


def gather(
    workspace: Workspace,
    inventories: tuple[Inventory, ...],
    answers: tuple[SourceAnswer, ...],
    silent: tuple[Silence, ...],
) -> Evidence:
    """Return all that was seen, with the place of each entry of the policy."""
    document, _ = read_document(workspace.file, shown(workspace.file))
    count = len(workspace.vulnerabilities.ignore)
    places = [document.where(("vulnerabilities", "ignore", n)) for n in range(count)] if document else []
    expected = {name: frozenset({Ecosystem.DEBIAN, Ecosystem.NPM}) for name in workspace.frontend.portals}
    expected["backend"] = frozenset({Ecosystem.DEBIAN, Ecosystem.PYTHON})
    return Evidence(inventories, answers, silent, places, expected)


@dataclass(frozen=True, slots=True)
class Report:
    """What `--format json` adds to the contract of a check."""

    evidence: Evidence
    sboms: Mapping[str, Path]

    def as_json(self) -> dict[str, object]:
        """Return findings by severity, sources, and where the SBOMs lie."""
        evidence = self.evidence
        return {
            "findings": [
                {
                    "id": f.id,
                    "aliases": list(f.aliases),
                    "rating": str(f.rating),
                    "ecosystem": f.package.ecosystem.label,
                    "package": f.package.name,
                    "version": f.package.version,
                    "fixed": f.fixed or None,
                    "purl": f.package.purl,
                    "images": list(evidence.images_with(f.package)),
                    "sources": list(f.sources),
                }
                for f in evidence.findings()
            ],
            "sources": [
                *(
                    {"name": a.source, "answered": len(a.asked), "why": a.silence, "blind": a.blind}
                    for a in evidence.answers
                ),
                *({"name": one.source, "answered": 0, "why": one.why, "blind": ""} for one in evidence.silent),
            ],
            "unknown": [ecosystem.label for ecosystem in evidence.unknown()],
            "sboms": {image: str(file) for image, file in self.sboms.items()},
        }
