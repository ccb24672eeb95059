"""Runs the real Docker Compose, in an environment that holds nothing Compose could interpolate."""

import os
import signal
import subprocess
import threading
from pathlib import Path

from .settings import Settings

_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class CommandFailed(Exception):
    """A command on the server did not end well; the text is what it printed."""


class Compose:
    """The Compose binary. A run belongs to a job, by whose name it can be killed."""

    def __init__(self, settings: Settings) -> None:
        self._binary = settings.compose
        self._timeout = settings.dynamic_timeout
        self._environment = {"PATH": _PATH, "HOME": "/root"}
        if settings.docker_host:
            self._environment["DOCKER_HOST"] = settings.docker_host
        if settings.docker_config:
            self._environment["DOCKER_CONFIG"] = settings.docker_config
        self._lock = threading.Lock()
        self._running: dict[str, subprocess.Popen[str]] = {}

    def run(self, job: str, project: str, file: Path, *arguments: str) -> str:
        """Runs `docker-compose --project-name P --project-directory DIR -f FILE …` and returns what it printed.

        Raises CommandFailed when it cannot start, ends with another code than 0, is killed, or takes over an hour.
        """
        where = ["--project-name", project, "--project-directory", str(file.parent), "-f", str(file)]
        try:
            process = subprocess.Popen(
                [str(self._binary), *where, *arguments],
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                start_new_session=True,
            )
        except OSError as error:
            raise CommandFailed(f"{self._binary}: {error.strerror}") from error
        with self._lock:
            self._running[job] = process
        try:
            output, _ = process.communicate(timeout=self._timeout)
        except subprocess.TimeoutExpired:
            _kill(process)
            output, _ = process.communicate()
            raise CommandFailed(f"{output}\nThe command ran into the timeout of {self._timeout} s.") from None
        finally:
            with self._lock:
                self._running.pop(job, None)
        if process.returncode != 0:
            raise CommandFailed(output.strip() or f"docker-compose ended with {process.returncode}")
        return output

    def kill(self, job: str) -> None:
        """Kills what runs for the job, as removing Coolify's helper container does."""
        with self._lock:
            process = self._running.get(job)
        if process is not None:
            _kill(process)

    def kill_all(self) -> None:
        """Kills everything that runs."""
        with self._lock:
            jobs = list(self._running)
        for job in jobs:
            self.kill(job)


def _kill(process: subprocess.Popen[str]) -> None:
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
