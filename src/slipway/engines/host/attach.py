"""Attached: a container's three streams over the engine's API, told line by line while they flow."""

import socket
import struct
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from slipway.ports import Say

if TYPE_CHECKING:
    import docker

_HEADER = struct.Struct(">BxxxL")  # the engine's frames: stream number, length (attach API)
_STDOUT, _STDERR = 1, 2
_KEPT = 16 << 20  # bytes of each stream that are kept; the rest was told and is forgotten
_LONGEST_LINE = 64 << 10


class Attached:
    """Attach before the container starts, so that its first line is not missed; `data` goes to standard input."""

    def __init__(self, api: "docker.APIClient", container: str, data: bytes | None) -> None:
        wanted = {"stdout": 1, "stderr": 1, "stream": 1} | ({"stdin": 1} if data is not None else {})
        self._stream: Any = api.attach_socket(container, params=wanted)
        # docker-py hands out a SocketIO on unix sockets; the raw socket below can be written to and half closed.
        self._socket: socket.socket = getattr(self._stream, "_sock", self._stream)
        self._socket.settimeout(None)
        if data is not None:
            threading.Thread(target=self._feed, args=(data,), daemon=True, name="slipway-stdin").start()

    def read(self, say: Say) -> tuple[str, str]:
        """Tell every line of both streams until the container ends; return what both wrote (the last 16 MiB each)."""
        streams = {_STDOUT: _Lines(say), _STDERR: _Lines(say)}
        while header := self._exactly(_HEADER.size):
            number, length = _HEADER.unpack(header)
            streams[number].take(self._exactly(length))
        return streams[_STDOUT].finish(), streams[_STDERR].finish()

    def close(self) -> None:
        """Let go of the streams."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        # docker-py keeps the HTTP response behind the socket; closing that one closes both in the right order.
        getattr(self._stream, "_response", self._stream).close()
        self._socket.close()

    def _feed(self, data: bytes) -> None:
        with suppress(OSError):  # a container may end without reading its input
            self._socket.sendall(data)
            self._socket.shutdown(socket.SHUT_WR)

    def _exactly(self, length: int) -> bytes:
        received = bytearray()
        while len(received) < length:
            chunk = self._socket.recv(length - len(received))
            if not chunk:
                return b""  # the end; a frame that was cut is no frame
            received += chunk
        return bytes(received)


class _Lines:
    def __init__(self, say: Say) -> None:
        self._say = say
        self._kept = bytearray()
        self._open = bytearray()

    def take(self, data: bytes) -> None:
        self._kept += data
        del self._kept[:-_KEPT]
        self._open += data
        *whole, rest = self._open.split(b"\n")
        self._open = bytearray(rest)
        if len(self._open) > _LONGEST_LINE:
            whole.append(self._open)
            self._open = bytearray()
        for line in whole:
            self._say(line.decode(errors="replace").rstrip("\r"))

    def finish(self) -> str:
        if self._open:
            self._say(self._open.decode(errors="replace"))
        return self._kept.decode(errors="replace")
