"""Env: the environment read with the words of `env/schema.yaml`; what is wrong is kept, nothing is guessed."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

Value = TypeVar("Value")

_TRUE, _FALSE = frozenset({"true", "1", "yes", "on"}), frozenset({"false", "0", "no", "off"})
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)?")
_SECONDS = {"ms": 0.001, "s": 1.0, None: 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: the variable, what is wrong with it (never its value), the way out, and how bad it is.

    `code` is the number of its system check, such as 010 for slipway.E010 (slipway.W010 where it is not fatal).
    """

    name: str
    message: str
    hint: str = ""
    fatal: bool = True
    code: str = "001"

    @property
    def id(self) -> str:
        """The stable id of the system check."""
        return f"slipway.{'E' if self.fatal else 'W'}{self.code}"


@dataclass(slots=True)
class Env:
    """The process's variables, typed. A missing or empty one is its default; a wrong one a problem and its default."""

    environ: Mapping[str, str]
    problems: list[Problem] = field(default_factory=list)

    def problem(self, name: str, message: str, hint: str = "", *, fatal: bool = True, code: str = "001") -> None:
        """Note that something is wrong."""
        self.problems.append(Problem(name, message, hint, fatal, code))

    @property
    def serves(self) -> bool:
        """Whether this process answers requests: what only those need may be missing elsewhere."""
        return self.text("SLIPWAY_ROLE", "web") == "web"

    def text(self, name: str, default: str = "") -> str:
        """Return the text."""
        return self.environ.get(name) or default

    def boolean(self, name: str, *, default: bool) -> bool:
        """Return true for true, 1, yes, on; false for false, 0, no, off."""

        def read(text: str) -> bool:
            if text.lower() in _TRUE | _FALSE:
                return text.lower() in _TRUE
            raise ValueError("is neither true nor false")

        return self._read(name, default, read)

    def integer(self, name: str, default: int, low: int = 0, high: int = 2**31) -> int:
        """Return a whole number between `low` and `high`."""

        def read(text: str) -> int:
            if not text.isascii() or not text.lstrip("-").isdigit() or not low <= int(text) <= high:
                raise ValueError(f"is no whole number between {low} and {high}")
            return int(text)

        return self._read(name, default, read)

    def seconds(self, name: str, default: float, low: float = 0.0, high: float = 86400.0) -> float:
        """Return a duration in seconds: `30`, `500ms`, `5m`, `1h`."""

        def read(text: str) -> float:
            found = _DURATION.fullmatch(text)
            if not found or not low <= float(found[1]) * _SECONDS[found[2]] <= high:
                raise ValueError(f"is no duration between {low:g} and {high:g} s (such as 30s or 5m)")
            return float(found[1]) * _SECONDS[found[2]]

        return self._read(name, default, read)

    def items(self, name: str, default: tuple[str, ...] = ()) -> tuple[str, ...]:
        """Return the items of a comma-separated list, without white space around them."""
        text = self.environ.get(name)
        return tuple(item.strip() for item in text.split(",") if item.strip()) if text else default

    def _read(self, name: str, default: Value, read: Callable[[str], Value]) -> Value:
        text = self.environ.get(name)
        if not text:
            return default
        try:
            return read(text.strip())
        except ValueError as error:
            self.problem(name, str(error))
            return default
