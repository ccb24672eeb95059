"""What sources said is remembered until one of them changes, and a broken memory costs time only."""

import json
import os
import stat
import time
from pathlib import Path

import pytest

from slipway.engines.source_reader import read_sources
from slipway.sources import record
from slipway.sources import walk as walking
from slipway.sources.scan import scan
from slipway.sources.walk import walk

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    folder.mkdir()
    (folder / "a.py").write_text('import os\nos.environ["A"]\n')
    past = time.time() - 60
    os.utime(folder / "a.py", (past, past))
    return folder


def names(source: Path, memory: Path) -> list[str]:
    return [use.name for use in read_sources(walk(source), memory).uses]


def forbidden(*_: object) -> None:
    raise AssertionError("was read again")


def test_what_was_found_survives_the_way_through_the_file() -> None:
    for below, settings in (("example/zamio_backend", "example/zamio_backend/core/settings.py"), ("runtime/src", "")):
        found = scan(walk(REPOSITORY, (below,)), settings)
        assert found.uses
        assert record.found(json.loads(json.dumps(record.plain(found)))) == found


def test_an_unchanged_checkout_is_read_once(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    memory = tmp_path / "kept" / "sources.json"
    assert names(source, memory) == ["A"]
    assert stat.S_IMODE(memory.stat().st_mode) == 0o600
    assert [file.name for file in memory.parent.iterdir()] == ["sources.json"]
    monkeypatch.setattr("slipway.sources.scan.scan", forbidden)
    assert names(source, memory) == ["A"]


def test_a_change_a_new_file_and_another_settings_file_are_seen(source: Path, tmp_path: Path) -> None:
    memory = tmp_path / "sources.json"
    names(source, memory)
    (source / "a.py").write_text('import os\nos.environ["B"]\n')
    assert names(source, memory) == ["B"]
    (source / "b.py").write_text('import os\nos.environ["C"]\n')
    assert names(source, memory) == ["B", "C"]
    assert read_sources(walk(source), memory, settings="a.py").assigned == ()


def test_an_env_file_is_no_source_and_makes_nothing_be_read_again(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = tmp_path / "sources.json"
    names(source, memory)
    monkeypatch.setattr("slipway.sources.scan.scan", forbidden)
    (source / ".env").write_text("A=1\n")
    (source / "package.json").write_text("{}")
    assert names(source, memory) == ["A"]


def test_a_file_written_within_the_same_moment_is_read_again(source: Path, tmp_path: Path) -> None:
    memory = tmp_path / "sources.json"
    now = time.time()
    (source / "a.py").write_text('import os\nos.environ["B"]\n')
    os.utime(source / "a.py", (now, now))
    assert names(source, memory) == ["B"]
    (source / "a.py").write_text('import os\nos.environ["C"]\n')
    os.utime(source / "a.py", (now, now))
    assert names(source, memory) == ["C"]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"[]",
        b'{"key": 1}',
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"key": "KEY", "found": {}}',
        b'{"key": "KEY", "found": 3}',
    ],
)
def test_a_memory_that_is_broken_is_made_anew(source: Path, tmp_path: Path, data: bytes) -> None:
    memory = tmp_path / "sources.json"
    names(source, memory)
    key = json.loads(memory.read_bytes())["key"].encode()
    memory.write_bytes(data.replace(b"KEY", key))
    assert names(source, memory) == ["A"]
    assert json.loads(memory.read_bytes())["key"].encode() == key


def test_a_memory_that_cannot_be_written_stops_nothing(source: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert names(source, tmp_path / "file" / "sources.json") == ["A"]


def test_other_readers_read_anew(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    memory = tmp_path / "sources.json"
    names(source, memory)
    before = json.loads(memory.read_bytes())["key"]
    monkeypatch.setattr(walking, "__file__", str(tmp_path / "elsewhere" / "walk.py"))
    names(source, memory)
    assert json.loads(memory.read_bytes())["key"] != before
