"""API tokens: the file they come from, and what a bearer may do."""

import hashlib
import hmac
import json
import stat
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ABILITIES = frozenset({"root", "read", "read:sensitive", "write", "write:sensitive", "deploy"})
_ELEVATED = ABILITIES - {"read"}
_ADMINS = frozenset({"admin", "owner"})


class TokensUnusable(Exception):
    """The token file is missing, readable by others, or malformed; the message says which and where."""


@dataclass(frozen=True)
class Token:
    """One API token. Only the digest of its secret is kept, as in Coolify's database.

    `user` shares one rate limit over all their tokens; `role` is the user's role in team 0 (owner, admin, member), or
    "" when they left it.
    """

    number: int
    digest: str
    abilities: frozenset[str]
    expires_at: datetime | None = None
    user: str = "owner"
    role: str = "owner"

    def can(self, ability: str) -> bool:
        """Whether the token passes a route that asks for `ability`; nothing implies anything but root."""
        return "root" in self.abilities or ability in self.abilities

    @property
    def elevated(self) -> bool:
        """Whether it may be used by admins and owners of the team only."""
        return bool(self.abilities & _ELEVATED)

    @property
    def is_admin(self) -> bool:
        """Whether its user is admin or owner of the team right now."""
        return self.role in _ADMINS

    @property
    def sensitive(self) -> bool:
        """Whether secret fields are shown to it."""
        return self.is_admin and bool(self.abilities & {"root", "read:sensitive"})


class Tokens:
    """The tokens that exist."""

    def __init__(self, tokens: list[Token]) -> None:
        self._by_number = {token.number: token for token in tokens}

    def find(self, bearer: str, now: datetime | None = None) -> Token | None:
        """The living token with this plain text `<id>|<secret>`, or None."""
        number, separator, secret = bearer.partition("|")
        if not separator or not number.isascii() or not number.isdigit() or len(number) > 18:
            return None
        token = self._by_number.get(int(number))
        if token is None or not hmac.compare_digest(token.digest, _digest(secret)):
            return None
        if token.expires_at is not None and token.expires_at <= (now or datetime.now(UTC)):
            return None
        return token


def parse(entry: Any, where: str) -> Token:
    """One element of the token file. Raises TokensUnusable; the message never holds the token."""
    if not isinstance(entry, dict) or not isinstance(entry.get("token"), str):
        raise TokensUnusable(f"{where}: each entry is an object with a string `token`")
    number, separator, secret = entry["token"].partition("|")
    if not separator or not number.isdigit() or len(secret) < 8:
        raise TokensUnusable(f"{where}: `token` is `<number>|<secret>` with a secret of at least 8 characters")
    abilities = entry.get("abilities")
    if not isinstance(abilities, list) or not abilities or not set(map(str, abilities)) <= ABILITIES:
        raise TokensUnusable(f"{where}: `abilities` is a list of {', '.join(sorted(ABILITIES))}")
    expires_at = None
    if entry.get("expires_at"):
        try:
            expires_at = datetime.fromisoformat(str(entry["expires_at"]))
        except ValueError:
            raise TokensUnusable(f"{where}: `expires_at` is a time like 2026-12-31T00:00:00+00:00") from None
        expires_at = expires_at if expires_at.tzinfo else expires_at.replace(tzinfo=UTC)
    return Token(
        number=int(number),
        digest=_digest(secret),
        abilities=frozenset(map(str, abilities)),
        expires_at=expires_at,
        user=str(entry.get("user", "owner")),
        role=str(entry.get("role", "owner")),
    )


def read_file(path: Path) -> Tokens:
    """Reads the 0600 JSON file `[{"token", "abilities", "expires_at"?, "user"?, "role"?}]`. Raises TokensUnusable."""
    try:
        mode = path.stat().st_mode
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise TokensUnusable(f"{path}: {error.strerror}") from error
    except ValueError as error:
        raise TokensUnusable(f"{path}: not JSON") from error
    if stat.S_IMODE(mode) & 0o077:
        raise TokensUnusable(f"{path}: readable by others; chmod 600 it")
    if not isinstance(content, list) or not content:
        raise TokensUnusable(f"{path}: a list with at least one token")
    return Tokens([parse(entry, f"{path}, entry {index + 1}") for index, entry in enumerate(content)])


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()
