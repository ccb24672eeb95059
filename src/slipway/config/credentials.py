"""Credentials inside addresses: `scheme://user:password@host` and `?password=`, wherever they stand in a text. Pure."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from urllib.parse import unquote, unquote_plus

# Up to the last @ before a path: a reader splits there. Each class ends at the next slash, so the time is linear.
_INFO = re.compile(r"://(?P<info>[^\s/?#]*)@")
_QUERY = re.compile(
    r"[?&;](?:[a-z]{0,12}[_-])?(?:password|passwd|pwd|secret|token)=(?P<value>[^\s&;#]+)", re.ASCII | re.IGNORECASE
)
# What a person typed may hold a slash; after a port it begins the path. Bounded, so linear all the same.
_TYPED = re.compile(r"\w://[^\s/:@?#]*:(?!\d{1,5}[/?#,])(?P<value>[^\s/@]+|[^\s@]{1,200})(?=@)")


@dataclass(frozen=True, slots=True)
class Credentials:
    """Who signs in and with what, decoded. `password` is "" for a user alone, `user` for a password of a query."""

    user: str = field(repr=False)
    password: str = field(repr=False)


def credentials(text: str) -> Iterator[Credentials]:
    """Yield the credentials of every address in a text; a password that is, or holds, a reference is nobody's."""
    if "://" not in text:
        return
    for found in _INFO.finditer(text):
        user, _, password = found["info"].partition(":")
        if "${" not in password:
            yield Credentials(unquote(user), unquote(password))
    for found in _QUERY.finditer(text):
        if "${" not in found["value"]:
            yield Credentials("", unquote_plus(found["value"]))


def masked(text: str, show: Callable[[str], str]) -> str:
    """Return a text with every password of its addresses, as it is typed, replaced by what `show` makes of it."""
    for pattern in (_TYPED, _QUERY):
        text = pattern.sub(lambda found: found[0].removesuffix(found["value"]) + show(found["value"]), text)
    return text


def passwords(text: str) -> tuple[str, ...]:
    """Return the passwords in a text's addresses, decoded, in order, each once; none that is or holds a reference."""
    return tuple(dict.fromkeys(found.password for found in credentials(text) if found.password))


def typed_passwords(text: str) -> tuple[str, ...]:
    """Return the same as they are typed, also such as no reader finds because of a slash in them."""
    found = (match["value"] for pattern in (_TYPED, _QUERY) for match in pattern.finditer(text))
    return tuple(dict.fromkeys(value for value in found if "${" not in value))
