"""Reading a text file that a person wrote: bounded in size, UTF-8, and every way to fail said plainly."""

import os
import stat
from pathlib import Path

from slipway.config.fault import Fault

LARGEST = 1_000_000
"""Bytes; a configuration file beyond this is something else by mistake."""

_BOM = b"\xef\xbb\xbf"


def read_text(file: Path, where: str) -> tuple[str, list[Fault]]:
    """Return the text of `file`, without byte order mark, and what is wrong with it.

    The text is "" after a fatal fault. `where` names the file in messages. No fault shows a byte of the content: the
    file may hold secrets.
    """
    data, faults = read_bytes(file, where, LARGEST)
    return ("", faults) if faults else decode(data, where)


def read_bytes(file: Path, where: str, largest: int) -> tuple[bytes, list[Fault]]:
    """Return what `file` holds, at most `largest` bytes, or b"" and why it cannot be had."""
    try:
        # Without O_NONBLOCK a pipe would be waited for until somebody writes to it.
        with os.fdopen(os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as stream:
            kind = os.fstat(stream.fileno()).st_mode
            data = stream.read(largest + 1) if stat.S_ISREG(kind) else b""
    except FileNotFoundError:
        return b"", [_missing(file, where)]
    except IsADirectoryError:
        return b"", [Fault("file.unreadable", where, "is a folder, not a file")]
    except OSError as error:
        return b"", [Fault("file.unreadable", where, f"cannot be read: {error.strerror}")]
    faults = []
    if not stat.S_ISREG(kind):
        faults.append(Fault("file.unreadable", where, "is a pipe, a socket or a device, not a file"))
    if len(data) > largest:
        message = f"is larger than {largest / 1_000_000:g} MB, so it is not read"
        faults.append(Fault("file.huge", where, message, "check that this is the file you meant"))
    return b"" if faults else data, faults


def _missing(file: Path, where: str) -> Fault:
    if file.is_symlink():
        hint = "put the file itself here, or remove the link"
        return Fault("file.unreadable", where, "is a symbolic link that leads nowhere", hint)
    return Fault("file.missing", where, "there is no such file")


def decode(data: bytes, where: str) -> tuple[str, list[Fault]]:
    """Return the text in `data` as `read_text` does."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "", [Fault("file.encoding", f"{where}:1", "is UTF-16", "save it as UTF-8 without byte order mark")]
    faults = []
    if data.startswith(_BOM):
        data = data.removeprefix(_BOM)
        message = "starts with a byte order mark, which some readers take for a part of the first name"
        faults.append(Fault("file.bom", f"{where}:1", message, "save it as UTF-8 without byte order mark", fatal=False))
    if (at := data.find(b"\0")) >= 0:
        line = data.count(b"\n", 0, at) + 1
        return "", [Fault("file.binary", f"{where}:{line}", "holds a zero byte, so it is not a text file")]
    try:
        return data.decode("utf-8"), faults
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        message = "is not UTF-8 (a byte of another encoding, perhaps Latin-1)"
        return "", [Fault("file.encoding", f"{where}:{line}", message, "save the file as UTF-8")]
