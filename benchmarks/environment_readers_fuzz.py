"""Lines made at random, read by the real programs: plain ones must mean themselves, offered ones what was meant."""

import random
import string
import sys
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from figures import ROOT, Figure

sys.path.insert(0, str(ROOT / "src"))


from slipway.checks.readers.compare import proofs, spell
from slipway.checks.readers.lines import is_plain
from slipway.checks.readers.oracle import Oracle
from slipway.config.env_readers import Reader

if TYPE_CHECKING:
    from slipway.ports import EnvReader

_TOGETHER = 200
_LETTERS = string.ascii_letters + string.digits
_SAFE = _LETTERS + "!%*+,-./:=?@[]^_{}~"
_ANY = string.printable.replace("\n", "") + "äß€ \u00a0\ufeff"
_NASTY = " \"'`$#\\&;|<>(){}~=:\n" + "ab1"
_SETS = (
    (Reader.PYTHON_DOTENV, Reader.COMPOSE),
    (Reader.COMPOSE, Reader.BASH),
    (Reader.DJANGO_ENVIRON, Reader.NODE),
    (Reader.VITE, Reader.COMPOSE),
    (Reader.PYTHON_DOTENV, Reader.NODE_DOTENV, Reader.DOCKER),
    (Reader.PYTHON_DOTENV, Reader.DECOUPLE, Reader.COMPOSE, Reader.NODE, Reader.BASH),
)


def fuzz_figures(readers: "Mapping[str, EnvReader]", lines: int, chance: random.Random) -> list[Figure]:
    """Return how many of `lines` were read otherwise than the classifier or the offer said."""
    plain, seen = list[tuple[str, str, str]](), 0
    while len(plain) < lines:
        seen += 1
        name = chance.choice(_LETTERS[:52]) + "".join(chance.choices(_LETTERS + "_", k=chance.randint(0, 8)))
        value = _value(chance)
        line = f"#{value}" if chance.random() < 0.05 else f"{name}={value}"
        if is_plain(line):
            plain.append((line, name, value))
    files = [_file(plain[start : start + _TOGETHER]) for start in range(0, lines, _TOGETHER)]
    wrong = sum(_misread(reader, files) for reader in readers.values())
    asked = f"{lines} plain lines (of {seen} made) by {len(readers)} readers"
    return [
        Figure(f"fuzz: {asked}, read otherwise than they say", wrong, "lines", "0", not wrong),
        _offers(readers, lines // 250, chance),
    ]


def _value(chance: random.Random) -> str:
    letters = _SAFE if chance.random() < 0.9 else _ANY
    return "".join(chance.choices(letters, k=min(60, int(chance.expovariate(0.12)))))


def _file(lines: Iterable[tuple[str, str, str]]) -> tuple[str, dict[str, str]]:
    """Return a file of lines that do not share a name, and what it says."""
    said: dict[str, str] = {}
    text = ""
    for number, (line, name, value) in enumerate(lines):
        if line.startswith("#"):
            text += f"{line}\n"
        else:
            own = f"{name}_{number}"
            said[own] = value
            text += f"{own}={value}\n"
    return text, said


def _misread(reader: "EnvReader", files: list[tuple[str, dict[str, str]]]) -> int:
    wrong = 0
    for (_, said), reading in zip(files, reader.read([text for text, _ in files]), strict=True):
        found = reading.values or {}
        names = {name for name in {*found, *said} if found.get(name) != said.get(name)}
        wrong += len(names)
        if names:
            print(reader.program, reading.reason, sorted(names)[:3], file=sys.stderr)
    return wrong


def _offers(readers: "Mapping[str, EnvReader]", values: int, chance: random.Random) -> Figure:
    """Offer spellings of random values to sets of readers, then have each set read all of its offers in one file."""
    eight = {reader.reader: reader for name, reader in readers.items() if not name.startswith("vite 5")}
    oracle, wanted = Oracle(eight), list[tuple[tuple[Reader, ...], str, str]]()
    for number in range(values):
        value = "".join(chance.choices(_NASTY, k=chance.randint(1, 9)))
        wanted.append((_SETS[number % len(_SETS)], f"N{number}", value))
    oracle.ask(question for set_, name, value in wanted for question in proofs([(name, value)], set_))
    if oracle.silent:
        raise SystemExit(f"not every reader answered: {oracle.silent}")
    files: dict[tuple[Reader, ...], tuple[str, dict[str, str]]] = {}
    for set_, name, value in wanted:
        if (offer := spell(name, value, set_, oracle)) is not None:
            text, said = files.get(set_, ("", {}))
            files[set_] = (text + offer.line, {**said, name: value})
    wrong = sum(_misread(eight[reader], [file]) for set_, file in files.items() for reader in set_)
    count = sum(len(said) for _, said in files.values())
    return Figure(
        f"fuzz: {count} offers for {values} nasty values, read otherwise than meant", wrong, "lines", "0", not wrong
    )
