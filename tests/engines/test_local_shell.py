"""Commands on this machine: exactness, deadlines, absence."""

import threading
import time
from pathlib import Path

import pytest

from slipway.command import command
from slipway.engines.local_shell import LocalShell
from slipway.errors import Unreachable
from slipway.secret import Secret
from tests.hosts import is_gone, until


def test_streams_input_and_exit_code() -> None:
    result = LocalShell().run(command("sh", "-c", "cat; echo err >&2; exit 7", stdin=Secret("geheim ü")))
    assert (result.code, result.stdout, result.stderr) == (7, "geheim ü", "err\n")


def test_without_input_a_reader_sees_the_end() -> None:
    assert LocalShell().run(command("cat", seconds=5)).stdout == ""


def test_bytes_that_are_no_text_are_shown_replaced() -> None:
    assert LocalShell().run(command("printf", "a\\377b")).stdout == "a\ufffdb"


def test_a_signal_has_the_code_that_a_shell_gives_it() -> None:
    assert LocalShell().run(command("sh", "-c", "kill -9 $$")).code == 137


def test_a_program_that_is_not_there_is_named() -> None:
    with pytest.raises(Unreachable, match="`no-such-program` cannot be started"):
        LocalShell().run(command("no-such-program"))


def test_the_deadline_ends_the_command_and_what_it_started() -> None:
    begin = time.monotonic()
    with pytest.raises(Unreachable, match=r"was ended after 0\.5 s"):
        LocalShell().run(command("sh", "-c", "sleep 7141 & sleep 7142; wait", seconds=0.5))
    assert time.monotonic() - begin < 5
    until(lambda: not LocalShell().run(command("pgrep", "-f", "^sleep 714[12]")).ok)


def test_a_command_that_ignores_the_request_is_made_to_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("slipway.engines.local_shell._END_SECONDS", 0.3)
    with pytest.raises(Unreachable, match="was ended after"):
        LocalShell().run(command("sh", "-c", "trap '' TERM; while :; do sleep 7143 & wait; done", seconds=0.5))
    until(lambda: not LocalShell().run(command("pgrep", "-f", "^sleep 7143")).ok)


def test_input_that_nobody_reads_does_not_hang() -> None:
    assert LocalShell().run(command("true", stdin=b"x" * 10_000_000, seconds=5)).ok


def test_parallel_commands_do_not_mix() -> None:
    answers: dict[int, str] = {}

    def ask(number: int) -> None:
        answers[number] = LocalShell().run(command("echo", str(number))).stdout

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == {number: f"{number}\n" for number in range(8)}


def test_cancel_kills_what_runs_with_its_children_and_lets_nothing_begin(tmp_path: Path) -> None:
    shell = LocalShell()
    begun = tmp_path / "child"

    def cancel() -> None:
        while not begun.exists():
            time.sleep(0.01)
        shell.cancel()

    stop = threading.Thread(target=cancel)
    stop.start()
    begin = time.monotonic()
    words = f"sleep 60 & echo $! > {tmp_path}/half; mv {tmp_path}/half {begun}; wait"
    with pytest.raises(Unreachable, match="was cancelled"):
        shell.run(command("sh", "-c", words))
    stop.join()
    until(lambda: is_gone(int(begun.read_text())))
    with pytest.raises(Unreachable, match="was not started: cancelled"):
        shell.run(command("true"))
    assert time.monotonic() - begin < 5
