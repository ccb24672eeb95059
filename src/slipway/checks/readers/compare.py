"""Where the readers of one file differ, and the spelling that they all take for what is meant."""

import itertools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from slipway.checks.readers.lines import Chunk, chunks, is_plain_file, meant
from slipway.checks.readers.oracle import Oracle
from slipway.checks.readers.spellings import Spelling, spellings
from slipway.config.env_readers import Reader, Reading

MOST_CHUNKS = 200
"""Lines of one file that programs are asked about; more would take minutes where each is refused."""
MOST_OFFERS = 40
"""Lines of all files that a spelling is looked for."""
_SIMPLE = 4


# A keyword of Content-Security-Policy is one only in its quotes, which every reader takes off.
_KEYWORD = re.compile(r"(\w+)=('(?:self|none|unsafe-[a-z-]+|strict-dynamic|report-sample|(?:nonce|sha\d+)-[^']+)')\s*")


class Kind(StrEnum):
    """What is wrong with a line."""

    COMMAND = "command"
    REJECTED = "rejected"
    INVENTED = "invented"
    DIFFER = "differ"
    QUOTES = "quotes"


@dataclass(frozen=True, slots=True)
class Difference:
    """A line that does not mean one thing. `groups` are the readers that agree, in words what each sees.

    `offer` is a spelling that all of them take for what is meant; None with `meaning` means that there is none, and
    None without it that the line does not tell what is meant.
    """

    line: int
    name: str
    kind: Kind
    groups: tuple[tuple[tuple[Reader, ...], str], ...]
    meaning: str | None = field(default=None, repr=False)
    offer: Spelling | None = None


def texts_of(text: str) -> list[str]:
    """Return what has to be asked about a file; nothing where every line is plain."""
    if is_plain_file(text):
        return []
    parts = _some(text)
    return [text, *(chunk.context + chunk.text for chunk in parts), *(part.context for part in parts if part.context)]


def differences(text: str, readers: Sequence[Reader], oracle: Oracle) -> list[Difference]:
    """Return what is wrong with a file whose `texts_of` the oracle has been asked about."""
    found = [one for chunk in _some(text) if (one := _difference(chunk, readers, oracle)) is not None]
    told = {difference.name for difference in found}
    return found + [one for one in _as_a_whole(text, readers, oracle) if one.name not in told]


def offered(found: Iterable[Difference], readers: Sequence[Reader], oracle: Oracle) -> list[Difference]:
    """Return the differences, each with a spelling that is proved where there is one; the simple ones are asked first.

    Beyond `MOST_OFFERS` none is looked for, and no meaning is told.
    """
    listed = [one if at < MOST_OFFERS and one.name else replace(one, meaning=None) for at, one in enumerate(found)]
    for simple in (True, False):
        left = [one for one in listed if one.meaning is not None and one.offer is None]
        oracle.ask(proofs(((one.name, one.meaning or "") for one in left), readers, simple=simple))
        listed = [_with_offer(one, readers, oracle) for one in listed]
    return listed


def proofs(
    values: Iterable[tuple[str, str]], readers: Sequence[Reader], *, simple: bool = False
) -> Iterator[tuple[Reader, str]]:
    """Yield what has to be asked before `spell` can tell of these names and values; `simple` ways only, or all."""
    for name, value in values:
        for way in itertools.islice(spellings(name, value), _SIMPLE if simple else None):
            yield from ((reader, _within(way.line, reader)) for reader in readers)


def spell(name: str, value: str, readers: Sequence[Reader], oracle: Oracle) -> Spelling | None:
    """Return the plainest spelling that every reader that answers takes for `value`; the oracle has been asked."""
    for way in spellings(name, value):
        found = [oracle.reading(reader, _within(way.line, reader)) for reader in readers if reader not in oracle.silent]
        if found and all(reading is not None and _is_proof(reading, name, value) for reading in found):
            return way
    return None


def _within(line: str, reader: Reader) -> str:
    """Return a file around a line: a quote that it leaves open would find its end in one of the lines after it."""
    back = "" if reader is Reader.BASH else "ZZ_3=`z`\n"
    return f"{line}ZZ_1='z'\nZZ_2=\"z\"\n{back}ZZ_4=z\n"


