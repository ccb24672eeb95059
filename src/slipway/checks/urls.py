"""Rules over addresses with a password in them: what must be percent-encoded, and what a container cannot reach."""

import ipaddress
import re
from collections.abc import Iterator

from slipway.checks.facts import Facts, Seen, issue
from slipway.checks.issue import Issue
from slipway.config.kinds import Kind, split_url

URLS = frozenset({Kind.URL, Kind.DATABASE_URL, Kind.REDIS_URL})
"""Kinds whose text may hold `user:password@`."""
# What ends or splits the part before the host (RFC 3986, 3.2.1), and a % that begins no pair of hex digits.
_UNSAFE = re.compile(r"[#/?\[\]@\s]|%(?![0-9A-Fa-f]{2})")
_BEFORE_HOST = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*://(?P<info>.*)@", re.DOTALL)


def unencoded(text: str) -> str:
    """Return the characters before an address's host that must be percent-encoded, sorted; "" where all is well.

    `#`, `/` and `?` make a reader take the password for the port (research: kombu, redis-py, dj-database-url); a lone
    `%` or a colon too many splits or decodes to something else. An `@` in a query alone is fine.
    """
    parts, found = split_url(text), _BEFORE_HOST.match(text)
    if found is None:
        return ""
    info = found["info"]
    if parts is not None and "@" not in f"{parts.path}{parts.fragment}":
        info = parts.netloc.rpartition("@")[0]
    wrong = set(_UNSAFE.findall(info))
    return "".join(sorted(wrong | ({":"} if info.count(":") > 1 else set())))


def encoding(facts: Facts) -> Iterator[Issue]:
    """`secret.url`: a password inside an address holds characters that end or split it, as typed or by reference."""
    for seen in facts.seen:
        if seen.setting.variable.type not in URLS or not seen.text:
            continue
        if wrong := unencoded(seen.text):
            # Which characters is no secret worth keeping; where they stand is not told.
            message = f"has {' '.join(wrong)} unencoded in user or password, where a reader ends or splits the address"
            hint = "percent-encode both: python3 -c \"import urllib.parse as u; print(u.quote(input(), safe=''))\""
            if seen.setting.parts:
                hint = f"{', '.join(seen.setting.parts)} is put in as it is: use A-Z a-z 0-9 - _ alone there"
            yield issue(seen, "secret.url", message, hint)


def loopback(facts: Facts) -> Iterator[Issue]:
    """`address.loopback`: a database, Redis or mail server at localhost, which is the container itself."""
    for seen in facts.seen if facts.is_public else ():
        host = _host(seen)
        if host and _is_loopback(host):
            message = "points at this machine, and inside a container that is the container itself"
            yield issue(seen, "address.loopback", message, "use ${service.<name>.internal_url}, or the server's name")


def _host(seen: Seen) -> str | None:
    if not seen.text:
        return None
    if seen.name == "EMAIL_HOST":
        return seen.text
    if seen.setting.variable.type not in {Kind.DATABASE_URL, Kind.REDIS_URL}:
        return None
    parts = split_url(seen.text)
    return parts.hostname if parts else None


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
