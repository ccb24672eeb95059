"""LocalShell: this machine as the port `Shell`."""

import subprocess

from slipway.command import Command, Result
from slipway.errors import Unreachable

_END_SECONDS = 5.0


class LocalShell:
    """Runs commands on this machine, without a shell in between."""

    @property
    def place(self) -> str:
        """The machine's name in messages."""
        return "this machine"

    def run(self, command: Command) -> Result:
        """Run and wait. Raises `Unreachable` when the program does not exist and at the deadline, after ending it.

        A command ended by a signal has the code that a shell gives it, 128 + signal.
        """
        try:
            process = subprocess.Popen(
                command.argv,
                stdin=subprocess.DEVNULL if command.stdin is None else subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                process_group=0,  # so that the deadline ends what the command started, too
            )
        except OSError as error:
            raise Unreachable(f"`{command.argv[0]}` cannot be started: {error.strerror}", where=self.place) from error
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
        code = process.returncode if process.returncode >= 0 else 128 - process.returncode
        return Result(command, code, out.decode(errors="replace"), err.decode(errors="replace"))


def _end(process: "subprocess.Popen[bytes]") -> None:
    """Ask the command's whole group to end, then make it."""
    import os
    import signal

    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
            process.communicate(timeout=_END_SECONDS)
        except subprocess.TimeoutExpired:
            continue
        except ProcessLookupError:
            process.communicate()
        return
