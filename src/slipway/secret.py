"""Secret: a text that never shows itself, and Mask, which hides known secrets in foreign output."""

import hmac
import html
import json
import math
import re
from base64 import b64encode
from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import NoReturn, Self
from urllib.parse import quote, quote_plus

_SHOWN = "[secret]"
# A shorter value would blank out ordinary words of a log; the schema demands longer ones for every real secret.
_SHORTEST_MASKED = 6


class Secret:
    """A secret value. `str`, `repr`, formatting and JSON show `[secret]`; `reveal()` is the only way to the text."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the secret text; call it only where the value leaves for its destination."""
        return self._value

    def digest(self, key: bytes) -> str:
        """Return a keyed digest (16 hex digits): tells whether two values are equal without telling them."""
        return hmac.new(key, self._value.encode(), sha256).hexdigest()[:16]

    def __repr__(self) -> str:
        return _SHOWN

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return format(_SHOWN, spec)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and hmac.compare_digest(self._value.encode(), other._value.encode())

    def __hash__(self) -> int:
        return hash((Secret, self._value))

    def __bool__(self) -> bool:
        return bool(self._value)

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: object) -> Self:
        return self  # `dataclasses.asdict` copies deeply

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret cannot be pickled: it would stand in the open")


def forms(secret: Secret) -> frozenset[str]:
    """Return how a secret may stand in a file, each at least six characters and none with a line break.

    As it is, in hex, and as JSON, Python, HTML, a shell, a compose file, a URL and base64 write it.
    """
    data = secret.reveal().strip().encode(errors="replace")
    written = _forms(secret.reveal()) | {data.hex(), data.hex().upper()}
    return frozenset(form for form in written if len(form) >= _SHORTEST_MASKED and len(form.splitlines()) == 1)


class Mask:
    """Replaces known secret values in text that others wrote (build logs, container logs, error bodies).

    It knows a value as it is, its single lines (a log shows a key line by line), and as JSON, Python, HTML, a shell, a
    compose file, a URL and base64 write it (also inside a longer text, as `user:password` in a header).
    """

    def __init__(self, secrets: Iterable[Secret] = ()) -> None:
        self._known: frozenset[str] = frozenset()
        self.add(secrets)

    def add(self, secrets: Iterable[Secret]) -> None:
        """Learn further secrets; values under six characters are left alone."""
        learned = {form for secret in secrets for form in _forms(secret.reveal())}
        self._known |= learned  # replaced, never changed: another thread may be masking

    def __call__(self, text: str) -> str:
        """Return `text` with every known secret shown as `[secret]`, overlapping ones as a whole."""
        spans = sorted(span for form in self._known if form in text for span in _places(form, text))
        if not spans:
            return text
        shown, end = [], 0
        hidden = [spans[0]]
        for begin, stop in spans[1:]:
            if begin < hidden[-1][1]:
                hidden[-1] = (hidden[-1][0], max(stop, hidden[-1][1]))
            else:
                hidden.append((begin, stop))
        for begin, stop in hidden:
            shown += [text[end:begin], _SHOWN]
            end = stop
        return "".join((*shown, text[end:]))


def masked(value: object, mask: Mask) -> object:
    """Return `value` in JSON's kinds with every text masked; keys are our own words and stay.

    Done before it becomes JSON, so that a secret of digits or quotes cannot break the document.
    """
    match value:
        case float() if not math.isfinite(value):
            return None  # JSON has no word for it
        case None | bool() | int() | float():
            return value
        case Mapping():
            return {str(key): masked(inner, mask) for key, inner in value.items()}
        case list() | tuple():
            return [masked(inner, mask) for inner in value]
        case _:
            return mask(str(value))


def _places(form: str, text: str) -> list[tuple[int, int]]:
    places, begin = [], text.find(form)
    while begin >= 0:
        places.append((begin, begin + len(form)))
        begin = text.find(form, begin + 1)
    return places


def _forms(value: str) -> set[str]:
    pieces = {value, value.strip(), *(line.strip() for line in value.splitlines())}
    forms = {form for piece in pieces if len(piece.strip()) >= _SHORTEST_MASKED for form in _spellings(piece)}
    return {form for form in forms if len(form) >= _SHORTEST_MASKED}


def _spellings(value: str) -> set[str]:
    data = value.encode(errors="replace")
    quoted = {quote(data, safe=""), quote(data), quote_plus(data)}
    spelled = {
        value,
        json.dumps(value)[1:-1],
        json.dumps(value, ensure_ascii=False)[1:-1],
        json.dumps(value)[1:-1].replace("/", "\\/"),  # PHP, so Coolify
        repr(value)[1:-1],
        html.escape(value),
        html.escape(value, quote=False),
        value.replace("'", "'\"'\"'"),
        value.replace("'", "'\\''"),
        value.replace("$", "$$"),
        *quoted,
        *(re.sub("%[0-9A-F]{2}", lambda found: found[0].lower(), text) for text in quoted),
    }
    return spelled | _in_base64(data)


def _in_base64(data: bytes) -> set[str]:
    """Return what base64 makes of `data` at each of the three places it can have in a longer text."""
    forms = set()
    for offset in range(3):
        # Digits whose bits come from `data` alone: the first and last ones may be shared with its neighbours.
        first, last = -(-offset * 8 // 6), (offset + len(data)) * 8 // 6
        digits = b64encode(b"\0" * offset + data).decode()[first:last]
        forms |= {digits, digits.replace("+", "-").replace("/", "_")}
    return forms