def _is_proof(reading: Reading, name: str, value: str) -> bool:
    values = reading.values or {}
    own = {found: text for found, text in values.items() if not found.startswith("ZZ_")}
    return own == {name: value} and values.get("ZZ_1", "").strip("'") == "z" and values.get("ZZ_4") == "z"


def _some(text: str) -> list[Chunk]:
    return list(itertools.islice(chunks(text), MOST_CHUNKS))


def has_more(text: str) -> bool:
    """Whether a file has more lines to ask about than are asked."""
    return next(itertools.islice(chunks(text), MOST_CHUNKS, None), None) is not None


def _difference(chunk: Chunk, readers: Sequence[Reader], oracle: Oracle) -> Difference | None:
    readings = oracle.readings(readers, chunk.context + chunk.text)
    context = oracle.readings(readers, chunk.context) if chunk.context else {}
    seen = {reader: _own(reading, context.get(reader)) for reader, reading in readings.items()}
    expected = {chunk.name} if chunk.name else set()
    values = list(seen.values())
    alike = all(value == values[0] for value in values[1:])
    if not values:
        return None
    if alike and values[0] is not None and set(values[0]) == expected:
        keyword = _KEYWORD.fullmatch(chunk.text)
        if keyword is None or values[0][chunk.name] == keyword[2]:
            return None
        return Difference(chunk.line, chunk.name, Kind.QUOTES, _groups(readings, seen, chunk.name), keyword[2])
    kind = _kind(readings.values(), values, expected)
    return Difference(chunk.line, chunk.name, kind, _groups(readings, seen, chunk.name), meant(chunk))


def _own(reading: Reading, context: Reading | None) -> dict[str, str] | None:
    """Return what a chunk itself gave, without the lines that it refers to."""
    if reading.values is None:
        return None
    known = context.values if context is not None and context.values is not None else {}
    return {name: value for name, value in reading.values.items() if known.get(name) != value}


def _kind(readings: Iterable[Reading], values: Sequence[dict[str, str] | None], expected: set[str]) -> Kind:
    if any(reading.runs_commands for reading in readings):
        return Kind.COMMAND
    if any(value is None or not expected <= set(value) for value in values):
        return Kind.REJECTED
    return Kind.INVENTED if any(value is not None and set(value) - expected for value in values) else Kind.DIFFER


def _groups(
    readings: Mapping[Reader, Reading], seen: Mapping[Reader, dict[str, str] | None], name: str
) -> tuple[tuple[tuple[Reader, ...], str], ...]:
    found: dict[tuple[str, str], list[Reader]] = {}
    values: list[str] = []
    for reader, own in seen.items():
        reading = readings[reader]
        if own is None:
            told = reading.reason
        elif name not in own:
            told = "does not see it" if name else f"sees {len(own)} variables"
        else:
            if own[name] not in values:
                values.append(own[name])
            told = f"reads {'ABCDEFGHI'[values.index(own[name])]}"
            if len(own) > 1:
                told += f" and {len(own) - 1} more variable(s)"
        found.setdefault((told, ""), []).append(reader)
    return tuple((tuple(readers), told) for (told, _), readers in found.items())


def _as_a_whole(text: str, readers: Sequence[Reader], oracle: Oracle) -> Iterator[Difference]:
    """Yield names that differ in the whole file alone: twice set, or swallowed by a line before."""
    readings = oracle.readings(readers, text)
    whole = {reader: reading.values for reader, reading in readings.items() if reading.values is not None}
    names = dict.fromkeys(name for values in whole.values() for name in values)
    lines = text.split("\n")
    for name in names:
        if len({values.get(name) for values in whole.values()}) > 1:
            places = [number for number, line in enumerate(lines, 1) if line.lstrip().startswith(f"{name}=")]
            own = {reader: {name: values[name]} if name in values else {} for reader, values in whole.items()}
            missing = any(name not in values for values in whole.values())
            groups = _groups(readings, own, name)
            yield Difference(places[-1] if places else 1, name, Kind.REJECTED if missing else Kind.DIFFER, groups)


def _with_offer(one: Difference, readers: Sequence[Reader], oracle: Oracle) -> Difference:
    if one.meaning is None or one.offer is not None:
        return one
    return replace(one, offer=spell(one.name, one.meaning, readers, oracle))
