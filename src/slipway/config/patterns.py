"""Patterns: the regular expressions of a schema, matched in time that grows with the text and no faster.

Python's own engine goes back and forth: `(a+)+b` on forty letters takes hours. Rust's, which pydantic brings along,
does not, and knows neither look-around nor references back to a group; a schema that needs those is refused. What is
left is the size of the pattern times the length of the text, so both are bounded: a value takes less than a second.
"""

import math
import re
from functools import lru_cache

from pydantic_core import SchemaError, SchemaValidator, ValidationError, core_schema

LONGEST_PATTERN = 500
LONGEST_TEXT = 4096
"""Characters; a longer value is not tried."""

# The engine writes `a{100}` out a hundred times, and `(a{100}){100}` ten thousand times.
_LARGEST_COUNT = 5_000
_COUNT = re.compile(r"\{(\d{1,9})?(?:,(\d{0,9}))?\}")


def problem(pattern: str) -> str | None:
    """Return why `pattern` cannot be used, None where it can."""
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
    try:
        _whole(pattern).validate_python(text)
    except ValidationError:
        return False
    return True


def _count(pattern: str) -> int:
    return math.prod(max(int(most or least or 1), 1) for least, most in _COUNT.findall(pattern))


def _whole(pattern: str) -> SchemaValidator:
    return _validator(rf"\A(?:{pattern})\z")


@lru_cache(maxsize=1024)
def _validator(pattern: str) -> SchemaValidator:
    return SchemaValidator(core_schema.str_schema(pattern=pattern, regex_engine="rust-regex"))


def _reason(text: str) -> str:
    last = text.strip().splitlines()[-1]
    return last.removeprefix("error: ").removeprefix("SchemaError: ")
