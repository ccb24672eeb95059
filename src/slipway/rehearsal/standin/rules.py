"""Laravel's validation rules, as far as Coolify's endpoints used here need them."""

import re
from collections.abc import Callable, Mapping
from typing import Any

Rule = Callable[[str, Any], str | None]
"""Takes a field's name and value; the answer is what is wrong with it, or None."""


def errors_of(
    given: Mapping[str, Any], rules: Mapping[str, Rule], required: tuple[str, ...] = ()
) -> dict[str, list[str]]:
    """What is wrong with the fields given: their type errors, and what is required and missing."""
    found = {name: [f"The {_words(name)} field is required."] for name in required if given.get(name) is None}
    for name, rule in rules.items():
        if name in given and name not in found and (error := rule(name, given[name])):
            found[name] = [error]
    return found


def unknown_fields(given: Mapping[str, Any], allowed: Mapping[str, Any]) -> dict[str, list[str]]:
    """The fields that an endpoint does not know."""
    return {name: ["This field is not allowed."] for name in given if name not in allowed}


def text(*, nullable: bool = False, pattern: str | None = None, least: int = 0, most: int = 65_535) -> Rule:
    """A string of so many characters that matches the pattern as a whole."""

    def rule(name: str, value: Any) -> str | None:
        if value is None and nullable:
            return None
        if not isinstance(value, str):
            return f"The {_words(name)} field must be a string."
        if len(value) < least:
            return f"The {_words(name)} field must be at least {least} characters."
        if len(value) > most:
            return f"The {_words(name)} field must not be greater than {most} characters."
        if pattern is not None and not re.fullmatch(pattern, value):
            return f"The {_words(name)} field format is invalid."
        return None

    return rule


def boolean() -> Rule:
    """True, false, 1, 0, "1" or "0"."""

    def rule(name: str, value: Any) -> str | None:
        good = isinstance(value, bool) or (isinstance(value, int | str) and value in {0, 1, "0", "1"})
        return None if good else f"The {_words(name)} field must be true or false."

    return rule


def number(*, nullable: bool = False, least: int | None = None, most: int | None = None, whole: bool = False) -> Rule:
    """A number or a string that reads as one."""

    def rule(name: str, value: Any) -> str | None:
        if value is None and nullable:
            return None
        kind = "an integer" if whole else "a number"
        written = str(value) if isinstance(value, int | float | str) and not isinstance(value, bool) else ""
        if not re.fullmatch(r"-?\d{1,15}" if whole else r"-?\d{1,15}(\.\d{1,15})?", written, re.ASCII):
            return f"The {_words(name)} field must be {kind}."
        if least is not None and float(written) < least:
            return f"The {_words(name)} field must be at least {least}."
        if most is not None and float(written) > most:
            return f"The {_words(name)} field must not be greater than {most}."
        return None

    return rule


def one_of(*choices: str) -> Rule:
    """One of a few words."""

    def rule(name: str, value: Any) -> str | None:
        return None if isinstance(value, str) and value in choices else f"The selected {_words(name)} is invalid."

    return rule


def texts(*, least: int = 0, nullable: bool = True) -> Rule:
    """A list of strings."""

    def rule(name: str, value: Any) -> str | None:
        if value is None and nullable:
            return None
        if not isinstance(value, list) or not all(isinstance(item, str) and len(item) >= least for item in value):
            return f"The {_words(name)} field must be an array."
        return None

    return rule


def _words(name: str) -> str:
    return name.replace("_", " ")
