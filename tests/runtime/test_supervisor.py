"""The supervisor's laws, each on real processes and real signals."""

import os
import signal
import textwrap
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from .conftest import Running, eventually

PARENT = """
import sys
from pathlib import Path
from slipway_runtime.supervisor import StopPlan, supervise
here = Path(sys.argv[1])
plan = StopPlan(float(sys.argv[2]), kill_after=float(sys.argv[3]), quit_after=float(sys.argv[4]) or None)
sys.exit(supervise([sys.executable, str(here / "child.py"), str(here)], plan, (here / "red").touch))
"""
NOTES_SIGNALS = """
import os, signal, sys, time
from pathlib import Path
here = Path(sys.argv[1])
def note(number, frame):
    with (here / "signals").open("a") as file: file.write(f"{signal.Signals(number).name}\\n")
    if number in ENDS: sys.exit(CODE)
for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT): signal.signal(number, note)
(here / "pid").write_text(str(os.getpid()))
while True: time.sleep(0.05)
"""


@pytest.fixture
def supervise(python: Callable[..., Running], tmp_path: Path) -> Callable[..., Running]:
    def start(child: str, drain: float = 0.0, kill_after: float = 5.0, quit_after: float = 0.0) -> Running:
        (tmp_path / "child.py").write_text(textwrap.dedent(child))
        return python("-c", PARENT, str(tmp_path), str(drain), str(kill_after), str(quit_after))

    return start


def obedient(ends: str = "(signal.SIGTERM,)", code: int = 0) -> str:
    return NOTES_SIGNALS.replace("ENDS", ends).replace("CODE", str(code))


def child_pid(tmp_path: Path) -> int:
    eventually(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text() != "")
    return int((tmp_path / "pid").read_text())


@pytest.mark.parametrize("code", [0, 1, 3])
def test_a_child_that_ends_by_itself_passes_its_code_on(supervise: Any, tmp_path: Path, code: int) -> None:
    assert supervise(f"raise SystemExit({code})").ends() == code
    assert not (tmp_path / "red").exists()


def test_a_child_that_is_killed_shows_as_128_plus_the_signal(supervise: Any, tmp_path: Path) -> None:
    running = supervise(obedient())
    os.kill(child_pid(tmp_path), signal.SIGKILL)
    assert running.ends() == 137


@pytest.mark.parametrize("order", [signal.SIGTERM, signal.SIGINT])
def test_health_is_red_at_once_and_the_child_serves_on(supervise: Any, tmp_path: Path, order: int) -> None:
    running = supervise(obedient(), drain=1.0)
    pid = child_pid(tmp_path)
    begin = time.monotonic()
    running.process.send_signal(order)
    eventually((tmp_path / "red").exists, 0.5)
    time.sleep(0.5)
    os.kill(pid, 0)
    assert not (tmp_path / "signals").exists()
    assert running.ends() == 0
    assert 1.0 <= time.monotonic() - begin < 3.0
    assert (tmp_path / "signals").read_text() == "SIGTERM\n"


def test_a_second_order_skips_the_drain(supervise: Any, tmp_path: Path) -> None:
    running = supervise(obedient(), drain=60.0)
    child_pid(tmp_path)
    running.process.terminate()
    eventually((tmp_path / "red").exists)
    running.process.send_signal(signal.SIGINT)
    assert running.ends(5) == 0


def test_a_child_without_a_handler_that_ends_by_sigterm_is_a_clean_stop(supervise: Any, tmp_path: Path) -> None:
    sleeps = "import os, sys, time\nopen(sys.argv[1] + '/pid', 'w').write(str(os.getpid()))\ntime.sleep(60)"
    running = supervise(sleeps)
    child_pid(tmp_path)
    running.process.terminate()
    assert running.ends(5) == 0


def test_a_child_that_fails_while_it_stops_is_no_clean_stop(supervise: Any, tmp_path: Path) -> None:
    running = supervise(obedient(code=7))
    child_pid(tmp_path)
    running.process.terminate()
    assert running.ends(5) == 7


def test_a_child_that_dies_in_the_drain_ends_the_drain(supervise: Any, tmp_path: Path) -> None:
    running = supervise(obedient(), drain=60.0)
    pid = child_pid(tmp_path)
    running.process.terminate()
    eventually((tmp_path / "red").exists)
    os.kill(pid, signal.SIGKILL)
    assert running.ends(5) == 137


def test_a_stubborn_child_is_killed_with_its_own_children_before_the_platform_does_it(
    supervise: Any, tmp_path: Path
) -> None:
    stubborn = """
    import os, signal, subprocess, sys, time
    for number in (signal.SIGTERM, signal.SIGINT): signal.signal(number, signal.SIG_IGN)
    grandchild = subprocess.Popen(["sleep", "60"])
    open(sys.argv[1] + "/pid", "w").write(str(grandchild.pid))
    time.sleep(60)
    """
    running = supervise(stubborn, kill_after=0.5)
    grandchild = child_pid(tmp_path)
    running.process.terminate()
    assert running.ends(5) == 137
    eventually(lambda: _gone(grandchild))
    running.says("SIGKILL")


def _gone(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return True
    return state == "Z"


def test_sigquit_comes_before_sigkill_where_a_role_asks_for_it(supervise: Any, tmp_path: Path) -> None:
    running = supervise(obedient(ends="(signal.SIGQUIT,)"), kill_after=30.0, quit_after=0.3)
    child_pid(tmp_path)
    running.process.terminate()
    assert running.ends(5) == 0
    assert (tmp_path / "signals").read_text() == "SIGTERM\nSIGQUIT\n"


def test_the_child_inherits_no_blocked_signal(supervise: Any, tmp_path: Path) -> None:
    supervise(
        "import signal, sys\n"
        "open(sys.argv[1] + '/mask', 'w').write(repr(sorted(signal.pthread_sigmask(signal.SIG_BLOCK, []))))"
    ).ends()
    assert (tmp_path / "mask").read_text() == "[]"


def test_a_marker_that_cannot_be_written_does_not_stop_the_stop(python: Any, tmp_path: Path) -> None:
    (tmp_path / "child.py").write_text(obedient())
    running = python("-c", PARENT.replace('"red"', '"none" / "red"'), str(tmp_path), "0", "5", "0")
    child_pid(tmp_path)
    running.process.terminate()
    assert running.ends(5) == 0
    running.says("health cannot be turned red")
