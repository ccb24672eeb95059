"""A request as a handler sees it: guarded, decoded, trimmed."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from .answers import Refusal, refuse
from .site import Site
from .tokens import Token

_TRUE = frozenset({"1", "true", "on", "yes"})
_TRIMMED = " \t\n\r\0\x0b\f\u00a0\u200b\u200e\ufeff"
_DEPTH = 512


@dataclass(frozen=True)
class Call:
    """One request that passed the gates. `input` is query and JSON body merged, the body winning."""

    site: Site
    token: Token
    path: Mapping[str, str]
    input: Mapping[str, Any]
    query: Mapping[str, str]

    @property
    def uuid(self) -> str:
        """The uuid meant; like Laravel's `$request->uuid`, a parameter of that name beats the path."""
        given = self.input.get("uuid")
        return given if isinstance(given, str) else self.path["uuid"]

    def flag(self, name: str, default: bool) -> bool:
        """A boolean parameter as Laravel's `boolean()` reads it."""
        value = self.input.get(name)
        if value is None:
            return default
        return value is True or str(value).lower() in _TRUE


def decode(content: bytes, content_type: str, *, guarded: bool) -> dict[str, Any]:
    """The JSON body as an object. Raises a Refusal (400) on guarded endpoints; elsewhere a bad body is no body."""
    is_json = "/json" in content_type.lower() or "+json" in content_type.lower()
    if guarded and not is_json:
        _bad("Content-Type must be application/json.")
    try:
        value = json.loads(content, parse_constant=_no_constant) if is_json and content else None
        json.dumps(value, ensure_ascii=False).encode()  # a lone surrogate is no JSON text for PHP
        readable = _depth(value) <= _DEPTH
    except (ValueError, RecursionError):
        value, readable = None, False
    if guarded and (not readable or not (value or value == {})):
        _bad("Invalid JSON.")
    if guarded and not value:
        _bad("Empty JSON.")
    if isinstance(value, list):
        value = {str(index): item for index, item in enumerate(value)}
    return cleaned(value) if isinstance(value, dict) and readable else {}


def cleaned(value: Any) -> Any:
    """Strings trimmed and empty ones made null, as Laravel's global middleware does, at any depth."""
    if isinstance(value, str):
        return value.strip(_TRIMMED) or None
    if isinstance(value, dict):
        return {key: cleaned(item) for key, item in value.items()}
    if isinstance(value, list):
        return [cleaned(item) for item in value]
    return value


def _depth(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + max(map(_depth, value.values()), default=0)
    if isinstance(value, list):
        return 1 + max(map(_depth, value), default=0)
    return 0


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _bad(error: str) -> NoReturn:
    refusal: Refusal = refuse(400, "Invalid request.", error=error)
    raise refusal
