"""Waiting for what is not there yet: the pauses, the deadline, the reason."""

import time

import pytest
from slipway_runtime import waiting


def test_it_asks_again_with_longer_pauses_until_it_is_there(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(time, "sleep", pauses.append)
    answers = iter([*[OSError("refused")] * 7, None])

    def ask() -> None:
        if error := next(answers):
            raise error

    waiting.wait_for("the thing", ask, 60)
    middles = [0.1, 0.2, 0.4, 0.8, 1.6, 2.0, 2.0]
    assert len(pauses) == len(middles)
    assert all(middle * 0.75 <= pause <= middle * 1.25 for pause, middle in zip(pauses, middles, strict=True))
    said = capsys.readouterr().err
    assert said.count("waiting for the thing") == 1
    assert "OSError: refused" in said


def test_it_gives_up_at_the_deadline_with_the_last_reason() -> None:
    begin = time.monotonic()

    def ask() -> None:
        raise OSError("first line\nsecond line")

    with pytest.raises(waiting.NotThere, match=r"the thing did not answer within 0\.3 s: OSError: first line$"):
        waiting.wait_for("the thing", ask, 0.3)
    assert 0.25 < time.monotonic() - begin < 1


def test_what_no_waiting_mends_is_said_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    def ask() -> None:
        raise ImportError("no module named redis")

    begin = time.monotonic()
    with pytest.raises(waiting.NotThere, match="the broker cannot be used: ImportError: no module named redis"):
        waiting.wait_for("the broker", ask, 30, (ImportError,))
    assert time.monotonic() - begin < 1
    assert capsys.readouterr().err == ""
