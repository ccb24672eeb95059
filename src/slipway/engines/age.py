"""Age: seals a text for the team's public keys and opens it with one's own, through age's Rust implementation."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from slipway.config.fault import Fault, refuse
from slipway.config.sealed import NoIdentity, OtherKeys, stanzas
from slipway.config.textfile import read_text
from slipway.errors import UsageError
from slipway.secret import Mask, Secret

Identity = Any  # pyrage comes without types
Recipient = Any

OWN_KEY = "~/.config/slipway/age.txt"
GIVEN = "SLIPWAY_AGE_IDENTITY"
_KEY = re.compile(r"AGE-SECRET-KEY-1[0-9A-Z]+")
_PRIVATE_SSH = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----")
_HINT = f"give {GIVEN} a key (AGE-SECRET-KEY-1...) or the name of its file, or make one: `inv env.keygen`"


class Age:
    """Seals and opens. `given` is what SLIPWAY_AGE_IDENTITY holds: a key, the name of its file, or "".

    Without it the user's own key counts (`~/.config/slipway/age.txt`). Nothing is read before it is needed, and the key
    is masked in all output from then on.
    """

    def __init__(self, given: str, mask: Mask, own: Path | None = None) -> None:
        self._given = given
        self._mask = mask
        self._own = own
        mask.add([Secret(key) for key in _KEY.findall(given)])

    @property
    def own_file(self) -> Path:
        """Where the user's own key is."""
        return self._own or _at_home(OWN_KEY)

    def seal(self, text: bytes, recipients: Sequence[str], where: str) -> bytes:
        """Return `text` encrypted for `recipients`, in letters (age's armour), so that git shows a text file.

        Raises `UsageError` for a recipient that is none.
        """
        import pyrage

        keys = [_recipient(text, where) for text in recipients]
        if not keys:
            raise UsageError("there is nobody to seal for", where=where, hint="put public keys (age1...) there")
        return bytes(pyrage.encrypt(text, keys, armored=True))

    def unseal(self, data: bytes, where: str) -> bytes:
        """Return what a sealed file holds.

        Raises `NoIdentity` where no key is at hand, `UsageError` where it does not fit or the file is damaged.
        """
        import pyrage

        kinds = stanzas(data, where)
        if set(kinds) == {"scrypt"}:
            raise UsageError(
                "is sealed with a passphrase, not for public keys",
                where=where,
                hint="open it with age itself (`age -d`), then `inv env.seal` for env/recipients.txt",
            )
        identities, public = self._identities(where)
        try:
            return bytes(pyrage.decrypt(data, identities))
        except pyrage.DecryptError as error:
            if "No matching keys" in str(error):
                raise OtherKeys(
                    f"is sealed for other keys than yours ({public})",
                    where=where,
                    hint="have somebody who can open it put that public key into env/recipients.txt and seal it again",
                ) from error
            raise UsageError(
                "is damaged or cut off", where=where, hint="take the file from git again, or seal anew"
            ) from error

    def own_public_key(self) -> str:
        """Return the public half of the user's own key. Raises `UsageError` where its file holds none."""
        text, faults = read_text(self.own_file, str(self.own_file))
        refuse(faults, str(self.own_file))
        self._mask.add([Secret(key) for key in _KEY.findall(text)])
        (found, *_) = _identities(text, str(self.own_file))
        if not hasattr(found, "to_public"):
            raise UsageError(
                "holds an SSH key", where=str(self.own_file), hint="its public half is in the .pub file beside the key"
            )
        return str(found.to_public())

    def _identities(self, sealed: str) -> tuple[list[Identity], str]:
        text, where = self._text(sealed)
        found = _identities(text, where)
        keys = _KEY.findall(text)
        self._mask.add(map(Secret, keys or (line for line in text.splitlines() if len(line) > 20)))
        return found, str(found[0].to_public()) if keys and hasattr(found[0], "to_public") else "an SSH key"

    def _text(self, sealed: str) -> tuple[str, str]:
        if _KEY.search(self._given) or _PRIVATE_SSH.search(self._given):
            return self._given, GIVEN
        file = _at_home(self._given) if self._given else self.own_file
        if not self._given and not file.exists():
            raise NoIdentity("is sealed, and no key is at hand", where=sealed, hint=_HINT)
        where = f"{GIVEN} (a file)" if self._given else str(file)
        text, faults = read_text(file, where)
        refuse(faults, where)
        if file.stat().st_mode & 0o077:
            raise UsageError("others may read this key", where=where, hint="chmod 600 the file")
        return text, where


def _at_home(name: str) -> Path:
    try:
        return Path(name).expanduser()
    except RuntimeError as error:
        raise UsageError(f"the key's file: {error}", where=GIVEN, hint="give the whole path, without ~") from error


def new_key() -> tuple[Secret, str]:
    """Return a new key and its public half."""
    from pyrage import x25519

    identity = x25519.Identity.generate()
    return Secret(str(identity)), str(identity.to_public())


def read_recipients(file: Path, where: str) -> tuple[str, ...]:
    """Return the public keys in a file, one a line, `#` begins a comment. Raises `UsageError` naming a line."""
    text, faults = read_text(file, where)
    refuse(faults, where)
    found = []
    wrong: list[Fault] = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.strip().startswith("#"):
            continue
        key = bare(line)
        try:
            _recipient(key, f"{where}:{number}")
        except UsageError as error:
            wrong.append(Fault("age.recipient", error.where, error.message, error.hint))
        found.append(key)
    refuse(wrong, where)
    return tuple(dict.fromkeys(found))


def require_recipient(key: str, where: str) -> None:
    """Refuse what is no public key that can be sealed for. Raises `UsageError` at `where`."""
    _recipient(key, where)


def bare(key: str) -> str:
    """Return a public key without the comment that an SSH key may have."""
    return " ".join(key.split()[:2])


def _recipient(text: str, where: str) -> Recipient:
    import pyrage
    from pyrage import ssh, x25519

    if _KEY.search(text):
        raise UsageError(
            "holds a secret key, and only public ones (age1...) belong here",
            where=where,
            hint="take it out and make a new one: `inv env.keygen`",
        )
    try:
        return x25519.Recipient.from_str(text) if text.startswith("age1") else ssh.Recipient.from_str(text)
    except (pyrage.RecipientError, ValueError) as error:
        raise UsageError(
            "is no public key that can be sealed for", where=where, hint="age1... or ssh-ed25519 ..."
        ) from error


def _identities(text: str, where: str) -> list[Identity]:
    import pyrage
    from pyrage import ssh, x25519

    try:
        if _PRIVATE_SSH.search(text):
            return [ssh.Identity.from_buffer(text.encode())]
        found: list[Identity] = [x25519.Identity.from_str(key) for key in _KEY.findall(text)]
    except (pyrage.IdentityError, ValueError) as error:
        hint = "an SSH key must have no passphrase" if _PRIVATE_SSH.search(text) else _HINT
        raise UsageError("is no key that can be used", where=where, hint=hint) from error
    if not found:
        raise UsageError("holds no key", where=where, hint=_HINT)
    return found
