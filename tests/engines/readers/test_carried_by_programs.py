"""What the encoder stores, written as Coolify writes it, read by the programs that read it there."""

import json
import random
import subprocess
from pathlib import Path

import pytest

from slipway.config.env_readers import Reader
from slipway.engines.readers.machine import machine_readers
from slipway.ports import EnvReader
from slipway.rehearsal.standin.env_file import encoded, looks_like_json
from slipway.release.carried import Carried, carry
from tests.engines.readers.asked import readers

ROOT = Path(__file__).resolve().parents[3]
FETCH = ROOT / "src/slipway/rehearsal/standin/fetch-compose.sh"
PIECES = (
    "it's",
    "\\'",
    "\\",
    "'",
    '"',
    "$x",
    "${",
    "$$",
    " #",
    '{"a":"',
    '"}',
    "p$w0rd",
    "C:\\new",
    "\n",
    "`x`",
    "é",
    ";&|",
)


def carried(*, run: bool, build: bool) -> dict[str, Carried]:
    chance = random.Random(5)
    values = {"".join(chance.choices(PIECES, k=chance.randint(1, 5))) for _ in range(600)}
    values |= {json.dumps({"a": value}) for value in list(values)[:100]}
    found = {value: carry("V", value, run=run, build=build) for value in sorted(values)}
    return {value: answer for value, answer in found.items() if isinstance(answer, Carried)}


def arrived(reader: EnvReader, written: list[str]) -> list[str | None]:
    (reading,) = reader.read(["".join(f"V{number}={text}\n" for number, text in enumerate(written))])
    assert reading.values is not None
    assert len(reading.values) == len(written)
    return [reading.values.get(f"V{number}") for number in range(len(written))]


def as_meant(found: str | None, value: str) -> bool:
    same_json = (
        " #" in value and looks_like_json(value) and found is not None and json.loads(found) == json.loads(value)
    )
    return found == value or same_json


@pytest.mark.parametrize("run", [False, True])
def test_bash_gets_for_the_build_what_was_meant(run: bool) -> None:
    """`EnvironmentVariable::realValue`, its quotes cut off, then `escapeBashEnvValue`."""
    stored = carried(run=run, build=True)
    real = [one.text if looks_like_json(one.text) else f"'{one.text}'" for one in stored.values()]
    written = ["'" + text.strip("'").replace("'", "'\\''") + "'" for text in real]
    assert len(stored) > 200
    found = arrived(readers()[Reader.BASH], written)
    assert [value for value, got in zip(stored, found, strict=True) if not as_meant(got, value)] == []


@pytest.mark.docker
def test_compose_gets_for_the_container_what_was_meant() -> None:
    tools = ROOT / ".slipway" / "tools"
    subprocess.run(["sh", str(FETCH), str(tools)], check=True)
    stored = carried(run=True, build=False)
    written = [
        encoded(one.text, is_literal=one.is_literal, is_multiline=one.is_multiline) or "" for one in stored.values()
    ]
    assert len(stored) > 300
    found = arrived(machine_readers(tools)[Reader.COMPOSE], written)
    assert [value for value, got in zip(stored, found, strict=True) if not as_meant(got, value)] == []
