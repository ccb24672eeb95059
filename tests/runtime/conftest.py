"""Real child processes and a real run directory; no container."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

RUNTIME = Path(__file__).parents[2] / "runtime" / "src"


@dataclass
class Running:
    """A started process whose standard error is read line by line."""

    process: subprocess.Popen[str]
    lines: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self) -> None:
        assert self.process.stderr
        self.lines.extend(self.process.stderr)

    def says(self, text: str, seconds: float = 10.0) -> None:
        """Wait until a line holds `text`."""
        eventually(lambda: any(text in line for line in self.lines), seconds, lambda: f"{text!r} in {self.lines}")

    def stop(self) -> None:
        """Stop it as a second order does, without a drain; a SIGKILL would orphan the server below a supervisor."""
        try:
            for _ in range(200):
                if self.process.poll() is not None:
                    break
                self.process.terminate()
                time.sleep(0.05)
        finally:
            for child in self._children():  # a supervisor's server, in a session of its own
                with suppress(ProcessLookupError):
                    os.killpg(child, signal.SIGKILL)
            self.process.kill()
            self.process.wait(10)
            self.reader.join(5)
            assert not self.reader.is_alive(), "a process below it is left"
            assert self.process.stderr
            self.process.stderr.close()

    def _children(self) -> list[int]:
        pid = self.process.pid
        if self.process.poll() is not None:
            return []
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    def ends(self, seconds: float = 10.0) -> int:
        """Return the exit code."""
        return self.process.wait(seconds)


def eventually(holds: Callable[[], bool], seconds: float = 10.0, what: Callable[[], str] = lambda: "") -> None:
    """Ask until it holds."""
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until, f"not within {seconds} s: {what()}"
        time.sleep(0.02)


@pytest.fixture
def run_dir(tmp_path: Path) -> Path:
    directory = tmp_path / "run"
    directory.mkdir()
    return directory


@pytest.fixture
def portal_dir(tmp_path: Path) -> Path:
    """What a portal's image says of itself: configured at start, with no variable."""
    directory = tmp_path / "portal"
    directory.mkdir()
    for name, text in (("configured", "start\n"), ("variables", ""), ("csp", "")):
        (directory / name).write_text(text)
    return directory


@pytest.fixture
def run(tmp_path: Path, run_dir: Path) -> Iterator[Callable[..., Running]]:
    """Start a program in `tmp_path` with the runtime on Python's path; whatever still runs at the end is stopped."""
    started: list[Running] = []

    def start(*words: str, **variables: str) -> Running:
        environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": f"{RUNTIME}:{tmp_path}",
            "SLIPWAY_RUN_DIR": str(run_dir),
            **variables,
        }
        process = subprocess.Popen(
            words, cwd=tmp_path, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        started.append(Running(process))
        return started[-1]

    yield start
    for one in started:
        one.stop()


@pytest.fixture
def python(run: Callable[..., Running]) -> Callable[..., Running]:
    """Start `python ARGS...`."""
    return lambda *words, **variables: run(sys.executable, *words, **variables)


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
