"""A person at the command line: types commands in the repository, reads what they say, presses Ctrl-C."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
_FOREIGN = ("SLIPWAY_", "COOLIFY_", "INVOKE_", "FABRIC_")


def _as_in_a_terminal() -> None:
    """Listen to Ctrl-C again: what a shell starts in its background ignores it, and so would all that it starts."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@dataclass(frozen=True)
class Ran:
    """A command that came to its end."""

    words: tuple[str, ...]
    code: int
    out: str
    err: str
    seconds: float

    @property
    def document(self) -> Any:
        """Standard output, which has to be exactly one JSON document."""
        return json.loads(self.out)

    @property
    def said(self) -> str:
        return self.out + self.err

    def ended(self, code: int) -> "Ran":
        """Require the exit code; the answer shows everything where it is another."""
        assert self.code == code, f"{' '.join(self.words)} ended with {self.code}, not {code}\n{self.out}\n{self.err}"
        return self

    def told(self, *words: str) -> "Ran":
        """Require one message on standard error that has all of `words`, and no traceback anywhere."""
        assert "Traceback" not in self.said, self.said
        for word in words:
            assert word in self.err, f"{word!r} is not in:\n{self.err}"
        first = words[0]
        assert self.err.count(first) == 1, f"{first!r} is told more than once:\n{self.err}"
        return self


@dataclass
class Person:
    """Types commands; `transcript` keeps everything that was ever shown to them."""

    root: Path = ROOT
    given: Mapping[str, str] = field(default_factory=dict)
    launcher: tuple[str, ...] = ()
    transcript: list[Ran] = field(default_factory=list)

    @classmethod
    def without_launcher(cls, root: Path = ROOT, given: Mapping[str, str] | None = None) -> "Person":
        """Start Invoke as `./inv` would once it is set up: also in a checkout that has no .venv of its own."""
        return cls(root, given or {}, (sys.executable, "-m", "invoke", "--search-root", str(root)))

    def types(self, *words: str, seconds: float = 420.0, given: Mapping[str, str] | None = None) -> Ran:
        """Run a command to its end."""
        with self.begins(*words, given=given) as process:
            return process.result(seconds)

    @contextmanager
    def begins(self, *words: str, given: Mapping[str, str] | None = None) -> Iterator["Running"]:
        """Start a command in a process group of its own, as a terminal does; nothing of it outlives the block."""
        argv = (*(self.launcher or (str(self.root / "inv"),)), *words)
        environment = {name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN)}
        process = subprocess.Popen(
            argv,
            cwd=self.root,
            env={**environment, **self.given, **(given or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            preexec_fn=_as_in_a_terminal,  # noqa: PLW1509 - one call that only sets a signal
        )
        running = Running(words, process, self.transcript)
        try:
            yield running
        finally:
            running.end()


class Running:
    """A command under way; its output is read by threads, so that it never waits for its reader."""

    def __init__(self, words: tuple[str, ...], process: "subprocess.Popen[str]", transcript: list[Ran]) -> None:
        self._words = words
        self._process = process
        self._transcript = transcript
        self._began = time.monotonic()
        self._lines: dict[str, list[str]] = {"out": [], "err": []}
        self._readers = [
            threading.Thread(target=self._read, args=(name, stream))
            for name, stream in (("out", process.stdout), ("err", process.stderr))
        ]
        for reader in self._readers:
            reader.start()

    def says(self, words: str, seconds: float = 180.0) -> None:
        """Wait until a line with `words` was shown."""
        until = time.monotonic() + seconds
        while not any(words in line for lines in self._lines.values() for line in list(lines)):
            assert self._process.poll() is None, f"it ended before it said {words!r}:\n{self._shown()}"
            assert time.monotonic() < until, f"it did not say {words!r} in {seconds:g} s:\n{self._shown()}"
            time.sleep(0.05)

    def presses_ctrl_c(self) -> None:
        """Interrupt the whole process group, as the terminal does."""
        os.killpg(self._process.pid, signal.SIGINT)

    def result(self, seconds: float) -> Ran:
        """Wait for the end."""
        try:
            code = self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{' '.join(self._words)} runs for {seconds:g} s:\n{self._shown()}") from None
        for reader in self._readers:
            reader.join(10)
        out, err = ("".join(self._lines[name]) for name in ("out", "err"))
        ran = Ran(self._words, code, out, err, time.monotonic() - self._began)
        self._transcript.append(ran)
        return ran

    def end(self) -> None:
        """Make sure that nothing runs on."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(10)
        for reader, stream in zip(self._readers, (self._process.stdout, self._process.stderr), strict=True):
            reader.join(10)
            if stream is not None:
                stream.close()

    def _shown(self) -> str:
        return "".join([*self._lines["out"], *self._lines["err"]])

    def _read(self, name: str, stream: Any) -> None:
        for line in stream:
            self._lines[name].append(line)
