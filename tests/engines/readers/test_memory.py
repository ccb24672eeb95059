"""What readers were found to differ in is remembered until a file or a program changes."""

import json
import os
import stat
import time
from pathlib import Path

import pytest

from slipway.checks.issue import Issue, Severity
from slipway.config.env_readers import Reader
from slipway.engines.readers.memory import Answer, remembered
from slipway.sources.walk import walk

ISSUE = Issue("readers.differ", Severity.ERROR, "K", ".env:1", "m", "h")


class Finding:
    """Finds one issue that hangs on bash, and counts how often; `bash` is its stamp now."""

    def __init__(self, source: Path, issue: Issue = ISSUE) -> None:
        self.source, self.issue = source, issue
        self.memory = source.parent / "kept" / "readers.json"
        self.times, self.bash = 0, "5.2"

    def find(self) -> Answer:
        self.times += 1
        return Answer([self.issue], {Reader.BASH: self.bash}, {"vite": "vite@^5.0.0"})

    def ask(self) -> list[Issue]:
        def stamps(wanted: object, which: list[Reader]) -> dict[Reader, str]:
            assert wanted == {"vite": "vite@^5.0.0"}
            return dict.fromkeys(which, self.bash)

        return remembered(self.memory, walk(self.source), stamps, self.find)


def write(file: Path, text: str) -> None:
    """Write a file that has lain there for a while."""
    file.write_text(text)
    past = time.time() - 60
    os.utime(file, (past, past + len(text)))


@pytest.fixture
def finding(tmp_path: Path) -> Finding:
    (tmp_path / "source").mkdir()
    write(tmp_path / "source" / ".env", "K=hunter2 x\n")
    return Finding(tmp_path / "source")


def test_the_second_time_nobody_is_asked_and_no_value_is_kept(finding: Finding) -> None:
    assert finding.ask() == finding.ask() == [ISSUE]
    assert finding.times == 1
    assert "hunter2" not in finding.memory.read_text()
    assert stat.S_IMODE(finding.memory.stat().st_mode) == 0o600


@pytest.mark.parametrize("name", [".env", "new.env", "Makefile", "package.json", "core/settings.py"])
def test_a_file_that_changes_or_comes_has_everybody_asked(finding: Finding, name: str) -> None:
    finding.ask()
    (finding.source / "core").mkdir()
    write(finding.source / name, "K=other\n")
    finding.ask()
    assert finding.times == 2


def test_another_program_is_asked(finding: Finding) -> None:
    finding.ask()
    finding.bash = "5.3"
    finding.ask()
    finding.ask()
    assert finding.times == 2


def test_nothing_is_remembered_while_a_program_is_missing(finding: Finding) -> None:
    finding.issue = Issue("readers.not-asked", Severity.INFO, "vite", ".env", "m")
    assert finding.ask() == [finding.issue]
    assert not finding.memory.exists()


@pytest.mark.parametrize(
    "spoilt",
    ["", "[]", "{", "nonsense", '{"key": "KEY"}', "[" * 100_000]
    + [
        f'{{"key": "KEY", "found": {found}}}'
        for found in (
            "null",
            "3",
            "{}",
            '{"issues": [{"id": 1}], "stamps": {}, "wanted": {}}',
            '{"issues": [], "stamps": {"nobody": ""}, "wanted": {}}',
            '{"issues": [], "stamps": [], "wanted": {}}',
            '{"issues": 3, "stamps": {}, "wanted": {}}',
        )
    ],
    ids=range(13),
)
def test_a_spoilt_memory_is_none(finding: Finding, spoilt: str) -> None:
    finding.ask()
    finding.memory.write_text(spoilt.replace("KEY", json.loads(finding.memory.read_text())["key"]))
    assert finding.ask() == finding.ask() == [ISSUE]
    assert finding.times == 2
