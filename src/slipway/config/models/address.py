"""Taking a database's URL apart once, with percent-encoding undone."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from slipway.errors import UsageError
from slipway.secret import Secret


@dataclass(frozen=True, slots=True)
class Address:
    """The parts of `scheme://user:password@host:port/path?option=value`; None where a part is not there."""

    scheme: str
    host: str
    port: int | None
    path: str
    user: str | None
    password: Secret | None = field(repr=False)
    options: Mapping[str, str] = field(default_factory=dict, repr=False)


def parse(url: Secret | str, schemes: frozenset[str], where: str) -> Address:
    """Return the parts of `url`. Raises `UsageError` at `where` that shows nothing of it."""
    text = url.reveal() if isinstance(url, Secret) else url
    try:
        parts = urlsplit(text)
        return _address(parts, schemes)
    except ValueError as error:
        # urlsplit's own words may hold the password: "Port could not be cast to integer value as 's3cret'".
        said = (
            str(error) if isinstance(error, _Wrong) else "is no address; # / ? [ ] in a password are written as %23 ..."
        )
        raise UsageError(
            said, where=where, hint="postgresql://user:password@host:5432/name, redis://host:6379/0"
        ) from None


class _Wrong(ValueError):
    """Says what is wrong in words of ours."""


def _address(parts: SplitResult, schemes: frozenset[str]) -> Address:
    if parts.scheme not in schemes:
        raise _Wrong(f"must begin with {' or '.join(f'{scheme}://' for scheme in sorted(schemes))}")
    if not parts.hostname or any(character.isspace() or not character.isprintable() for character in parts.geturl()):
        raise _Wrong("has no host, or a space in it")
    if any("password" in name.lower() for name, _ in parse_qsl(parts.query)):
        raise _Wrong("has a password behind the ?, where logs show it; it belongs before the @")
    if parts.fragment:
        raise _Wrong("has a #, which ends an address: in a password it is written as %23")
    return Address(
        parts.scheme,
        parts.hostname,
        parts.port,
        unquote(parts.path.removeprefix("/")),
        None if parts.username is None else unquote(parts.username),
        None if parts.password is None else Secret(unquote(parts.password)),
        dict(parse_qsl(parts.query)),
    )
