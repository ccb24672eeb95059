"""Patterns: the regular expressions of a schema, matched in time that grows with the text and no faster.

Python's own engine goes back and forth: `(a+)+b` on forty letters takes hours. Rust's, which pydantic brings along,
does not, and knows neither look-around nor references back to a group; a schema that needs those is refused. What is
left is the size of the pattern times the length of the text, so both are bounded: a value takes less than a second.
"""

import hmac
import math
import re
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic_core import SchemaValidator

LONGEST_PATTERN = 500
LONGEST_TEXT = 4096
"""Characters; a longer value is not tried."""

# The engine writes `a{100}` out a hundred times, and `(a{100}){100}` ten thousand times.
_LARGEST_COUNT = 5_000
_COUNT = re.compile(r"\{(\d{1,9})?(?:,(\d{0,9}))?\}")
# Characters out of sets, and only the last set repeats: both engines agree, and neither goes back and forth.
_PLAIN = re.compile(r"(\[[A-Za-z0-9_.:/@-]+\])*\[[A-Za-z0-9_.:/@-]+\]([+*]|\{\d{1,3}(,\d{1,3})?\})?", re.ASCII)


class Known:
    """Texts that fit their patterns, as keyed digests, so that a later process need not load the engine for them."""

    def __init__(self) -> None:
        self.key, self.fitting, self.has_more = b"", frozenset[bytes](), False

    def digest(self, pattern: str, text: str) -> bytes:
        """Return what stands for a text that fits a pattern."""
        return hmac.digest(self.key, f"{pattern}\0{text}".encode("utf-8", "surrogatepass"), "sha256")

    def add(self, digest: bytes) -> None:
        """Remember one."""
        self.fitting |= {digest}
        self.has_more = True


KNOWN = Known()
"""Filled and kept by `kept.py`; without a key nothing is remembered."""


def fits(pattern: str, text: str, *, secret: bool) -> bool:
    """Whether the whole `text` is what `pattern` describes; one that is unusable describes nothing.

    Of a secret nothing is remembered.
    """
    if _PLAIN.fullmatch(pattern) and "--" not in pattern:
        try:
            return re.fullmatch(pattern, text) is not None
        except re.error:
            return False
    digest = KNOWN.digest(pattern, text) if KNOWN.key and not secret else b""
    if digest in KNOWN.fitting:
        return True
    found = problem(pattern) is None and matches(pattern, text)
    if found and digest:
        KNOWN.add(digest)
    return found


def problem(pattern: str) -> str | None:
    """Return why `pattern` cannot be used, None where it can."""
    from pydantic_core import SchemaError

    if len(pattern) > LONGEST_PATTERN:
        return f"is longer than {LONGEST_PATTERN} characters"
    if _count(pattern) > _LARGEST_COUNT:
        return f"repeats a repetition more than {_LARGEST_COUNT} times"
    try:
        # Alone first: `a)(b` is well formed only inside the brackets below.
        _validator(pattern)
        _whole(pattern)
    except SchemaError as error:
        return f"is no regular expression: {_reason(str(error))}"
    return None


def matches(pattern: str, text: str) -> bool:
    """Whether the whole `text` is what `pattern` describes. `pattern` has no `problem`, `text` is not too long."""
    from pydantic_core import ValidationError

    try:
        _whole(pattern).validate_python(text)
    except ValidationError:
        return False
    return True


def _count(pattern: str) -> int:
    return math.prod(max(int(most or least or 1), 1) for least, most in _COUNT.findall(pattern))


def _whole(pattern: str) -> "SchemaValidator":
    return _validator(rf"\A(?:{pattern})\z")


@lru_cache(maxsize=1024)
def _validator(pattern: str) -> "SchemaValidator":
    from pydantic_core import SchemaValidator, core_schema

    return SchemaValidator(core_schema.str_schema(pattern=pattern, regex_engine="rust-regex"))


def _reason(text: str) -> str:
    last = text.strip().splitlines()[-1]
    return last.removeprefix("error: ").removeprefix("SchemaError: ")
