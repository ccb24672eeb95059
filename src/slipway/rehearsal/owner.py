"""Whose something on the engine is: a checkout of Slipway and the process of it, told by labels, kept by a file lock.

Several checkouts, and several people, may share an engine. What a rehearsal made is taken away by its own checkout, or
once nobody is left who could want it.
"""

import fcntl
import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from slipway.errors import Unreachable, UsageError

CHECKOUT, PROCESS = "slipway.checkout", "slipway.process"
_HERE = Path(__file__).resolve().parents[3]


@dataclass(frozen=True, slots=True)
class Owner:
    """A process of a checkout. `began` is its start in clock ticks since the machine's, as ids are given again."""

    checkout: str
    machine: str
    pid: int
    began: str

    @classmethod
    def here(cls, checkout: Path = _HERE) -> Self:
        """Return this process as an owner."""
        return cls(str(checkout), socket.gethostname(), os.getpid(), _began(os.getpid()))

    @classmethod
    def of(cls, labels: Mapping[str, str]) -> Self | None:
        """Return the owner that labels tell; None where they tell none."""
        machine, _, process = labels.get(PROCESS, "").rpartition(" ")
        pid, _, began = process.partition("/")
        if not labels.get(CHECKOUT) or not pid.isdecimal():
            return None
        return cls(labels[CHECKOUT], machine, int(pid), began)

    def labels(self) -> dict[str, str]:
        """Return the labels that tell this owner."""
        return {CHECKOUT: self.checkout, PROCESS: f"{self.machine} {self.pid}/{self.began}"}

    def is_same_checkout(self, other: "Owner") -> bool:
        """Whether both are of one checkout on one machine."""
        return (self.checkout, self.machine) == (other.checkout, other.machine)

    def runs(self) -> bool | None:
        """Whether the process still runs; None where that cannot be seen, on another machine (or container)."""
        if self.machine != socket.gethostname():
            return None
        return bool(self.began) and _began(self.pid) == self.began

    def is_gone(self) -> bool:
        """Whether neither the process nor its checkout is there any more."""
        return self.runs() is False and not Path(self.checkout).exists()


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Be the only process of this checkout that lays or removes the ground kept in `folder`.

    Raises `UsageError` naming the process that is. The kernel gives the lock back however a process ends.
    """
    path = folder.with_name(f"{folder.name}.lock")  # beside the folder, which goes with the ground
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = os.open(path, os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise Unreachable(f"cannot be opened: {error.strerror}", where=str(path)) from error
    try:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            pid = os.read(file, 20).decode(errors="replace").strip() or "unknown"
            raise UsageError(
                f"a rehearsal of this checkout is under way, process {pid}",
                where=str(path),
                hint=f"wait for its end, or end it: kill -INT {pid}",
            ) from error
        os.ftruncate(file, 0)
        os.write(file, f"{os.getpid()}\n".encode())
        yield
    finally:
        os.close(file)


def _began(pid: int) -> str:
    """Return field 22 of /proc/<pid>/stat (proc(5)), "" for a process that is not there or only waits to be buried."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return ""
    return fields[19] if fields[0] not in "ZX" else ""
