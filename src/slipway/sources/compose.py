"""Compose files: who is given what, what is published, and what is put together out of variables.

Only what is about variables is read. Anchors, aliases and merges (`<<`) are followed, within a bound; other files that
`extends` or `include` name are not.
"""

import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

import yaml

from slipway.sources.found import Container, RawSecret, Reading, Trouble
from slipway.sources.use import Kind, Moment, Place, Use

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_DEEPEST = 40
_MOST_NODES = 20_000
_NAMED = re.compile(r"(?<!\$)(?:\$\$)*\$(?:\{([A-Za-z_]\w*)(?:(:?[-?+])((?:[^{}]|\$\{[^}]*\})*))?\}|([A-Za-z_]\w*))")
_SECRET_IN_URL = re.compile(r"[a-z][a-z0-9+]*://[^/\s]*?:\$\{?(\w+)(?::?[-?+][^}]*)?\}?@", re.IGNORECASE)


def read_compose(text: str, file: str) -> Reading:
    """Return what a compose file says; one that is no YAML becomes a trouble with its line."""
    try:
        _refuse_depth(text)
        top = yaml.compose(text, Loader=_LOADER)
    except _TooDeep as error:
        return _unread(file, int(str(error)), f"is nested deeper than {_DEEPEST} levels")
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        return _unread(file, getattr(mark, "line", 0) + 1, f"is not YAML: {error.problem}")
    except yaml.YAMLError:
        return _unread(file, 1, "is not YAML: holds a control character")
    reader = _Reader(file)
    try:
        reader.file(top)
    except _TooMuch:
        return _unread(file, 1, f"unfolds to more than {_MOST_NODES} values")
    return Reading(tuple(reader.uses), containers=tuple(reader.containers), raw_secrets=tuple(reader.raw_secrets))


def _unread(file: str, line: int, message: str) -> Reading:
    return Reading(troubles=(Trouble(Place(file, line), message),))


class _TooDeep(Exception):
    """Carries the line at which the nesting went too deep."""


class _TooMuch(Exception):
    """An alias of an alias of an alias."""


def _refuse_depth(text: str) -> None:
    """Raise `_TooDeep` before anything recursive sees the text."""
    depth = 0
    for event in yaml.parse(text, Loader=_LOADER):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > _DEEPEST:
                raise _TooDeep(getattr(event.start_mark, "line", 0) + 1)
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


class _Reader:
    def __init__(self, file: str) -> None:
        self.uses: list[Use] = []
        self.containers: list[Container] = []
        self.raw_secrets: list[RawSecret] = []
        self._file = file
        self._left = _MOST_NODES

    def file(self, top: Any) -> None:
        """Take the whole document."""
        for name, _, service in self._pairs(self._value(top, "services")):
            self._service(name, service)
        self._interpolations(top)

    def _service(self, name: str, service: Any) -> None:
        build = self._value(service, "build")
        context = self._text(build) or self._text(self._value(build, "context"))
        dockerfile = self._text(self._value(build, "dockerfile")) or "Dockerfile"
        ports = self._value(service, "ports")
        self.containers.append(
            Container(
                name,
                self._place(service),
                self._text(self._value(service, "image")),
                _clean(context) if build is not None else "",
                _clean(f"{context or '.'}/{dockerfile}") if build is not None else "",
                tuple((self._port(one), self._place(one).line) for one in self._items(ports)),
                tuple(self._env_files(self._value(service, "env_file"))),
            )
        )
        for variable, place, value in self._variables(self._value(service, "environment")):
            use = Use(variable, place, Kind.GIVEN, Moment.RUN, value, has_default=value is not None, by=name)
            self.uses.append(use)
            if value and (match := _SECRET_IN_URL.match(value)):
                self.raw_secrets.append(RawSecret(match[1], place, variable))
        for variable, place, value in self._variables(self._value(build, "args")):
            use = Use(variable, place, Kind.ARGUMENT, Moment.BUILD, value, has_default=value is not None, by=name)
            self.uses.append(use)

    def _variables(self, node: Any) -> Iterator[tuple[str, Place, str | None]]:
        """Yield (name, place, value) of a mapping or of a list of NAME=value; None for one taken from outside."""
        for name, key, value in self._pairs(node):
            yield name, self._place(key), None if _is_null(value) else self._text(value)
        for item in self._items(node):
            name, sign, value = self._text(item).partition("=")
            yield name, self._place(item), value if sign else None

    def _env_files(self, node: Any) -> Iterator[tuple[str, int]]:
        for one in [node] if isinstance(node, yaml.ScalarNode) else self._items(node):
            path = self._text(one) or self._text(self._value(one, "path"))
            yield _clean(path), self._place(one).line

    def _port(self, node: Any) -> str:
        if isinstance(node, yaml.MappingNode):
            return f"{self._text(self._value(node, 'published'))}:{self._text(self._value(node, 'target'))}"
        return self._text(node)

    def _interpolations(self, top: Any) -> None:
        """Note every `${NAME}` of the file: compose itself reads them, from its own environment and `.env`."""
        seen: set[int] = set()
        due = [top]
        while due:
            node = due.pop()
            if node is None or id(node) in seen:
                continue
            seen.add(id(node))
            if isinstance(node, yaml.MappingNode):
                due += [part for pair in node.value for part in pair]
            elif isinstance(node, yaml.SequenceNode):
                due += node.value
            elif "$" in node.value:
                for match in _NAMED.finditer(node.value):
                    has_default = (match[2] or "").endswith("-")
                    kind = Kind.NEEDED if (match[2] or "").endswith("?") else Kind.READ
                    default = match[3] if has_default else None
                    name = match[1] or match[4]
                    self.uses.append(Use(name, self._place(node), kind, Moment.BUILD, default, has_default=has_default))

    def _pairs(self, node: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[str, Any, Any]]:
        """Yield (key, its node, value) of a mapping, merged ones included; a key of its own wins over them."""
        merged: list[Any] = []
        own: set[str] = set()
        for key, value in node.value if isinstance(node, yaml.MappingNode) else ():
            self._spend()
            if not isinstance(key, yaml.ScalarNode):
                continue
            if key.value == "<<":
                merged += value.value if isinstance(value, yaml.SequenceNode) else [value]
            else:
                own.add(key.value)
                yield key.value, key, value
        for other in merged:
            if any(other is one for one in (node, *above)):  # a mapping that merges itself
                continue
            if len(above) > _DEEPEST:
                raise _TooMuch
            for name, key, value in self._pairs(other, (node, *above)):
                if name not in own:
                    own.add(name)
                    yield name, key, value

    def _items(self, node: Any) -> Iterator[Any]:
        for item in node.value if isinstance(node, yaml.SequenceNode) else ():
            self._spend()
            yield item

    def _value(self, node: Any, key: str) -> Any:
        return next((value for name, _, value in self._pairs(node) if name == key), None)

    def _spend(self) -> None:
        self._left -= 1
        if self._left < 0:
            raise _TooMuch

    def _text(self, node: Any) -> str:
        return node.value if isinstance(node, yaml.ScalarNode) else ""

    def _place(self, node: Any) -> Place:
        return Place(self._file, node.start_mark.line + 1)


def _is_null(node: Any) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.tag == "tag:yaml.org,2002:null"


def _clean(path: str) -> str:
    """Return a relative path without dots in it, as far as it stays inside."""
    return str(PurePosixPath(*(part for part in PurePosixPath(path).parts if part not in {".", "/"})))
