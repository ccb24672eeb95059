"""The real programs read the corpus as it was once noted of them: what the checks say rests on their answers."""

import subprocess
from pathlib import Path

import pytest

from slipway.checks.readers.compare import differences, offered, texts_of
from slipway.checks.readers.lines import is_plain_file
from slipway.checks.readers.oracle import Oracle
from slipway.config.env_readers import Reader, Reading
from slipway.engines.readers.compose import Compose
from slipway.engines.readers.docker_client import DockerClient
from slipway.engines.readers.machine import machine_readers
from slipway.ports import EnvReader
from tests.engines.readers.asked import EVERYWHERE, corpus, readers

ROOT = Path(__file__).resolve().parents[3]
FETCH = ROOT / "src/slipway/rehearsal/standin/fetch-compose.sh"


def wrong(reader: EnvReader) -> list[str]:
    cases = [case for case in corpus() if "seen" in case]
    found = []
    for case, reading in zip(cases, reader.read([case["text"] for case in cases]), strict=True):
        expected = case["seen"].get(reader.reader.value, case["meant"])
        if reading.runs_commands or (reader.reader is Reader.BASH and "$$" in case["text"]):  # its process's number
            continue
        seen = "REJECTED" if reading.values is None else reading.values.get("K")
        if seen != expected:
            found.append(f"{case['text']!r}: {seen!r}, not {expected!r}")
    return found


@pytest.mark.parametrize("reader", EVERYWHERE)
def test_each_reader_reads_the_corpus_as_noted(reader: Reader) -> None:
    assert wrong(readers()[reader]) == []


@pytest.mark.docker
def test_compose_and_the_docker_client_read_the_corpus_as_noted() -> None:
    tools = ROOT / ".slipway" / "tools"
    subprocess.run(["sh", str(FETCH), str(tools)], check=True)
    found = machine_readers(tools)
    for reader in (Reader.COMPOSE, Reader.DOCKER):
        assert isinstance(found[reader], Compose | DockerClient)
        assert wrong(found[reader]) == []


def test_the_verdict_over_the_corpus_is_what_the_programs_say_and_every_offer_is_read_as_meant() -> None:
    oracle = Oracle(readers())
    texts = [case["text"] for case in corpus()]
    oracle.ask((reader, text) for whole in texts for text in texts_of(whole) for reader in EVERYWHERE)
    proved = []
    for whole in texts:
        found = offered(differences(whole, EVERYWHERE, oracle), EVERYWHERE, oracle)
        seen = [] if is_plain_file(whole) else list(oracle.readings(EVERYWHERE, whole).values())
        assert bool(found) == (not _alike(seen)), whole
        proved += [(one.offer.line, {one.name: one.meaning}) for one in found if one.offer is not None]
    assert len(proved) > 10
    for reader in readers().values():
        again = reader.read([line for line, _ in proved])
        assert [reading.values for reading in again] == [values for _, values in proved]
    assert oracle.silent == {}


def _alike(readings: list[Reading]) -> bool:
    return all(reading.values is not None and reading.values == readings[0].values for reading in readings)
