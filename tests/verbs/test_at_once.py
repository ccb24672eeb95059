import os
import signal
import socket
import subprocess
import sys
import threading
import time
from functools import partial
from pathlib import Path

import pytest

from slipway.errors import Unreachable
from slipway.verbs.at_once import at_once
from tests.hosts import is_gone, until

ROOT = Path(__file__).parents[2]
SCRIPT = """
import sys
from invoke.exceptions import Exit
from slipway.engines.advisories.npm_registry import NpmRegistry
from slipway.engines.advisories.pip_audit import PipAudit
from slipway.inventory.package import Ecosystem, Inventory, Package
from slipway.verbs.vulnerabilities import ask_sources
from tasks._session import session

packages = (Package(Ecosystem.NPM, "react", "19.0.0"), Package(Ecosystem.PYTHON, "django", "5.1.7"))
try:
    with session() as s:
        sources = (PipAudit("osv", program=sys.argv[1]), NpmRegistry(sys.argv[2], seconds=60))
        ask_sources(sources, (Inventory("backend", "zamio/backend:1", "sha256:a", packages),), {}, s.console.say)
except Exit as ended:
    sys.exit(ended.code)
"""


def never() -> None:
    raise AssertionError("nothing is cancelled where all went well")


def test_everything_is_done_so_many_at_a_time_and_given_in_order() -> None:
    running, most, lock = 0, 0, threading.Lock()

    def act(number: int) -> int:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.02 * (3 - number % 3))
        with lock:
            running -= 1
        return number

    assert at_once([partial(act, number) for number in range(7)], 2, never) == list(range(7))
    assert most == 2
    assert at_once([], 2, never) == []


def test_the_first_failure_cancels_what_runs_begins_nothing_more_and_is_raised() -> None:
    over, begun = threading.Event(), []

    def fail() -> None:
        begun.append("fail")
        time.sleep(0.05)
        raise Unreachable("no")

    def wait() -> None:
        begun.append("wait")
        assert over.wait(10)

    def late() -> None:
        begun.append("late")

    before = time.monotonic()
    with pytest.raises(Unreachable, match="no"):
        at_once([wait, fail, wait, late, late], 3, over.set)
    assert time.monotonic() - before < 1
    assert sorted(begun) in (["fail", "wait", "wait"], ["fail", "late", "late", "wait", "wait"])


def test_what_does_not_end_is_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("slipway.verbs.at_once.PATIENCE", 0.1)
    over = threading.Event()

    def fail() -> None:
        raise Unreachable("no")

    with pytest.raises(Unreachable):
        at_once([lambda: over.wait(10), fail], 2, lambda: None)
    over.set()


@pytest.mark.slow
def test_ctrl_c_ends_a_whole_process_that_asks_and_the_programs_it_started(tmp_path: Path) -> None:
    """pip-audit hangs, and so does npm's registry: both deadlines are more than a minute away."""
    program = tmp_path / "pip-audit"
    lines = ("#!/bin/sh", "sleep 300 &", f"echo $! > {tmp_path}/half", f"mv {tmp_path}/half {tmp_path}/child", "wait")
    program.write_text("\n".join(lines))
    program.chmod(0o755)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        words = [sys.executable, "-c", SCRIPT, str(program), address]
        run = subprocess.Popen(
            ["env", "--default-signal=INT", *words],  # a shell that started the suite in the background ignores it
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            until((tmp_path / "child").exists, 30)
            begin = time.monotonic()
            run.send_signal(signal.SIGINT)
            said, _ = run.communicate(timeout=30)
        finally:
            run.kill()
            run.wait()
    assert time.monotonic() - begin < 8
    assert run.returncode == 130
    assert said.splitlines()[-1] == "interrupted"
    until(lambda: is_gone(int((tmp_path / "child").read_text())))
