"""Coolify's encoder: what it stores goes through Coolify's own writers, restated, into the real Compose and bash."""

import itertools
import json
import random
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from figures import ROOT, Figure

sys.path.insert(0, str(ROOT / "src"))


from slipway.config.env_readers import Reader
from slipway.rehearsal.standin.env_file import encoded, looks_like_json
from slipway.release.carried import Carried, carry

if TYPE_CHECKING:
    from slipway.ports import EnvReader

_NASTY = " \"'`$#\\&;|<>(){}[]~=:,\t\n" + "ab1é"
_PIECES = (
    '{"a":"',
    '"}',
    "$x",
    "${",
    "$$",
    " #",
    "it's",
    "\\'",
    "\\",
    "'",
    '"',
    "{{team.X}}",
    "p$w0rd",
    "C:\\new",
    "x",
)
_PHASES = ((True, False), (False, True), (True, True))
_SHORT = "\\'a$\""
_TOGETHER = 200


def encoder_figures(readers: "Mapping[str, EnvReader]", values: int, chance: random.Random) -> list[Figure]:
    """Return how many of `values` arrive otherwise, and how many refusals a search through all spellings refutes."""
    compose = next(reader for reader in readers.values() if reader.reader is Reader.COMPOSE)
    bash = next(reader for reader in readers.values() if reader.reader is Reader.BASH)
    made = [_value(chance) for _ in range(values)]
    found = [
        (value, *phases, carry("V", value, run=phases[0], build=phases[1])) for value in made for phases in _PHASES
    ]
    carried = [(value, run, build, answer) for value, run, build, answer in found if isinstance(answer, Carried)]
    runs = [(value, _run_line(answer)) for value, run, _, answer in carried if run]
    builds = [(value, _build_line(answer)) for value, _, build, answer in carried if build]
    wrong = _misread(compose, runs) + _misread(bash, builds)
    refused = len(found) - len(carried)
    told = f"encoder: {values} values x 3 phases, {len(carried)} carried, arriving otherwise"
    return [
        Figure(told, wrong, "values", "0", not wrong),
        Figure(f"encoder: refused of {len(found)}", refused, "values"),
        _refuted(compose),
    ]


def _value(chance: random.Random) -> str:
    kind = chance.random()
    if kind < 0.2:
        return json.dumps(
            {"a": "".join(chance.choices(_NASTY, k=chance.randint(0, 9)))}, ensure_ascii=chance.random() < 0.5
        )
    if kind < 0.5:
        return "".join(chance.choices(_PIECES, k=chance.randint(1, 5)))
    return "".join(chance.choices(_NASTY, k=chance.randint(1, 14)))


def _run_line(answer: Carried) -> str:
    """Return the value as Coolify writes it for the container, by the stand-in's writer."""
    return encoded(answer.text, is_literal=answer.is_literal, is_multiline=answer.is_multiline) or ""


def _build_line(answer: Carried) -> str:
    """Return the value as Coolify writes it for bash (literal: quotes off, then escapeBashEnvValue)."""
    assert answer.is_literal or answer.is_multiline
    real = answer.text if looks_like_json(answer.text) else f"'{answer.text}'"
    quoted = real.strip("'").replace("'", "'\\''")
    return f"'{quoted}'"


def _misread(reader: "EnvReader", lines: Sequence[tuple[str, str]]) -> int:
    """Write many into each file, as Coolify does; return how many arrive otherwise."""
    parts = [lines[start : start + _TOGETHER] for start in range(0, len(lines), _TOGETHER)]
    files = ["".join(f"V{number}={written}\n" for number, (_, written) in enumerate(part)) for part in parts]
    wrong = 0
    for part, reading in zip(parts, reader.read(files), strict=True):
        found = reading.values or {}
        bad = [value for number, (value, _) in enumerate(part) if not _same(found.get(f"V{number}"), value)]
        wrong += len(bad) + max(0, len(found) - len(part))
        if bad:
            print(reader.program, reading.reason, [repr(value) for value in bad[:3]], file=sys.stderr)
    return wrong


def _same(found: str | None, value: str) -> bool:
    """Whether it is the value; ` #` in JSON may arrive as the same JSON."""
    if found == value:
        return True
    return found is not None and looks_like_json(value) and " #" in value and json.loads(found) == json.loads(value)


def _refuted(compose: "EnvReader") -> Figure:
    """Look for a refusal of a short value that is wrong: try all texts of up to four, with both flags."""
    short = ["".join(letters) for size in (1, 2) for letters in itertools.product(_SHORT, repeat=size)]
    refused = {value for value in short if not isinstance(carry("V", value), Carried)}
    texts = ["".join(letters) for size in (1, 2, 3, 4) for letters in itertools.product(_SHORT, repeat=size)]
    lines = {encoded(text, is_literal=flag, is_multiline=False) for text in texts for flag in (True, False)}
    readings = compose.read([f"V={line}\nW=1\n" for line in sorted(filter(None, lines))])
    reached = {reading.values["V"] for reading in readings if reading.values and set(reading.values) == {"V", "W"}}
    wrong = len(refused & reached) + len([value for value in short if value not in refused | reached])
    return Figure(
        f"encoder: {len(refused)} of {len(short)} short values refused, refuted by all {len(lines)} ways to store one",
        wrong,
        "values",
        "0",
        not wrong,
    )
