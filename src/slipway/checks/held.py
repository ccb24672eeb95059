"""Held: what of a setting nobody else may know. The one answer that every rule over secrets starts from."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from slipway.checks.facts import Facts, Seen
from slipway.config.credentials import credentials
from slipway.config.kinds import Kind, split_url

URLS = frozenset({Kind.URL, Kind.DATABASE_URL, Kind.REDIS_URL})
STORES = frozenset({Kind.DATABASE_URL, Kind.REDIS_URL})
_ADDRESS = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]{0,30}://")
# Slipway creates the database with these, so they are the password of its address.
_OF_STORE = {"POSTGRES_PASSWORD": Kind.DATABASE_URL, "REDIS_PASSWORD": Kind.REDIS_URL}


@dataclass(frozen=True, slots=True)
class Held:
    """A secret of a setting: its whole text, or the decoded password of an address in it (`is_whole` False).

    `store` and `user` say where it is a password for, None where that is not known.
    """

    seen: Seen
    text: str = field(repr=False)
    is_whole: bool
    store: Kind | None = None
    user: str | None = field(default=None, repr=False)

    @property
    def is_dsn(self) -> bool:
        """Whether it is where errors are reported to: its key lets everybody send some, and read none."""
        return self.is_whole and self.seen.setting.variable.type is Kind.URL and self.seen.name.endswith("DSN")

    def opens_the_same(self, other: "Held") -> bool:
        """Whether both are one password for one account: a replica's, or the one that the database is created with."""
        same_user = None in {self.user, other.user} or self.user == other.user
        return self.store is not None and self.store is other.store and same_user

    def is_made_of(self, other: "Held") -> bool:
        """Whether an address takes its password from the other by reference."""
        return not self.is_whole and other.seen.name in self.seen.setting.parts


def held(seen: Seen) -> Iterator[Held]:
    """Yield the secrets of a setting; what a reference stands for is the secret of another one, or the platform's.

    Of a variable that is no secret, the passwords of its addresses.
    """
    text, variable = seen.setting.text.reveal(), seen.setting.variable
    if not seen.text:
        return
    found = False
    if variable.type in URLS or not variable.secret or _ADDRESS.match(text):
        store = variable.type if variable.type in STORES else None
        for each in dict.fromkeys(credentials(text)):
            if each.password:
                found = True
                yield Held(seen, each.password, is_whole=False, store=store, user=each.user or None)
    if variable.secret and not found and not seen.setting.references and not _is_open(variable.type, text):
        yield Held(seen, text, is_whole=True, store=_OF_STORE.get(seen.name))


def all_held(facts: Facts) -> Iterable[Held]:
    """Return the secrets of every setting."""
    return tuple(each for seen in facts.seen for each in held(seen))


def _is_open(kind: Kind, text: str) -> bool:
    """Whether an address of a store holds no password at all."""
    return kind in STORES and lacks_password(text)


def lacks_password(text: str) -> bool:
    """Whether a text is an address that nobody needs a password for; False for one that cannot be read."""
    parts = split_url(text)
    if parts is None or parts.password or "@" in f"{parts.path}{parts.query}{parts.fragment}":
        return False
    return not any(each.password for each in credentials(text))
