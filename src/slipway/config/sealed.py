"""A sealed file of secrets, `env/<name>.secrets.env.age`: what can be told of one without a key.

The format is age's (age-encryption.org/v1): a header with one stanza a recipient, then the encrypted text. A sealed
file is decrypted in memory only; who can do that is handed in as `Unseal`.
"""

import base64
import binascii
import re
from collections.abc import Callable, Iterable

from slipway.errors import UsageError

SUFFIX = ".age"
LARGEST = 1_500_000
"""Bytes; a megabyte of text in base64 with its line ends."""

Unseal = Callable[[bytes, str], bytes]
"""Decrypts a sealed file, whose name (for messages) is the second argument.

Raises `NoIdentity` where no key is at hand, `UsageError` where the key does not fit or the file is damaged.
"""

_BEGIN, _END = b"-----BEGIN AGE ENCRYPTED FILE-----", b"-----END AGE ENCRYPTED FILE-----"
_FIRST = b"age-encryption.org/v1\n"
_STANZA = re.compile(rb"^-> (\S+)", re.MULTILINE)
_SEALED_FOR = "# sealed for "


class NoIdentity(UsageError):
    """No key is at hand that could open a sealed file."""


class OtherKeys(UsageError):
    """A sealed file is for other keys than those at hand."""


def stanzas(data: bytes, where: str) -> tuple[str, ...]:
    """Return the kind of each recipient (`X25519`, `ssh-ed25519`, `scrypt`), read from the header alone.

    Decoys that age adds for future readers ("grease") are left out. Raises `UsageError` for what is no age file.
    """
    head, marker, _ = _unarmoured(data, where).partition(b"\n---")
    if not head.startswith(_FIRST) or not marker:
        raise UsageError(
            "is no age file, or its beginning is lost", where=where, hint="take the file from git again, or seal anew"
        )
    kinds = (kind.decode("ascii", "replace") for kind in _STANZA.findall(head))
    return tuple(kind for kind in kinds if not kind.endswith("-grease"))


def ended(text: str) -> str:
    """Return a text with the end of its last line, which a sealed one always has."""
    return text if not text or text.endswith("\n") else f"{text}\n"


def with_recipients(text: str, recipients: Iterable[str]) -> str:
    """Return a text that also says, in a comment of its last line, for whom it is sealed."""
    return f"{ended(without_recipients(text))}{_SEALED_FOR}{', '.join(sorted(set(recipients)))}\n"


def without_recipients(text: str) -> str:
    """Return the text without that comment."""
    before, line = text.removesuffix("\n").rpartition("\n")[::2]
    return (f"{before}\n" if before else "") if line.startswith(_SEALED_FOR) else text


def recipients_of(text: str) -> tuple[str, ...]:
    """Return for whom a decrypted text says that it is sealed; empty where another program sealed it."""
    line = text.removesuffix("\n").rpartition("\n")[2]
    return tuple(line.removeprefix(_SEALED_FOR).split(", ")) if line.startswith(_SEALED_FOR) else ()


def _unarmoured(data: bytes, where: str) -> bytes:
    text = data.strip()
    if not text.startswith(b"-----"):
        return data
    lines = text.replace(b"\r\n", b"\n").split(b"\n")
    if lines[0] != _BEGIN or lines[-1] != _END:
        raise UsageError("is cut off, or no age file", where=where, hint="take the file from git again, or seal anew")
    try:
        return base64.b64decode(b"".join(lines[1:-1]), validate=True)
    except binascii.Error as error:
        raise UsageError("is damaged", where=where, hint="take the file from git again, or seal anew") from error
