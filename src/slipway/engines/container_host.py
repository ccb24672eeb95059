"""testinfra inside a container over one long-lived exec: 0.7 ms a command, against 60 to 80 ms for its own backend."""

import secrets
import shlex
import socket
import struct
import time
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from testinfra.backend.base import BaseBackend, CommandResult
from testinfra.host import Host

from slipway.errors import Unreachable

if TYPE_CHECKING:
    import docker

_HEADER = struct.Struct(">BxxxL")  # the engine's stream frames: stream number, length (attach API)
_STDOUT, _STDERR = 1, 2
_LONGEST_ANSWER = 64 << 20  # bytes of one stream; an endless answer must not fill this machine's memory


class ExecBackend(BaseBackend):  # type: ignore[misc] # testinfra's class is not typed for subclassing
    """One `sh` in a container that takes command after command. Close it, or use it as a context manager.

    A command gets no standard input unless `run` is given one. `seconds` bounds every single answer.
    """

    NAME = "slipway-exec"

    def __init__(self, client: "docker.DockerClient", container: str, *, user: str = "", seconds: float = 30) -> None:
        """Open the shell. Raises `Unreachable` when the container is not there or does not run."""
        from docker.errors import APIError

        super().__init__(container)
        # Every image speaks UTF-8; asking inside would start a Python that a portal does not have.
        self._encoding = "utf-8"
        self._seconds = seconds
        self._deadline = 0.0
        self._broken = ""
        try:
            exec_id = client.api.exec_create(container, ["sh"], stdin=True, user=user)["Id"]
            stream: Any = client.api.exec_start(exec_id, socket=True)
        except APIError as error:
            raise Unreachable(
                f"no shell can be opened in container {container[:12]}: {error.explanation or error}"
            ) from error
        # docker-py hands out a SocketIO on unix sockets; the raw socket below can be written to.
        self._socket: socket.socket = getattr(stream, "_sock", stream)
        self._stream = stream

    def run(self, command: str, *args: str, **kwargs: Any) -> CommandResult:
        """Run one shell command and return testinfra's result. Raises `Unreachable` when the container is gone.

        `stdin="..."` are lines that it reads: they travel as the shell's own input and are on no command line.
        After a command that did not end in time the shell is closed: its late answer would be taken for the next one's.
        """
        words = self.get_command(command, *args)
        if self._broken:
            raise Unreachable(f"container {self.hostname[:12]} stopped answering: {self._broken}", where=words[:80])
        mark = f"--{secrets.token_hex(8)}--"
        text = str(kwargs.get("stdin") or "")
        source = f"<<'{mark}'\n{text.removesuffix(chr(10))}\n{mark}" if text else "</dev/null"
        script = f"sh -c {shlex.quote(words)} {source}\nprintf '%s%d\\n' {mark} $?\nprintf '%s\\n' {mark} >&2\n"
        self._deadline = time.monotonic() + self._seconds
        try:
            self._socket.settimeout(self._seconds)
            self._socket.sendall(script.encode())
            code, out, err = self._answer(mark.encode())
        except (OSError, EOFError) as error:
            self._broken = str(error)
            self.close()
            raise Unreachable(f"container {self.hostname[:12]} stopped answering: {error}", where=words[:80]) from error
        return self.result(code, self.encode(words), out, err)

    def decode(self, data: bytes) -> str:
        """Return an answer as text; what is not UTF-8 is replaced, so that a rule about a binary file can go on."""
        return data.decode(errors="replace")

    def _answer(self, mark: bytes) -> tuple[int, bytes, bytes]:
        streams = {_STDOUT: _Stream(mark), _STDERR: _Stream(mark)}
        while not all(stream.is_whole for stream in streams.values()):
            number, length = _HEADER.unpack(self._exactly(_HEADER.size))
            if number not in streams:
                raise EOFError("the engine sent something else than the two streams")
            streams[number].take(self._exactly(length))
        out, code = streams[_STDOUT].parts()
        err, _ = streams[_STDERR].parts()
        return int(code), out, err

    def _exactly(self, length: int) -> bytes:
        received = bytearray()
        while len(received) < length:
            left = self._deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError(f"no end after {self._seconds:g} s")
            self._socket.settimeout(left)
            chunk = self._socket.recv(length - len(received))
            if not chunk:
                raise EOFError("its shell ended; does it still run, and has it `sh`?")
            received += chunk
        return bytes(received)

    def close(self) -> None:
        """End the shell; harmless a second time."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        # docker-py keeps the HTTP response behind the socket; closing that one closes both in the right order.
        getattr(self._stream, "_response", self._stream).close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class _Stream:
    """One stream of one answer: what the command wrote, then the mark and the rest of its line."""

    def __init__(self, mark: bytes) -> None:
        self._mark = mark
        self._data = bytearray()
        self._at = -1

    def take(self, data: bytes) -> None:
        # Only what is new is searched, or a large answer would cost the square of its length.
        begin = max(0, len(self._data) - len(self._mark))
        if len(self._data) + len(data) > _LONGEST_ANSWER:
            raise EOFError(f"it wrote more than {_LONGEST_ANSWER >> 20} MB")
        self._data += data
        if self._at < 0:
            self._at = self._data.find(self._mark, begin)

    @property
    def is_whole(self) -> bool:
        return self._at >= 0 and self._data.find(b"\n", self._at) >= 0

    def parts(self) -> tuple[bytes, bytes]:
        line = self._data[self._at + len(self._mark) :].partition(b"\n")[0]
        return bytes(self._data[: self._at]), bytes(line)


def container_host(backend: ExecBackend) -> Host:
    """Return testinfra's `host` over a backend: `host.file`, `host.run`, `host.process` and the rest."""
    return Host(backend)
