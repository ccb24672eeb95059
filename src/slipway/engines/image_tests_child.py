"""The other side of `image_tests.py`: pytest in a process that has nothing but a pipe to who asks containers."""

import json
import os
import re
from typing import TYPE_CHECKING, Any

import pytest
from testinfra.backend.base import BaseBackend, CommandResult
from testinfra.host import Host

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

_MOST = 2000  # characters of one text on the pipe


class PipeBackend(BaseBackend):  # type: ignore[misc] # testinfra's class is not typed for subclassing
    """Runs commands where the other end of the pipe does."""

    NAME = "slipway-pipe"

    def __init__(self, pipe: "Connection") -> None:
        super().__init__("service")
        self._encoding = "utf-8"
        self._pipe = pipe

    def run(self, command: str, *args: str, **kwargs: Any) -> CommandResult:
        """Run one shell command in the container. Raises `ConnectionError` when it cannot be asked any more."""
        words = self.get_command(command, *args)
        _send(self._pipe, "run", words, str(kwargs.get("stdin") or ""))
        code, out, err = json.loads(self._pipe.recv_bytes())
        if code < 0:
            raise ConnectionError(err)
        return self.result(code, self.encode(words), _bytes(out), _bytes(err))


class _Reporter:
    """Tells each failure when it happens, so that nothing is lost with a process that is ended."""

    def __init__(self, pipe: "Connection", root: str) -> None:
        self._pipe = pipe
        self._root = root
        self._host = Host(PipeBackend(pipe))

    def pytest_configure(self, config: pytest.Config) -> None:
        """Refuse to run beside testinfra's own plugin: its `host` would be this machine."""
        if any(getattr(plugin, "__name__", "") == "testinfra.plugin" for plugin in config.pluginmanager.get_plugins()):
            raise pytest.UsageError("testinfra's own plugin is loaded: its `host` would be this machine")

    @pytest.fixture(scope="session")
    def host(self) -> Host:
        """The service's running container, as the image's user."""
        return self._host

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            told = str(report.longrepr)
            path = str(getattr(report, "fspath", "") or report.nodeid)
            lines = re.findall(rf"{re.escape(os.path.basename(path))}(?::|\", line )(\d+)", told)  # noqa: PTH119 - a name, not a file
            marked = [line[1:].strip() for line in told.splitlines() if line.startswith("E ")]
            what = marked[-1] if marked else told.strip().splitlines()[-1]
            self._failed(path, lines[-1] if lines else 1, f"cannot be collected: {what}", "")

    def pytest_runtest_logstart(self, location: tuple[str, int | None, str]) -> None:
        _send(self._pipe, "begin", self._path(location[0]), (location[1] or 0) + 1)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if not report.failed:
            return
        path, line, name = self._path(report.location[0]), (report.location[1] or 0) + 1, report.location[2]
        crash = getattr(report.longrepr, "reprcrash", None)
        text = str(crash.message if crash is not None else report.longrepr)
        if crash is not None and self._path(crash.path) == path:
            line = crash.lineno
        self._failed(path, line, f"{name}: {text}", "" if report.when == "call" else f"in its {report.when}")

    def _path(self, path: str) -> str:
        return os.path.normpath(f"{self._root}/{path}") if not path.startswith("/") else path

    def _failed(self, path: str, line: object, message: str, hint: str) -> None:
        _send(self._pipe, "failed", self._path(path), int(str(line)), message[:_MOST], hint)


def main(pipe: "Connection", files: list[str]) -> None:
    """Run the files' tests and tell everything over `pipe`; nothing is written to this terminal."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nothing, stream)
    # The project's own pytest settings are about its own tests; the plugin's `host` would come from `--hosts`.
    root = os.path.dirname(files[-1])  # noqa: PTH120
    words = ["-q", "-c", os.devnull, "--rootdir", root, "--import-mode=importlib"]
    words += [
        word for name in ("cacheprovider", "terminalreporter", "pytest11.testinfra") for word in ("-p", f"no:{name}")
    ]
    try:
        code: int | str = int(pytest.main([*words, *files], plugins=[_Reporter(pipe, root)]))
        _send(pipe, "end", code, "")
    except Exception as error:  # noqa: BLE001 - whatever a conftest does, it is told
        _send(pipe, "end", 3, f"{type(error).__name__}: {error}"[:_MOST])


def text(data: bytes) -> str:
    """Return bytes as a text that JSON carries and `_bytes` gives back."""
    return data.decode("utf-8", "surrogateescape")


def _bytes(told: str) -> bytes:
    return told.encode("utf-8", "surrogateescape")


def _send(pipe: "Connection", *message: object) -> None:
    pipe.send_bytes(json.dumps(message).encode())
