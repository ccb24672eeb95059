import json
from collections.abc import Callable
from pathlib import Path

import pytest

from slipway.errors import Refused, Unreachable
from slipway.rehearsal.report import Recorder
from slipway.secret import Mask, Secret
from slipway.testing import Lines


def read(path: Path) -> dict[str, object]:
    assert path.name == "report.json"
    assert [one.name for one in path.parent.iterdir()] == ["report.json"]
    document: dict[str, object] = json.loads(path.read_text())
    return document


def steps(document: dict[str, object]) -> list[tuple[str, str, str]]:
    listed = document["steps"]
    assert isinstance(listed, list)
    return [(step["name"], step["outcome"], step["observed"]) for step in listed]


def build(say: Callable[[str], None]) -> tuple[int, str]:
    say("building")
    return 5, "five images"


def test_a_whole_rehearsal(tmp_path: Path) -> None:
    said = Lines()
    recorder = Recorder(said, expected=("build", "deploy"))
    assert recorder.stage("build", build) == 5
    recorder.stage("deploy", lambda say: (None, "seven services"))
    recorder.facts["image_sizes"] = {"backend": 5}
    document = read(recorder.write(tmp_path / "reports"))
    assert document["ok"] is True
    assert steps(document) == [("build", "done", "five images"), ("deploy", "done", "seven services")]
    assert document["image_sizes"] == {"backend": 5}
    assert isinstance(document["seconds"], float)
    assert said.lines == ["build ...", "build: building", "deploy ..."]
    assert [result.name for result in said.results] == ["build", "deploy"]


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (Refused("a portal does not compile", where="admin"), "a portal does not compile"),
        (KeyboardInterrupt(), "KeyboardInterrupt"),
        (ZeroDivisionError("x"), "ZeroDivisionError"),
    ],
)
def test_a_failed_or_interrupted_one_is_written_too(tmp_path: Path, error: BaseException, words: str) -> None:
    def deploy(say: Callable[[str], None]) -> tuple[None, str]:
        raise error

    recorder = Recorder(Lines(), expected=("build", "deploy", "verify"))
    recorder.stage("build", build)
    with pytest.raises(type(error)):
        recorder.stage("deploy", deploy)
    document = read(recorder.write(tmp_path))
    assert document["ok"] is False
    assert steps(document) == [("build", "done", "five images"), ("deploy", "failed", words)]


def test_one_interrupted_between_two_stages_is_no_success(tmp_path: Path) -> None:
    recorder = Recorder(Lines(), expected=("build", "deploy"))
    recorder.stage("build", build)
    assert read(recorder.write(tmp_path))["ok"] is False


def test_one_without_a_stage_is_no_success(tmp_path: Path) -> None:
    document = read(Recorder(Lines()).write(tmp_path))
    assert (document["ok"], document["steps"]) == (False, [])


def test_the_report_holds_no_secret_and_takes_any_fact(tmp_path: Path) -> None:
    recorder = Recorder(Lines(), mask=Mask([Secret("hidden-password")]))
    recorder.stage("build", lambda say: (None, "saw hidden-password"))
    recorder.facts |= {"path": tmp_path, "url": ["redis://:hidden-password@x"], "ok": "not the facts' to say"}
    path = recorder.write(tmp_path)
    assert "hidden-password" not in path.read_text()
    document = read(path)
    assert document["ok"] is True
    assert document["path"] == str(tmp_path)


def test_where_it_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "reports").write_text("a file")
    with pytest.raises(Unreachable, match="cannot be written") as raised:
        Recorder(Lines()).write(tmp_path / "reports")
    assert raised.value.where.startswith(str(tmp_path))
