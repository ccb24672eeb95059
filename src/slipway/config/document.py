"""Document: a YAML file read so that every message about it has file and line.

YAML is read in a small, safe form: no anchors, aliases or tags (nothing can grow or run), no duplicate keys, only
`true`/`false` are booleans and only decimal numbers are numbers, so `no`, `12:30` and `0777` stay the text they are.
"""

import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar, get_args

import yaml
from pydantic import ValidationError

from slipway.config.fault import Fault, refuse
from slipway.config.lazily import BaseModel
from slipway.config.textfile import read_text

Place = tuple[str | int, ...]
"""Where in a document a value sits: keys and list positions from the top."""

_DEEPEST = 40
_BOOLEANS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})")
_FLOAT = re.compile(r"[-+]?[0-9]{1,17}\.[0-9]{1,17}")
_LEADING_PATH = re.compile(r"[\w-]+(\.[\w-]+)*(?=:)")
# libyaml is an order faster; PyYAML's own parser stands in where it was built without.
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_PLAIN_WORDS = {
    "missing": "is missing",
    "extra_forbidden": "is not a key known here",
    "string_type": "must be text",
    "int_type": "must be a whole number",
    "bool_type": "must be true or false",
    "model_type": "must be a mapping of keys to values",
    "dict_type": "must be a mapping of keys to values",
    "tuple_type": "must be a list",
    "list_type": "must be a list",
}

Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Document:
    """A YAML file's content: `data` as plain values, `lines` from each path to its line (from 1)."""

    name: str
    data: Any
    lines: dict[Place, int] = field(repr=False)

    def where(self, path: Place = ()) -> str:
        """Return `file:line` of the node at `path`, or of the nearest one above it."""
        while path and path not in self.lines:
            path = path[:-1]
        return f"{self.name}:{self.lines.get(path, 1)}"

    def validate(self, model: type[Model], **more: Any) -> tuple[Model | None, list[Fault]]:
        """Return `data` (with `more` added at the top) as `model`, or None and every fault with its line."""
        if not isinstance(self.data, dict):
            return None, [Fault("yaml.type", self.where(), "must be a mapping of keys to values")]
        clash = [
            Fault("yaml.key", self.where((key,)), f"{key}: is not a key known here") for key in more if key in self.data
        ]
        try:
            return (None, clash) if clash else (model.model_validate({**self.data, **more}), [])
        except ValidationError as error:
            return None, clash + [
                self._fault(e["loc"], e["type"], e["msg"], model, str(e.get("ctx", {}).get("expected", "")))
                for e in error.errors(include_input=False)
            ]

    def _fault(self, location: Place, kind: str, text: str, model: type[BaseModel], expected: str) -> Fault:
        text = _PLAIN_WORDS.get(kind, text.removeprefix("Value error, "))
        hint = "write it in quotes" if kind == "string_type" else ""
        if kind == "extra_forbidden":
            close = difflib.get_close_matches(str(location[-1]), _keys_at(model, location[:-1]), 1)
            hint = f"did you mean {close[0]}?" if close else ""
        if kind == "enum":
            hint = self._close_word(location, expected)
        path = location
        # A rule over several keys reports at the top; its message begins with the path that it is about.
        if match := _LEADING_PATH.match(text):
            below = location + tuple(match.group().split("."))
            path = below if below in self.lines else location
        label = "" if path != location else ".".join(str(part) for part in location)
        return Fault("yaml.value", self.where(path), f"{label}: {text}" if label else text, hint)

    def _close_word(self, location: Place, expected: str) -> str:
        """Return which of the words that pydantic `expected` ("'a', 'b' or 'c'") was probably meant."""
        found: Any = self.data
        for part in location:
            found = location[-2] if part == "[key]" else found[part]  # where a key is wrong, it stands before
        close = difflib.get_close_matches(str(found), re.findall(r"'([^']+)'", expected), 1)
        return f"did you mean {close[0]}?" if close else ""


def _keys_at(model: type[BaseModel], path: Place) -> list[str]:
    """Return the keys that a model knows at `path`; none where something else than one model may stand there."""
    for part in path:
        if isinstance(part, str) and part in model.model_fields:
            below = list(_models_in(model.model_fields[part].annotation))
            if len(below) != 1:
                return []
            model = below[0]
    return list(model.model_fields)


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and hasattr(annotation, "model_fields"):
        yield annotation
    for argument in get_args(annotation):
        yield from _models_in(argument)


