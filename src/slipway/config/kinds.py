"""Kinds: what a variable's text may look like, by type. Pure; no message ever holds the text itself."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import SplitResult, urlsplit

from slipway.config.csp import csp_fault


class Kind(StrEnum):
    """The types a variable may have."""

    STRING = "string"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    LIST = "list"
    URL = "url"
    DATABASE_URL = "database_url"
    REDIS_URL = "redis_url"
    HOST_LIST = "host_list"
    ORIGIN_LIST = "origin_list"
    DURATION = "duration"
    ENUM = "enum"
    JSON = "json"
    CSP_SOURCES = "csp_sources"


LISTS = frozenset({Kind.LIST, Kind.HOST_LIST, Kind.ORIGIN_LIST})
"""Kinds whose text is items with commas between."""


@dataclass(frozen=True, slots=True)
class Misfit:
    """Why a text does not fit: `id` is the last part of the rule's id (`type`, `boolean`, `list-space` ...)."""

    id: str
    message: str
    hint: str = ""


# Django settings of this kind of workspace read `== "true"` in one line and `in {"1", "true", "yes"}` in the next:
# only these two words mean the same everywhere (research: config-and-backup A3).
_BOOLEAN = re.compile(r"true|false", re.IGNORECASE)
_OTHER_BOOLEANS = frozenset({"1", "0", "yes", "no", "on", "off", "y", "n", "t", "f", "enabled", "disabled"})
_DURATION = r"\d+(\.\d+)?(ms|s|m|h|d)"
_HOST = re.compile(
    r"(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*", re.IGNORECASE
)
_USUAL_PORT = {"http": 80, "https": 443}
# What Django takes out of a request's Host header (host_validation_re, RFC 1034/1035): any other name gets a 400.
_REQUESTED = re.compile(r"[a-z0-9.-]+", re.IGNORECASE)
_IPV6 = re.compile(r"\[[0-9a-f:.]+\]", re.IGNORECASE)


_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}


def seconds(text: str) -> float:
    """Return a duration (`500ms`, `1.5h`) in seconds. Raises `ValueError` for a text that is none."""
    found = re.fullmatch(_DURATION, text, re.ASCII)
    if found is None:
        raise ValueError("is no duration")
    return float(text.removesuffix(found[2])) * _SECONDS[found[2]]


def items(text: str) -> list[str]:
    """Return the items of a list value, without the spaces around them and without empty ones."""
    return [item.strip() for item in text.split(",") if item.strip()]


def split_url(text: str) -> SplitResult | None:
    """Return the parts of a URL with a host, or None when the text is no such URL."""
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        return None
    return parts if parts.scheme and parts.hostname and not re.search(r"\s", text) else None


def misfit(kind: Kind, text: str) -> Misfit | None:
    """Return why `text` is not of `kind`, or None when it is."""
    if kind in LISTS:
        parts = text.split(",")
        if any(part != part.strip() for part in parts):
            message = "has a space beside a comma; readers that split naively keep it in the item"
            return Misfit("list-space", message, "write a,b without spaces")
        if text and not all(parts):
            return Misfit("type", "has an empty item: a comma too many")
    return _CHECKS.get(kind, _anything)(text)


def _anything(_: str) -> Misfit | None:
    return None


def _matches(pattern: str, message: str) -> Callable[[str], Misfit | None]:
    compiled = re.compile(pattern, re.ASCII)
    return lambda text: None if compiled.fullmatch(text) else Misfit("type", message)


def _boolean(text: str) -> Misfit | None:
    if _BOOLEAN.fullmatch(text):
        return None
    if text.lower() in _OTHER_BOOLEANS:
        return Misfit(
            "boolean", "uses a word that one reader takes for true and another for false", "write true or false"
        )
    return Misfit("type", "must be true or false")


def _url(schemes: frozenset[str], what: str) -> Callable[[str], Misfit | None]:
    def check(text: str) -> Misfit | None:
        parts = split_url(text)
        if parts is None or parts.scheme not in schemes or not _is_host(parts.hostname or ""):
            return Misfit("type", f"must be {what}")
        if not text.startswith(f"{parts.scheme}://") or parts.netloc.endswith(":"):  # a portal's container is as strict
            return Misfit("type", f"must be {what}")
        return None

    return check


