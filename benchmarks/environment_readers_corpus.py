"""The corpus of tricky lines: the verdict for every set of readers against what the programs themselves read."""

import itertools
import re
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import yaml
from figures import ROOT, Figure

sys.path.insert(0, str(ROOT / "src"))


from slipway.checks.readers.compare import Kind, differences, proofs, spell, texts_of
from slipway.checks.readers.oracle import Oracle
from slipway.config.env_readers import Reader, Reading

if TYPE_CHECKING:
    from slipway.ports import EnvReader

_NAMES = ("python-dotenv", "django-environ", "python-decouple", "docker", "compose", "dotenv", "node", "vite 8", "bash")


def corpus() -> list[dict[str, Any]]:
    """Return the cases: `text`, `meant` of K, and `seen` by readers that take it otherwise."""
    return list(yaml.safe_load((ROOT / "tests/cases/env_lines.yaml").read_text("utf-8")))


def corpus_figures(readers: "Mapping[str, EnvReader]") -> list[Figure]:
    """Return the disagreements of all verdicts, of all offers, and what was noted of the readers once."""
    nine = {reader.reader: reader for name, reader in readers.items() if not name.startswith("vite 5")}
    cases, oracle = corpus(), Oracle(nine)
    sets = [set_ for size in (1, 2, 3, len(nine)) for set_ in itertools.combinations(nine, size)]
    oracle.ask((reader, text) for case in cases for text in {case["text"], *texts_of(case["text"])} for reader in nine)
    oracle.ask(proofs((("K", case["meant"]) for case in cases), list(nine)))
    if oracle.silent:
        raise SystemExit(f"not every reader answered: {oracle.silent}")
    wrong, offers, none = 0, dict[str, str](), 0
    for case in cases:
        for chosen in sets:
            readings = [oracle.readings(nine, case["text"])[reader] for reader in chosen]
            said = [one for one in differences(case["text"], chosen, oracle) if one.kind is not Kind.QUOTES]
            if bool(said) == _alike(readings, _names(case["text"])):
                wrong += 1
                print([str(reader) for reader in chosen], repr(case["text"]), said, file=sys.stderr)
            offer = spell("K", case["meant"], chosen, oracle)
            none += offer is None
            if offer is not None:
                offers[offer.line] = case["meant"]
    disagreeing = sum(not _alike(list(oracle.readings(nine, c["text"]).values()), _names(c["text"])) for c in cases)
    return [
        Figure(f"corpus: lines on which {len(nine)} readers differ, of {len(cases)}", disagreeing, "lines"),
        Figure(f"corpus: verdicts unlike the programs, of {len(cases) * len(sets)}", wrong, "verdicts", "0", not wrong),
        _offers(nine, offers),
        Figure(f"corpus: no spelling for a set of readers, of {len(cases) * len(sets)}", none, "cases"),
        _noted(readers, cases),
    ]


def _alike(readings: Sequence[Reading], names: set[str]) -> bool:
    """Whether all read the same, and just the names that the file assigns to."""
    values = [reading.values for reading in readings]
    return all(found is not None and found == values[0] and set(found) == names for found in values)


def _names(text: str) -> set[str]:
    """Return the names that a text of the corpus assigns to: each is one letter, after `export` or white space."""
    return set(re.findall(r"^[\s\ufeff]*(?:export )?([AKL])(?= *[=:])", text, re.MULTILINE))


def _offers(readers: "Mapping[Reader, EnvReader]", offers: Mapping[str, str]) -> Figure:
    """Every offer is read once more by all readers, between two other lines; those it was made for must agree."""
    oracle = Oracle(readers)
    texts = {line: f"FIRST=1\n{line}LAST=2\n" for line in offers}
    oracle.ask((reader, text) for text in texts.values() for reader in readers)
    wrong = 0
    for line, value in offers.items():
        alone = Oracle(readers)
        alone.ask((reader, line) for reader in readers)
        for reader in readers:
            if (single := alone.reading(reader, line)) and single.values == {"K": value}:
                within = oracle.reading(reader, texts[line])
                wrong += within is None or within.values != {"FIRST": "1", "K": value, "LAST": "2"}
    return Figure(
        f"corpus: offered spellings that a file changes, of {len(offers)}", wrong, "spellings", "0", not wrong
    )


def _noted(readers: "Mapping[str, EnvReader]", cases: Sequence[dict[str, Any]]) -> Figure:
    wrong, asked = 0, 0
    noted = [case for case in cases if "seen" in case]
    for reader in readers.values():
        for case, reading in zip(noted, reader.read([case["text"] for case in noted]), strict=True):
            key = "vite 8" if reader.reader is Reader.VITE else str(reader.reader)
            uncertain = reading.runs_commands or (reader.reader is Reader.BASH and "$$" in case["text"])
            if uncertain or reader.program.startswith("vite 5"):
                continue
            seen = "REJECTED" if reading.values is None else reading.values.get("K")
            asked += 1
            wrong += seen != case["seen"].get(key, case["meant"])
    return Figure(f"corpus: readings unlike those noted of them, of {asked}", wrong, "readings", "0", not wrong)