def read_document(file: Path, name: str) -> tuple[Document | None, list[Fault]]:
    """Read `file`, called `name` in messages. Returns None with the faults when it cannot be used."""
    text, faults = read_text(file, name)
    if any(fault.fatal for fault in faults):
        return None, faults
    builder = _Builder(name)
    try:
        for event in yaml.parse(text, Loader=_LOADER):
            builder.take(event)
    except _TooDeepError as error:
        return None, [*faults, Fault("yaml.deep", f"{name}:{error}", f"is nested deeper than {_DEEPEST} levels")]
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        return None, [*faults, Fault("yaml.syntax", f"{name}:{line}", "holds a control character, which YAML forbids")]
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        return None, [
            *faults,
            Fault("yaml.syntax", f"{name}:{mark.line + 1 if mark else 1}", f"is not YAML: {error.problem}"),
        ]
    document = Document(name, builder.result, builder.lines)
    faults += builder.faults
    return (None if any(fault.fatal for fault in faults) else document), faults


def load(file: Path, name: str) -> Document:
    """Read `file` or raise one `UsageError` with everything wrong in it."""
    document, faults = read_document(file, name)
    refuse(faults, name)
    assert document is not None
    return document


class _TooDeepError(Exception):
    """Carries the line at which the nesting went too deep."""


class _Builder:
    """Turns parse events into plain values without recursion, noting lines and faults on the way."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.result: Any = None
        self.lines: dict[Place, int] = {(): 1}
        self.faults: list[Fault] = []
        self._open: list[_Open] = []
        self._documents = 0

    def take(self, event: Any) -> None:
        line = event.start_mark.line + 1
        if isinstance(event, yaml.DocumentStartEvent):
            self._documents += 1
            if self._documents == 2:
                self._fault("yaml.documents", line, "holds a second document; one is read")
        elif isinstance(event, yaml.AliasEvent):
            self._fault("yaml.alias", line, "uses an alias (*name); write the value out")
            self._place(None, line)
        elif isinstance(event, yaml.ScalarEvent):
            self._decorations(event, line)
            self._place(_scalar(event.value) if event.implicit[0] else event.value, line, event.value)
        elif isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
            self._decorations(event, line)
            inner: Any = {} if isinstance(event, yaml.MappingStartEvent) else []
            path = self._place(inner, line)
            self._open.append(_Open(inner, path))
            if len(self._open) > _DEEPEST:
                raise _TooDeepError(line)
        elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            self._open.pop()

    def _decorations(self, event: Any, line: int) -> None:
        if event.anchor:
            self._fault("yaml.alias", line, "uses an anchor (&name); write the value out where it is needed")
        if event.tag and event.tag != "!":
            self._fault("yaml.tag", line, "uses a tag (!name), which is not read")

    def _place(self, value: Any, line: int, text: str | None = None) -> Place:
        if not self._open:
            if self._documents == 1:
                self.result = value
                self.lines[()] = line
            return ()
        top = self._open[-1]
        if isinstance(top.value, list):
            path = (*top.path, len(top.value))
            top.value.append(value)
        elif top.key is None:
            return self._key(top, text, line)
        else:
            path = (*top.path, top.key)
            top.value[top.key] = value
            top.key = None
            return path
        self.lines[path] = line
        return path

    def _key(self, top: "_Open", text: str | None, line: int) -> Place:
        top.key = text if text is not None else f"?{line}"
        if text is None:
            self._fault("yaml.key", line, "uses a list or a mapping as a key")
        elif text in top.value:
            first = self.lines[(*top.path, text)]
            self._fault("yaml.duplicate", line, f"{text}: is written a second time (first in line {first})")
        path = (*top.path, top.key)
        self.lines.setdefault(path, line)
        return path

    def _fault(self, kind: str, line: int, message: str) -> None:
        self.faults.append(Fault(kind, f"{self.name}:{line}", message))


@dataclass(slots=True)
class _Open:
    value: Any
    path: Place
    key: str | None = None


def _scalar(text: str) -> str | int | float | bool | None:
    if text in {"", "~", "null", "Null", "NULL"}:
        return None
    if text in _BOOLEANS:
        return _BOOLEANS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if _FLOAT.fullmatch(text) else text
