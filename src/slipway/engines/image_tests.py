"""Image tests: testinfra's tests of one running service by pytest, each service's in a process of its own.

The processes are forked from one that has loaded pytest already (`multiprocessing`, forkserver), so seven services cost
one start. They have no engine: their `host` asks this process, which asks the container over its long-lived exec.
"""

import json
import re
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slipway.checks.issue import Issue, Severity
from slipway.engines import image_tests_child
from slipway.errors import Unreachable

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from multiprocessing.context import ForkServerContext

Tell = Callable[..., Issue]
"""Makes an issue: `(service, rule, message, hint, severity, where)`."""

_SECONDS = 20.0
_SHOWN = 400  # characters of a failure


@dataclass(slots=True)
class ImageTests:
    """Tests in `test_<role>.py` of Slipway's own folder and `test_<service>.py` of the workspace's.

    `seconds` bounds each test; `root` is what places in messages are relative to.
    """

    own: Path
    theirs: Path
    seconds: float = _SECONDS
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def warm(self) -> None:
        """Start the process that others are forked from, so that pytest is loaded once it is needed."""
        from multiprocessing import forkserver

        self._context()
        forkserver.ensure_running()

    def files(self, service: str, role: str) -> list[Path]:
        """Return the test files of a service; a hyphen in its name may be an underscore in the file's."""
        names = (self.own / f"test_{role}.py", *(self.theirs / f"test_{n}.py" for n in _spelled(service)))
        return [path for path in dict.fromkeys(names) if path.is_file()]

    def stray(self, services: Iterable[str]) -> list[Path]:
        """Return test files of the workspace that belong to no service."""
        known = {f"test_{name}.py" for service in services for name in _spelled(service)}
        return [path for path in sorted(self.theirs.glob("test_*.py")) if path.name not in known]

    def run(self, service: str, role: str, hosts: Any, tell: Tell) -> list[Issue]:
        """Run a service's tests against its container; each that does not pass is an issue."""
        files = self.files(service, role)
        return _Run(self, service, hosts, tell, files).run() if files else []

    def start(self, files: list[Path]) -> "tuple[Any, Connection]":
        """Start the tests in a process of their own; return it and the pipe to it."""
        with self._lock:
            context = self._context()
            here, there = context.Pipe()
            process = context.Process(target=image_tests_child.main, args=(there, [str(f) for f in files]), daemon=True)
            process.start()
            there.close()
            return process, here

    def place(self, path: str, line: object) -> str:
        """Return `file:line` as short as it can be said without doubt."""
        for folder in (self.theirs.parent, self.own.parent.parent):
            if Path(path).is_relative_to(folder):
                path = str(Path(path).relative_to(folder))
        return f"{path}:{line}"

    def _context(self) -> "ForkServerContext":
        from multiprocessing import get_context

        context = get_context("forkserver")
        context.set_forkserver_preload(["_pytest.assertion.rewrite", "pytest", image_tests_child.__name__])
        return context


@dataclass(slots=True)
class _Run:
    tests: ImageTests
    service: str
    hosts: Any
    tell: Tell
    files: list[Path]
    issues: list[Issue] = field(default_factory=list)
    at: str = ""
    is_over: bool = False

    def run(self) -> list[Issue]:
        process, pipe = self.tests.start(self.files)
        self.at = self.tests.place(str(self.files[0]), 1)
        deadline = time.monotonic() + self.tests.seconds
        try:
            while not self.is_over:
                if not pipe.poll(max(0.0, deadline - time.monotonic())) or time.monotonic() > deadline:
                    told = f"still runs after {self.tests.seconds:g} s; it was ended, and what follows it was not run"
                    self._issue(told, self.at, "wait with a deadline of its own")
                    break
                message = json.loads(pipe.recv_bytes())
                if message[0] == "begin":
                    deadline = time.monotonic() + self.tests.seconds
                self._take(message, pipe)
        except (EOFError, ConnectionError):
            process.join(5)
            self._issue(f"the tests' process ended with {process.exitcode}", self.at, "a test must not end its process")
        finally:
            pipe.close()
            process.kill()
            process.join(5)
        return self.issues

    def _take(self, message: list[Any], pipe: "Connection") -> None:
        match message:
            case ["run", command, stdin]:
                pipe.send_bytes(json.dumps(self._answer(command, stdin)).encode())
            case ["begin", path, line]:
                self.at = self.tests.place(path, line)
            case ["failed", path, line, text, hint]:
                self._issue(text, self.tests.place(path, line), hint)
            case ["end", code, text]:
                self.is_over = True
                if code == 5:
                    told = "there is no test in it"
                    self._issue(told, self.at, "a test is a function `test_...(host)`", Severity.WARNING)
                elif code not in (0, 1, 2):
                    self._issue(f"pytest ended with {code}: {text}", self.at)

    def _answer(self, command: str, stdin: str) -> list[object]:
        try:
            found = self.hosts.user.run(command, stdin=stdin) if stdin else self.hosts.user.run(command)
        except Unreachable as error:
            return [-1, "", str(error.message)]
        return [found.rc, *(image_tests_child.text(part) for part in (found.stdout_bytes, found.stderr_bytes))]

    def _issue(self, text: str, where: str, hint: str = "", severity: Severity = Severity.ERROR) -> None:
        shown = re.sub(r"\s*\n\s*", " | ", text.strip())[:_SHOWN]
        self.issues.append(self.tell(self.service, "tests", shown, hint, severity, where))


def _spelled(service: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys((service, service.replace("-", "_"))))
