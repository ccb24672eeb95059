"""Secret: a text that never shows itself, and Mask, which hides known secrets in foreign output."""

import hmac
from collections.abc import Iterable
from hashlib import sha256

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


class Mask:
    """Replaces known secret values in text that others wrote (build logs, container logs, error bodies)."""

    def __init__(self, secrets: Iterable[Secret] = ()) -> None:
        self._values: set[str] = set()
        self.add(secrets)

    def add(self, secrets: Iterable[Secret]) -> None:
        """Learn further secrets; values under six characters are left alone."""
        self._values |= {s.reveal() for s in secrets if len(s.reveal()) >= _SHORTEST_MASKED}

    def __call__(self, text: str) -> str:
        """Return `text` with every known secret shown as `[secret]`, longest first so that none is half shown."""
        for value in sorted(self._values, key=len, reverse=True):
            if value in text:
                text = text.replace(value, _SHOWN)
        return text
