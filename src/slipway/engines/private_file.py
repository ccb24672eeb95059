"""Writing a file that others may not read: whole or not at all, whatever interrupts it."""

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from slipway.errors import Unreachable, UsageError


def replace_file(file: Path, data: bytes, where: str, mode: int = 0o600) -> None:
    """Put `data` in place of `file` with the rights `mode`; on failure, or an interrupt, what was there stays.

    The half-written file beside it has a name that git ignores and is removed. Raises
    `UsageError` for a symbolic link (what it names would be replaced unseen), `Unreachable` where it cannot be written.
    """
    if file.is_symlink():
        raise UsageError(
            "is a symbolic link, so it is not written to", where=where, hint="put the file itself here, or remove it"
        )
    # A name of one's own: two that write at once must not take each other's away.
    partial = file.with_name(f".partial.{file.name}.{os.getpid()}.{secrets.token_hex(4)}")
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as new:
            os.fchmod(new.fileno(), mode)
            new.write(data)
            new.flush()
            os.fsync(new.fileno())
        partial.replace(file)
    except OSError as error:
        _forget(partial)
        raise Unreachable(
            f"cannot be written: {error.strerror}",
            where=where,
            hint="free some space there, or make the folder writable; what was there is unchanged",
        ) from error
    except BaseException:
        _forget(partial)
        raise


def create_file(file: Path, data: bytes, where: str) -> bool:
    """Write a private file as `replace_file` does, but only where there is none; return whether there was none.

    Of two that do this at once exactly one is told yes, and its bytes stay.
    """
    made = file.with_name(f".partial.{file.name}.{os.getpid()}.{secrets.token_hex(4)}.new")
    replace_file(made, data, where)
    try:
        os.link(made, file)
    except FileExistsError:
        return False
    except OSError as error:
        raise Unreachable(
            f"cannot be written: {error.strerror}", where=where, hint="make the folder writable"
        ) from error
    finally:
        _forget(made)
    return True


@contextmanager
def alone(lock: Path, folder: Path, where: str) -> Iterator[None]:
    """Be the one command that changes the files of secrets in `folder`; what a killed one left half-written goes.

    Without it two that read, change and write at once would lose what one of them wrote. The system frees the lock
    with the process. Raises `UsageError` while another has it, `Unreachable` where it cannot be taken.
    """
    try:
        lock.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(lock, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise Unreachable(f"cannot be locked: {error.strerror}", where=where, hint="make it writable") from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise UsageError(
                "another command is changing the files of secrets", where=where, hint="wait until it has ended"
            ) from error
        for left in folder.glob(".partial.*"):
            _forget(left)
        yield
    finally:
        os.close(descriptor)


def _forget(partial: Path) -> None:
    with suppress(OSError):
        partial.unlink(missing_ok=True)
