"""Forwarder: a host's Docker engine as a private unix socket here, through channels of one SSH connection.

Each connection to the socket becomes one `docker system dial-stdio` on the host. The engine needs no open TCP port
and sshd no forwarding of its own; the host's Docker client decides where its engine is.
"""

import shutil
import socket
import tempfile
import threading
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from slipway.command import command
from slipway.engines.host.ssh import Host
from slipway.errors import SlipwayError

if TYPE_CHECKING:
    import paramiko

_CHUNK = 1 << 17
_NAME = "docker.sock"
_LONGEST_PATH = 107  # bytes of sun_path without the closing NUL (unix(7))
_DIAL = command("docker", "system", "dial-stdio")


class Forwarder:
    """Listens on a unix socket that only this user can reach, and carries bytes; use it as a context manager.

    `complaint()` tells what the host said when a connection ended badly, because the socket itself cannot.
    """

    def __init__(self, host: Host) -> None:
        self._host = host
        self._folder = _private_folder()
        self.path = self._folder / _NAME
        self._complaint: SlipwayError | str | None = None
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(self.path))
        self._listener.listen(16)
        threading.Thread(target=self._accept, daemon=True, name="slipway-forward").start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Stop listening, end what is under way and remove the socket."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # wakes `accept`, which `close` alone does not
        self._listener.close()
        with self._lock:
            left = tuple(self._open)
        for connection in left:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        shutil.rmtree(self._folder, ignore_errors=True)

    def complaint(self) -> SlipwayError | str | None:
        """Return and forget the last reason why a connection could not be carried: an error, or the host's words."""
        found, self._complaint = self._complaint, None
        return found

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._carry, args=(near,), daemon=True, name="slipway-forward").start()

    def _carry(self, near: socket.socket) -> None:
        with self._lock:
            self._open.add(near)
        try:
            far = self._host.open(_DIAL)
        except SlipwayError as error:
            self._complaint = error
        else:
            up = threading.Thread(target=_upwards, args=(near, far), daemon=True, name="slipway-forward")
            up.start()
            _downwards(near, far)
            if far.status_event.wait(1.0) and far.exit_status > 0:
                self._complaint = far.recv_stderr(4096).decode(errors="replace").strip()
            far.close()
        finally:
            with self._lock:
                self._open.discard(near)
            # Only now, with the complaint in place, does the other side hear that it is over.
            with suppress(OSError):
                near.shutdown(socket.SHUT_RDWR)  # also wakes the thread that reads from it
            near.close()


def _private_folder() -> Path:
    """Make a folder (0700) with a path short enough for a socket in it: a long TMPDIR is passed over."""
    folder = Path(tempfile.mkdtemp(prefix="slipway-"))
    if len(bytes(folder / _NAME)) <= _LONGEST_PATH:
        return folder
    folder.rmdir()
    return Path(tempfile.mkdtemp(prefix="slipway-", dir="/tmp"))


def _upwards(near: socket.socket, far: "paramiko.Channel") -> None:
    with suppress(OSError, EOFError):
        while chunk := near.recv(_CHUNK):
            far.sendall(chunk)
    # The end of what is sent is a message of its own: it ends the standard input of an attached container.
    with suppress(OSError, EOFError):
        far.shutdown_write()


def _downwards(near: socket.socket, far: "paramiko.Channel") -> None:
    with suppress(OSError, EOFError):
        while chunk := far.recv(_CHUNK):
            near.sendall(chunk)
