"""Host: a machine reached by SSH, as the port `Shell`; one connection, many commands, none outlives its deadline."""

import re
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from slipway.command import Command, Result, command
from slipway.engines.host.ssh_connect import PACKET, WINDOW, Address, connect
from slipway.errors import Unreachable

if TYPE_CHECKING:
    import paramiko

# `timeout` on the host ends the command even when the connection is gone; the pid lets an interrupt end it early.
# (sshd does not end a command without a terminal when its channel closes.)
_WRAP = 'echo "slipway-pid:$$" >&2; seconds=$1; shift; exec timeout -k 5 "$seconds" "$@"'
_PID = re.compile(rb"^slipway-pid:(\d+)\n", re.MULTILINE)
_TIMED_OUT = (124, 137)  # coreutils' and busybox' answer after TERM, and after KILL
_LATE_SECONDS = 10.0  # how much later than the host's own clock this side gives up
_END_SECONDS = 8.0  # how long an ended command gets for its clean-up (`timeout -k 5`)
_CONNECTIONS = 4  # sshd allows 10 channels a connection (MaxSessions); further ones open another


class Host:
    """A machine reached by SSH.

    Thread-safe: commands run side by side as channels of one connection; where sshd refuses a further channel, a
    second connection is opened. A connection that was lost is opened again for the next command; a command that was
    sent is never sent twice.
    """

    def __init__(self, address: Address) -> None:
        self._address = address
        self._connections: list[Any] = []
        self._lock = threading.Lock()

    @property
    def place(self) -> str:
        """The host's name in messages, `root@host:22`."""
        return self._address.place

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close every connection; the next command would open one again."""
        with self._lock:
            for connection in self._connections:
                connection.close()
            self._connections.clear()

    def run(self, command: Command) -> Result:
        """Run and wait; both streams are kept whole in memory.

        The words are quoted for a POSIX login shell. Exit code -1 means the command was ended by a signal. Raises
        `Unreachable` without a connection, when it is lost half-way, and at the deadline, after ending the command.
        """
        channel = self._channel()
        begin = time.monotonic()  # before the host's own clock starts, so that 124 after the limit is seen as late
        wrapped = Command(("sh", "-c", _WRAP, "slipway", f"{command.seconds:.3f}", *command.argv))
        self._start(channel, wrapped, shown=command)
        return _Call(self, channel, command, begin).result()

    def open(self, command: Command) -> "paramiko.Channel":
        """Start a command and return its raw channel; the caller reads, writes and closes it."""
        channel = self._channel()
        self._start(channel, command, shown=command)
        return channel

    def _start(self, channel: "paramiko.Channel", command: Command, shown: Command) -> None:
        import paramiko

        try:
            channel.exec_command(command.line())
        except (paramiko.SSHException, OSError, EOFError) as error:
            channel.close()
            raise Unreachable(f"`{shown.line()[:200]}` could not be started: {error}", where=self.place) from error

    def end(self, pid: int) -> None:
        """End a command and what it started, by the pid of its `timeout`; silent when it is gone already."""
        with suppress(Unreachable):
            channel = self.open(command("kill", "-TERM", str(pid)))
            channel.status_event.wait(_END_SECONDS)
            channel.close()

    def _channel(self) -> "paramiko.Channel":
        import paramiko

        refusal: Exception | None = None
        with self._lock:
            self._connections = [kept for kept in self._connections if kept.transport.is_active()]
            for number in range(_CONNECTIONS):
                if number == len(self._connections):
                    self._connections.append(connect(self._address))
                transport: paramiko.Transport = self._connections[number].transport
                try:
                    return transport.open_session(WINDOW, PACKET, timeout=self._address.connect_seconds)
                except paramiko.ChannelException as error:
                    refusal = error  # no room on this connection
                except (paramiko.SSHException, OSError, EOFError) as error:
                    self._connections[number].close()
                    raise Unreachable(f"the connection was lost: {error}", where=self.place) from error
        raise Unreachable(
            f"the host opens no further channel: {refusal}", where=self.place, hint="raise sshd's MaxSessions"
        )


class _Call:
    """One command under way: a thread a stream, so that neither side ever waits for a full pipe."""

    def __init__(self, host: Host, channel: "paramiko.Channel", command: Command, begin: float) -> None:
        self._host = host
        self._channel = channel
        self._command = command
        self._out: list[bytes] = []
        self._err: list[bytes] = []
        self._begin = begin
        self._threads = [
            _thread(_drain, channel.recv, self._out),
            _thread(_drain, channel.recv_stderr, self._err),
        ]
        # Its own thread, and never waited for: a command may end without reading what it was given.
        _thread(_feed, channel, command.input_bytes())

    def result(self) -> Result:
        """Wait for the end of the command, or bring it about."""
        deadline = self._begin + self._command.seconds + _LATE_SECONDS
        try:
            ended = self._wait_until(deadline)
        except BaseException:
            self._end()
            raise
        else:
            if not ended:
                self._end()
        finally:
            self._channel.close()
        code = self._channel.exit_status
        if not ended or (code in _TIMED_OUT and time.monotonic() - self._begin >= self._command.seconds):
            raise Unreachable(
                f"`{self._command.line()[:200]}` was ended after {self._command.seconds:g} s",
                where=self._host.place,
                details=tuple(self._error_bytes().decode(errors="replace").splitlines()[-8:]),
            )
        if code == -1 and not self._was_answered():
            raise Unreachable(
                f"the connection was lost while `{self._command.line()[:200]}` ran", where=self._host.place
            )
        out, err = b"".join(self._out), self._error_bytes()
        return Result(self._command, code, out.decode(errors="replace"), err.decode(errors="replace"))

    def _wait_until(self, deadline: float) -> bool:
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        return self._channel.status_event.wait(max(0.0, deadline - time.monotonic()))

    def _end(self) -> None:
        if found := _PID.search(b"".join(self._err[:8])):
            self._host.end(int(found[1]))
            self._channel.status_event.wait(_END_SECONDS)

    def _error_bytes(self) -> bytes:
        return _PID.sub(b"", b"".join(self._err), count=1)

    def _was_answered(self) -> bool:
        # A command ended by a signal reports no exit status (paramiko: -1) on a connection that is still alive.
        return self._channel.get_transport().is_active()


def _thread(work: Callable[..., None], *arguments: object) -> threading.Thread:
    thread = threading.Thread(target=work, args=arguments, daemon=True, name="slipway-ssh")
    thread.start()
    return thread


def _drain(receive: Callable[[int], bytes], into: list[bytes]) -> None:
    with suppress(OSError, EOFError):
        while chunk := receive(PACKET):
            into.append(chunk)


def _feed(channel: "paramiko.Channel", data: bytes | None) -> None:
    import paramiko

    with suppress(OSError, EOFError, paramiko.SSHException):
        if data:
            channel.sendall(data)
        channel.shutdown_write()
