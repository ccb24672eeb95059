import os
import pty
import select
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from invoke.exceptions import Exit

from tasks._session import session
from tasks._signals import ending_as_interrupts

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 130)])
def test_a_signal_lets_a_run_clean_up_and_ends_it(
    number: signal.Signals, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    before = [signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)]
    cleaned = []

    def run() -> None:
        try:
            signal.raise_signal(number)
        finally:
            if number != signal.SIGINT:
                signal.raise_signal(signal.SIGHUP)  # the shell's, after the terminal's own
            cleaned.append(number)

    with pytest.raises(Exit) as raised, session(format="json"):
        run()
    assert raised.value.code == code
    assert cleaned == [number]
    assert f'"exit_code": {code}' in capsys.readouterr().out
    assert [signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)] == before


def test_what_the_caller_ignores_stays_ignored() -> None:
    """`nohup ./inv rehearse` outlives its terminal."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with ending_as_interrupts():
            signal.raise_signal(signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)


def test_another_thread_changes_no_handler() -> None:
    seen: list[object] = []

    def run() -> None:
        with ending_as_interrupts():
            seen.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert seen == [signal.getsignal(signal.SIGTERM)]


@pytest.mark.slow
def test_a_run_cleans_up_when_its_terminal_is_gone(tmp_path: Path) -> None:
    script = (
        "import sys, time\nfrom pathlib import Path\nfrom tasks._session import session\n"
        "with session() as s:\n"
        "    s.console.started('waiting')\n"
        "    try:\n        print('ready', flush=True)\n        time.sleep(60)\n"
        "    finally:\n"
        "        print('to a terminal that is gone', flush=True)\n"
        "        Path(sys.argv[1]).write_text('cleaned')\n"
    )
    ours, theirs = pty.openpty()
    argv = [sys.executable, "-c", script, str(tmp_path / "marker")]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm"}
    # `setsid -c` makes the terminal its own, so that closing ours hangs it up.
    run = subprocess.Popen(["setsid", "-c", *argv], stdin=theirs, stdout=theirs, stderr=theirs, env=environment)
    os.close(theirs)
    said = b""
    try:
        while b"ready" not in said:
            assert select.select([ours], [], [], 30)[0], said
            said += os.read(ours, 4096)
        os.close(ours)
        run.wait(30)
    finally:
        run.kill()
        run.wait()
    assert (tmp_path / "marker").read_text() == "cleaned"
