import time

import pytest
from slipway_runtime.waiting import NotThere, wait_for


def test_what_answers_later_is_waited_for(capsys: pytest.CaptureFixture[str]) -> None:
    answers = iter((ConnectionRefusedError("not yet"), ConnectionRefusedError("not yet"), None))

    def ask() -> None:
        if error := next(answers):
            raise error

    wait_for("the broker", ask, 5)
    assert capsys.readouterr().err.count("waiting for the broker, at most 5 s: ConnectionRefusedError: not yet") == 1


def test_what_does_not_answer_ends_the_wait_with_its_reason() -> None:
    def ask() -> None:
        raise ConnectionRefusedError("nobody")

    with pytest.raises(NotThere, match=r"the broker did not answer within 0\.05 s: ConnectionRefusedError: nobody"):
        wait_for("the broker", ask, 0.05)


def test_what_no_waiting_mends_is_said_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    def ask() -> None:
        raise ImportError("no module named redis")

    began = time.monotonic()
    with pytest.raises(NotThere, match="the broker cannot be used: ImportError: no module named redis"):
        wait_for("the broker", ask, 30, (ImportError,))
    assert time.monotonic() - began < 1
    assert capsys.readouterr().err == ""
