"""Redaction: takes secrets and personal data out of text and values before they are written anywhere.

Three nets, because each has holes: names of keys, values that the process knows to be secret, and shapes of text.
"""

import base64
import json
import re
from collections.abc import Iterable, Mapping
from itertools import islice
from math import isfinite
from typing import Any
from urllib.parse import quote, quote_plus, unquote, urlsplit

GONE = "[redacted]"
SHORTEST = 8
"""Characters; a shorter known value would be found inside ordinary words."""
_WIDEST, _LONGEST_TEXT = 200, 16_384

_SECRET_VARIABLE = re.compile(
    r"SECRET|TOKEN|PASSW|PASSPHRASE|(^|_)PASS($|_)|CREDENTIAL|PRIVATE|(API|ACCESS|SIGNING|ENCRYPTION)_?KEY|_KEY$|DSN$|_PWD$",
    re.IGNORECASE,
)
_SECRET_KEY = re.compile(
    r"passw|passphrase|pwd$|secret|token|api_?key|access_?key|private_?key|signing_?key|authori[sz]ation|cookie"
    r"|session_?(id|key)|csrf|credential|dsn$|signature$|(^|_)(otp|pin|cvv|cvc)$",
    re.IGNORECASE,
)
_PERSONAL_KEY = re.compile(
    r"e_?mail|phone|mobile|msisdn|momo|(first|last|full|middle|sur)_?name|birth|(^|_)dob$|national_?id|passport|ssn"
    r"|iban|account_?(number|no)$|card_?(number|no)$|(street|postal|home|remote)_?addr|ip_?addr|^ip$",
    re.IGNORECASE,
)
_URL_PASSWORD = re.compile(r"(\b[a-z][a-z0-9+.-]{1,20}://[^\s/:@]{0,128}):[^\s/@]{1,512}@", re.IGNORECASE)
_CREDENTIALS = re.compile(r"\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}", re.IGNORECASE)
_JWT = re.compile(r"\beyJ[\w-]{5,}\.[\w-]{5,}(\.[\w-]*)?")
# Every repetition is bounded, so a hostile text costs no more than its length.
_ASSIGNED = re.compile(
    r"(\b\w{0,40}(?:passw(?:or)?d|passphrase|secret|token|(?:api|access|private)_?key|cookie|session_?(?:id|key)|csrf"
    r"|authori[sz]ation)\w{0,40}[\"']?\s{0,3}[=:]\s{0,3})(\"[^\"]{1,512}\"|'[^']{1,512}'|[^\s\"',;&}]{1,512})",
    re.IGNORECASE,
)
_ASSIGNED_WORDS = ("passw", "passphrase", "secret", "token", "key", "cookie", "session", "csrf", "authori")
_EMAIL = re.compile(r"(?<![\w.%+-])[\w.%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8}")


def secret_values(environ: Mapping[str, str]) -> set[str]:
    """Return the values of variables whose name looks secret, and the passwords inside URLs of any variable."""
    found: set[str] = set()
    for name, value in environ.items():
        if _SECRET_VARIABLE.search(name) and "://" not in value:
            found.update((value, *value.split(","), *value.splitlines()))
        elif _SECRET_VARIABLE.search(name):
            found.add(value)
        if "://" in value and "@" in value:
            found.update(_passwords(value))
    return {text for value in found if len(text := value.strip()) >= SHORTEST}


def _passwords(url: str) -> tuple[str, ...]:
    try:
        password = urlsplit(url.strip()).password
    except ValueError:
        return ()
    return (password, unquote(password)) if password else ()


def _forms(value: str) -> set[str]:
    """Return the spellings of a value that logs show: plain, quoted for a URL, escaped, base64 at any alignment."""
    forms = {value, quote(value, safe=""), quote(value), quote_plus(value), repr(value)[1:-1], json.dumps(value)[1:-1]}
    raw = value.encode(errors="surrogateescape")
    for shift in range(3):
        coded = base64.b64encode(b"\0" * shift + raw)
        # The first and last characters also carry bits of the neighbours.
        core = coded[(0, 2, 3)[shift] : len(coded) - (0, 3, 2)[(len(raw) + shift) % 3]].decode()
        if len(core) >= SHORTEST:
            forms.add(core)
    return forms


class Redactor:
    """Knows what must not be written. Make it once: it works out every spelling of every secret."""

    def __init__(self, secrets: Iterable[str] = (), *, personal: bool = True, deepest: int = 6) -> None:
        self.personal, self.deepest = personal, deepest
        known = {form for value in secrets if len(value) >= SHORTEST for form in _forms(value)}
        self.known = sorted(known, key=len, reverse=True)
        self.longest = len(self.known[0]) if self.known else 0

    def text(self, text: str, longest: int = _LONGEST_TEXT) -> str:
        """Return the text without secrets, at most `longest` characters of it."""
        whole = len(text)
        if whole > 4 * longest:
            # Cut first, since a hostile text may be huge; what could be half a secret at the cut goes below.
            text = text[: 4 * longest]
        for form in self.known:
            if form in text:
                text = text.replace(form, GONE)
        text = self._shapes(text)
        if whole > 4 * longest:
            text = text[: max(0, len(text) - self.longest)]
        if len(text) > longest:
            text = text[:longest]
        return text if whole <= longest else f"{text}… [{whole} characters]"

    def _shapes(self, text: str) -> str:
        if "://" in text and "@" in text:
            text = _URL_PASSWORD.sub(rf"\1:{GONE}@", text)
        if "eyJ" in text:
            text = _JWT.sub(GONE, text)
        low = text.lower()
        if "bearer" in low or "basic" in low:
            text = _CREDENTIALS.sub(rf"\1 {GONE}", text)
        if any(word in low for word in _ASSIGNED_WORDS):
            text = _ASSIGNED.sub(rf"\1{GONE}", text)
        if self.personal and "@" in text:
            text = _EMAIL.sub("[e-mail]", text)
        return text

    def hides(self, key: str) -> bool:
        """Tell whether the value under a key of this name must not be written."""
        plain = key.replace("-", "_")
        return bool(_SECRET_KEY.search(plain) or (self.personal and _PERSONAL_KEY.search(plain)))

    def value(self, value: Any, depth: int = 0) -> Any:
        """Return a JSON-ready copy without secrets; what is no plain value becomes its text."""
        if value is None or isinstance(value, bool) or _is_number(value):
            return value
        if depth >= self.deepest:
            return "[too deep]"
        if isinstance(value, Mapping):
            return self._mapping(value, depth)
        if isinstance(value, list | tuple | set | frozenset):
            items = [self.value(item, depth + 1) for item in islice(value, _WIDEST)]
            return items if len(value) <= _WIDEST else [*items, f"[{len(value)} items]"]
        return self.text(value if type(value) is str else shown(value))

    def _mapping(self, value: Mapping[Any, Any], depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, item in islice(value.items(), _WIDEST):
            name = shown(key)[:200]
            found[self.text(name)] = GONE if self.hides(name) else self.value(item, depth + 1)
        return found


def _is_number(value: Any) -> bool:
    """Tell whether JSON has this number: neither NaN nor infinity, nor one that Python refuses to write."""
    return (type(value) is int and value.bit_length() <= 1024) or (type(value) is float and isfinite(value))


def shown(value: Any) -> str:
    """Return the value as text, whatever its own `__str__` does."""
    try:
        return str(value)
    except Exception as error:  # noqa: BLE001  (any class may be logged)
        return f"[{type(value).__name__} whose text failed: {type(error).__name__}]"
