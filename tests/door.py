"""A door in front of a server: everything passes through it until it is shut, in the middle of whatever was said."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field


@dataclass
class Door:
    """`connect` reaches the server; with `after` it shuts by itself when so many bytes have gone in."""

    connect: Callable[[], socket.socket]
    after: int | None = None
    is_open: bool = True
    passed: int = 0
    _through: list[socket.socket] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def shut(self) -> None:
        """Break off every connection and let no other through."""
        with self._lock:
            self.is_open = False
            through, self._through = self._through, []
        for end in through:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def open(self) -> None:
        """Let through again, and shut no more by itself."""
        with self._lock:
            self.after = None
            self.is_open = True

    def let_in(self, client: socket.socket) -> None:
        """Serve one connection to its end."""
        with client, suppress(OSError), self.connect() as server:
            with self._lock:
                if not self.is_open:
                    return
                self._through += [client, server]
            back = threading.Thread(target=self._pass, args=(server, client), daemon=True)
            back.start()
            self._pass(client, server, counted=True)
            back.join()

    def _pass(self, source: socket.socket, target: socket.socket, *, counted: bool = False) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                if counted:
                    self.passed += len(data)
                    if self.after is not None and self.passed > self.after:
                        self.shut()
                        return
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)  # the other direction may go on


@contextmanager
def before(listening: socket.socket, connect: Callable[[], socket.socket], after: int | None = None) -> Iterator[Door]:
    """Stand before a server while the block lasts, on a socket that listens already."""
    door = Door(connect, after)

    def serve() -> None:
        with suppress(OSError):
            while True:
                client, _ = listening.accept()
                threading.Thread(target=door.let_in, args=(client,), daemon=True).start()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield door
    finally:
        door.shut()
        with suppress(OSError):
            listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join(5)