def _is_host(host: str) -> bool:
    return _HOST.fullmatch(host) is not None or (":" in host and _IPV6.fullmatch(f"[{host}]") is not None)


def _database_url(text: str) -> Misfit | None:
    parts = split_url(text)
    if parts is None or parts.scheme not in {"postgres", "postgresql", "postgis"} or not parts.path.strip("/"):
        return Misfit("type", "must be a database address: postgresql://user:password@host:5432/name")
    return None


def _redis_url(text: str) -> Misfit | None:
    parts = split_url(text)
    if parts is None or parts.scheme not in {"redis", "rediss"} or not re.fullmatch(r"(/[0-9]*)?", parts.path):
        return Misfit("type", "must be a Redis address: redis://user:password@host:6379/0")
    return None


def _no_number(word: str) -> None:
    raise ValueError(word)  # NaN and Infinity, which Python reads and JSON does not know


def _json(text: str) -> Misfit | None:
    try:
        json.loads(text, parse_constant=_no_number)
    except (ValueError, RecursionError):
        return Misfit("type", "must be JSON")
    return None


def _csp_sources(text: str) -> Misfit | None:
    wrong = csp_fault(text.split())
    return Misfit("type", wrong, "'self' data: with the quotes inside the value") if wrong else None


def _hosts(text: str) -> Misfit | None:
    for item in items(text):
        if fault := _host_fault(item):
            return Misfit("host", fault, "write bare host names: api.example.org")
    return None


def _host_fault(item: str) -> str | None:
    if "://" in item:
        return "has an item with a scheme; Django compares bare host names, so every request is refused"
    if "/" in item:
        return "has an item with a slash"
    if item.startswith("*"):
        return "lets every host name in (*)"
    return None if _IPV6.fullmatch(item) else _name_fault(item.removeprefix("."))


def _name_fault(name: str) -> str | None:
    if ":" in name:
        return "has an item with a port; Django strips the port before it compares"
    if _HOST.fullmatch(name) is None:
        return "has an item that is no host name"
    return None if _REQUESTED.fullmatch(name) else "has an item with an underscore; Django refuses such a host"


def _origins(text: str) -> Misfit | None:
    for item in items(text):
        if fault := _origin_fault(item):
            return Misfit("origin", fault, "write scheme and host: https://app.example.org")
    return None


def _origin_fault(item: str) -> str | None:
    if "*" in item:
        return "has an item with a wildcard (*), which lets any site in"
    if "://" not in item:
        return "has an item without scheme; Django refuses to start with it"
    parts = split_url(item)
    if parts is None or parts.scheme not in {"http", "https"} or not _HOST.fullmatch(parts.hostname or ""):
        return "has an item that is no origin"
    if parts.path == "/":
        return "has an item with a trailing slash; origins are compared letter by letter, so it never matches"
    if parts.path or parts.query or parts.fragment or parts.username:
        return "has an item with more than scheme, host and port"
    return _as_no_browser_sends(item, parts)


def _as_no_browser_sends(item: str, parts: SplitResult) -> str | None:
    """Return why no Origin header equals an item that is an origin otherwise."""
    if item != item.lower():
        return "has an item with capital letters; a browser sends small ones, and origins are compared letter by letter"
    if parts.port == _USUAL_PORT[parts.scheme]:
        return "has an item with the port that goes without saying, which a browser leaves out"
    if item.endswith((":", "?", "#")) or not item.startswith(f"{parts.scheme}://"):  # urlsplit drops what it may
        return "has an item that is no origin"
    return None


_CHECKS: dict[Kind, Callable[[str], Misfit | None]] = {
    Kind.INTEGER: _matches(r"-?\d{1,18}", "must be a whole number"),
    Kind.NUMBER: _matches(r"-?\d{1,18}(\.\d{1,18})?", "must be a number"),
    Kind.BOOLEAN: _boolean,
    Kind.URL: _url(frozenset({"http", "https", "ws", "wss"}), "an address with scheme: https://host/path"),
    Kind.DATABASE_URL: _database_url,
    Kind.REDIS_URL: _redis_url,
    Kind.HOST_LIST: _hosts,
    Kind.ORIGIN_LIST: _origins,
    Kind.DURATION: _matches(_DURATION, "must be a duration with its unit: 30s, 5m, 12h"),
    Kind.JSON: _json,
    Kind.CSP_SOURCES: _csp_sources,
}
