"""Sealed files on disk: made, proved and opened whole or not at all. `engines/age.py` does the sealing itself."""

import secrets
from collections.abc import Sequence
from pathlib import Path

from slipway.config.fault import refuse
from slipway.config.layers import opened
from slipway.config.sealed import LARGEST, NoIdentity, recipients_of, stanzas, with_recipients
from slipway.config.textfile import read_bytes
from slipway.engines.age import Age
from slipway.engines.private_file import replace_file
from slipway.errors import Refused, UsageError

_READABLE = 0o644  # what is sealed may be read by everybody


def seal(age: Age, text: str, file: Path, where: str, recipients: Sequence[str]) -> str:
    """Write `text` sealed for `recipients`; return what was seen of it afterwards, in words.

    Before the file is replaced, what will stand in it is opened again where a key is at hand, and its header read where
    none is. Raises `UsageError`, `Unreachable`, or `Refused` where what was sealed does not open as it was.
    """
    whole = with_recipients(text, recipients).encode()
    data = age.seal(whole, recipients, where)
    if len(stanzas(data, where)) != len(recipients):
        raise Refused(f"the seal is not for {len(recipients)} keys, so it was not kept", where=where)
    try:
        if age.unseal(data, where) != whole:
            raise Refused("what was sealed opens as something else, so it was not kept", where=where)
        proof = "opened again with your key: the same"
    except NoIdentity:
        proof = "its header reads well; no key is here to open it"
    except UsageError:
        proof = "its header reads well; your key is not among them, so you cannot open it"
    replace_file(file, data, where, _READABLE)
    if read_bytes(file, where, LARGEST)[0] != data:
        raise Refused("the file reads back as something else", where=where, hint="is its disk well?")
    return f"sealed for {len(recipients)} key{'' if len(recipients) == 1 else 's'}; {proof}"


def is_sealed_already(age: Age, text: str, file: Path, where: str, recipients: Sequence[str]) -> bool:
    """Whether the sealed file holds this very text for these very recipients; no where that cannot be told."""
    data, faults = read_bytes(file, where, LARGEST)
    if faults:
        return False
    try:
        return age.unseal(data, where) == with_recipients(text, recipients).encode()
    except UsageError:
        return False


def unsealed(age: Age, file: Path, where: str) -> str:
    """Return the text of a sealed file. Raises `UsageError` as `Age.unseal` does, and for what is no text."""
    text, faults = opened(file, where, age.unseal)
    refuse(faults, where)
    return text


def sealed_for(age: Age, file: Path, where: str) -> tuple[str, ...]:
    """Return for whom a sealed file says that it is; empty where another program sealed it. Raises `UsageError`."""
    data, faults = read_bytes(file, where, LARGEST)
    refuse(faults, where)
    return recipients_of(age.unseal(data, where).decode("utf-8", "replace"))


def kept_key(file: Path, where: str) -> bytes:
    """Return this checkout's key of digests (32 bytes), made up on first use and kept 0600."""
    data, faults = read_bytes(file, where, 64)
    if not faults and len(data) == 32:
        return data
    key = secrets.token_bytes(32)
    replace_file(file, key, where)
    return key
