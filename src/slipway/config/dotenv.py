"""Reading an env file with python-dotenv's own parser, so that every value keeps its line."""

import io
import re
from dataclasses import dataclass, field
from pathlib import Path

from dotenv.parser import Binding, parse_stream

from slipway.config.fault import Fault
from slipway.config.textfile import read_text
from slipway.secret import Secret

_NAME = re.compile(r"[A-Z_][A-Z0-9_]{0,63}")
_PLAIN = re.compile(r"[A-Za-z0-9_.,:/@+=-]*")
_LEADING_BREAK = re.compile(r"\r\n|\n|\r")


@dataclass(frozen=True, slots=True)
class Line:
    """One assignment as it stands in a file. The value is the raw text: references are not resolved."""

    name: str
    value: Secret = field(repr=False)
    where: str


def read_env_file(file: Path, where: str) -> tuple[tuple[Line, ...], list[Fault]]:
    """Return the assignments of an env file and what is wrong with it, both with file:line.

    No fault shows a value or a malformed line: either may be a secret, or a part of one.
    """
    return parse_env(*read_text(file, where), where)


def parse_env(text: str, faults: list[Fault], where: str) -> tuple[tuple[Line, ...], list[Fault]]:
    """Like `read_env_file` for a text that was read already; `faults` are what was wrong with it then."""
    if any(fault.fatal for fault in faults):
        return (), faults
    if "\r" in text.replace("\r\n", ""):
        line = text[: re.search(r"\r(?!\n)", text).start()].count("\n") + 1  # type: ignore[union-attr]
        message = "has a lone carriage return, which some readers take for a line end and others for text"
        return (), [*faults, Fault("env.line-end", f"{where}:{line}", message, "save the file with line feeds")]
    if "\r\n" in text:
        message = "has Windows line ends, which a shell keeps in the value"
        faults.append(Fault("env.line-end", f"{where}:1", message, "save the file with line feeds", fatal=False))
    lines: list[Line] = []
    for binding in parse_stream(io.StringIO(text, newline="")):
        place = f"{where}:{_line(binding)}"
        if (fault := _fault(binding, place)) is not None:
            faults.append(fault)
        elif binding.key is not None:
            lines.append(Line(binding.key, Secret(binding.value or ""), place))
    return tuple(lines), faults


def can_be_spelled(value: str) -> bool:
    """Whether a value can be written so that readers agree on it: in single quotes, where it needs any."""
    return not set(value) & set("'\\\r\n")


def with_value(text: str, name: str, value: str) -> str:
    """Return the text of an env file in which `name` has `value`, every other line as it was.

    A name set more than once gets it everywhere; a new one is added at the end. Raises `ValueError` for a value that
    cannot be spelled so that all readers agree.
    """
    if not can_be_spelled(value):
        raise ValueError("no spelling of this value is the same for all readers")
    value = value if _PLAIN.fullmatch(value) else f"'{value}'"
    parts, is_set, end = [], False, "\r\n" if "\r\n" in text else "\n"
    for binding in parse_stream(io.StringIO(text, newline="")):
        original = binding.original.string
        if binding.key != name or binding.error:
            parts.append(original)
            continue
        before = re.match(r"\s*(?:export[^\S\r\n]+)?", original)
        assert before is not None
        parts.append(f"{before[0]}{name}={value}{end if original.endswith((chr(10), chr(13))) else ''}")
        is_set = True
    whole = "".join(parts)
    if is_set:
        return whole
    return f"{whole}{'' if not whole or whole.endswith(chr(10)) else end}{name}={value}{end}"


def _line(binding: Binding) -> int:
    # The parser counts blank lines before an assignment as its own; a person looks for the name.
    text = binding.original.string
    before = text[: len(text) - len(text.lstrip())]
    return binding.original.line + len(_LEADING_BREAK.findall(before))


def _fault(binding: Binding, place: str) -> Fault | None:
    if binding.error:
        return Fault(
            "env.syntax", place, _complaint(binding.original.string), "quote the whole value, or nothing of it"
        )
    if binding.key is None:
        return None
    if binding.value is None:
        return Fault("env.syntax", place, "has a name without =", "write NAME=value")
    if not _NAME.fullmatch(binding.key):
        # Not shown: a line of a pasted key without quotes looks like this.
        message = "the name before = is not made of capital letters, digits and _"
        return Fault("env.name", place, message, "put a value of several lines in double quotes")
    return None


def _complaint(text: str) -> str:
    match = re.search(r"=[^\S\r\n]*([\"'])", text)
    if match is None:
        return "is not NAME=value"
    closed = match[1] in text[match.end() :]
    return "has text after the closing quote" if closed else "opens a quote that is never closed"
