"""LocalShell: this machine as the port `Shell`."""

import os
import signal
import subprocess
import threading
from contextlib import suppress

from slipway.command import Command, Result
from slipway.errors import Unreachable

_END_SECONDS = 5.0


class LocalShell:
    """Runs commands on this machine, without a shell in between."""

    def __init__(self) -> None:
        self._running: set[subprocess.Popen[bytes]] = set()
        self._is_cancelled = False
        self._lock = threading.Lock()

    @property
    def place(self) -> str:
        """The machine's name in messages."""
        return "this machine"

    def run(self, command: Command) -> Result:
        """Run and wait. Raises `Unreachable` when the program does not exist and at the deadline, after ending it.

        A command ended by a signal has the code that a shell gives it, 128 + signal.
        """
        process = self._started(command)
        with process:
            try:
                out, err = process.communicate(command.input_bytes(), timeout=command.seconds)
            except subprocess.TimeoutExpired as error:
                _end(process)
                raise Unreachable(
                    f"`{command.line()[:200]}` was ended after {command.seconds:g} s", where=self.place
                ) from error
            except BaseException:
                _end(process)
                raise
            finally:
                with self._lock:
                    self._running.discard(process)
        if self._is_cancelled:
            raise Unreachable(f"`{command.line()[:200]}` was cancelled", where=self.place)
        code = process.returncode if process.returncode >= 0 else 128 - process.returncode
        return Result(command, code, out.decode(errors="replace"), err.decode(errors="replace"))

    def cancel(self) -> None:
        """Kill what runs, with all that it started, from another thread; `run` raises `Unreachable`, now and later."""
        with self._lock:
            self._is_cancelled = True
            for process in self._running:
                if process.returncode is None:  # else its number may be somebody else's by now
                    with suppress(ProcessLookupError):
                        os.killpg(process.pid, signal.SIGKILL)

    def _started(self, command: Command) -> "subprocess.Popen[bytes]":
        with self._lock:
            if self._is_cancelled:
                raise Unreachable(f"`{command.argv[0]}` was not started: cancelled", where=self.place)
            try:
                process = subprocess.Popen(
                    command.argv,
                    stdin=subprocess.DEVNULL if command.stdin is None else subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    process_group=0,  # so that the deadline ends what the command started, too
                )
            except OSError as error:
                why = f"`{command.argv[0]}` cannot be started: {error.strerror}"
                raise Unreachable(why, where=self.place) from error
            self._running.add(process)
            return process


def _end(process: "subprocess.Popen[bytes]") -> None:
    """Ask the command's whole group to end, then make it."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
            process.communicate(timeout=_END_SECONDS)
        except subprocess.TimeoutExpired:
            continue
        except ProcessLookupError:
            process.communicate()
        return
