"""Reads: the expressions of a file that take a variable from the environment, whoever's way of writing it."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from slipway.sources.python.code import Bound, Code
from slipway.sources.python.texts import dotted_name, module_of
from slipway.sources.python.words import called
from slipway.sources.use import DJANGO_ENVIRON, STRICT, Kind, Words

_READERS = {
    "environ.Env": DJANGO_ENVIRON,
    "environ.FileAwareEnv": DJANGO_ENVIRON,
    "environs.Env": STRICT,
    "environs.env": STRICT,
    "decouple.config": STRICT,
    "decouple.AutoConfig": STRICT,
    "decouple.Config": STRICT,
    "starlette.config.Config": STRICT,
}
"""Libraries whose objects are called with a variable's name, and what they take for a boolean."""
_MADE = frozenset({"environs.env", "decouple.config"})  # these are such an object already
# What django-environ reads where no name is given.
_USUAL_NAMES = {"db": "DATABASE_URL", "db_url": "DATABASE_URL", "cache": "CACHE_URL", "cache_url": "CACHE_URL"}
_USUAL_NAMES |= {"email": "EMAIL_URL", "email_url": "EMAIL_URL", "search_url": "SEARCH_URL"}
_NOT_READS = frozenset({"read_env", "read_envfile", "prefixed", "seal", "dump", "add_parser", "parser_for"})


@dataclass(frozen=True, slots=True)
class Read:
    """One expression that takes a variable: the expression of its name, that of its default, and how it is read."""

    node: ast.expr
    name: ast.expr | str
    kind: Kind
    default: ast.expr | None = None
    words: Words | None = None
    prefix: str = ""


class Reads:
    """Finds the reads of one file. `objects` are names of this file that are readers of a library."""

    def __init__(self, code: Code, foreign: dict[tuple[str, str], Words]) -> None:
        """Take the file, and the readers that other files of the tree make: (module, name) -> their truth table."""
        self._code = code
        self.objects: dict[str, Words] = {}
        for alias, (module, name) in code.imports.items():
            full = f"{module}.{name}" if name else module
            if full in _MADE:
                self.objects[alias] = _READERS[full]
            elif name and (module, name) in foreign:
                self.objects[alias] = foreign[module, name]
        for name, bounds in code.module.bound.items():
            for bound in bounds:
                if (words := self._made(bound)) is not None:
                    self.objects[name] = words

    def _made(self, bound: Bound) -> Words | None:
        if bound.is_element or not isinstance(bound.value, ast.Call):
            return None
        return _READERS.get(self._full(bound.value.func))

    def _full(self, node: ast.expr) -> str:
        base = dotted_name(node)
        return (module_of(self._code, base) or "") if base else ""

    def all(self) -> Iterator[Read]:
        """Yield every read, in the order of the file."""
        for node in self._code.nodes:
            if isinstance(node, ast.Subscript):
                yield from self._subscript(node)
            elif isinstance(node, ast.Call):
                yield from self._call(node)
            elif isinstance(node, ast.Compare) and len(node.ops) == 1 and isinstance(node.ops[0], ast.In | ast.NotIn):
                if self._environment(node.comparators[0]):
                    yield Read(node, node.left, Kind.READ)
            elif isinstance(node, ast.For | ast.comprehension):
                yield from self._over(node)
            elif isinstance(node, ast.ClassDef):
                yield from self._settings_class(node)

    def _environment(self, node: ast.expr) -> Kind | None:
        """Return READ for the process's own environment, PASSED for what is probably it, None for anything else."""
        if isinstance(node, ast.Name):
            owner = self._code.scopes[node].owner(node.id) if node in self._code.scopes else None
            if owner is not None and node.id in owner.parameters:
                return Kind.PASSED if node.id == "environ" and "start_response" not in owner.parameters else None
            if owner is not None:
                bound = owner.bound[node.id]
                known = [one for one in bound if not one.is_element and one.value is not node]
                return (
                    Kind.READ if any(self._full(one.value) in {"os.environ", "os.environb"} for one in known) else None
                )
        full = self._full(node)
        if full in {"os.environ", "os.environb"}:
            return Kind.READ
        if isinstance(node, ast.Attribute) and node.attr == "environ":
            return Kind.PASSED if dotted_name(node) == "self.environ" else None
        return None

    def _subscript(self, node: ast.Subscript) -> Iterator[Read]:
        source = self._environment(node.value)
        if source is not None:
            is_read = isinstance(node.ctx, ast.Load)
            kind = (Kind.NEEDED if source is Kind.READ else source) if is_read else Kind.WRITTEN
            yield Read(node, node.slice, kind)

    def _call(self, node: ast.Call) -> Iterator[Read]:
        function = node.func
        first = node.args[0] if node.args else _keyword(node, "key") or _keyword(node, "var")
        if self._full(function) in {"os.getenv", "os.getenvb"} and first is not None:
            yield Read(node, first, Kind.READ, _second(node))
        elif isinstance(function, ast.Attribute) and (source := self._environment(function.value)) is not None:
            if function.attr in {"get", "pop"} and first is not None:
                yield Read(node, first, source, _second(node))
            elif function.attr == "setdefault" and first is not None:
                yield Read(node, first, Kind.WRITTEN, _second(node))
            elif function.attr == "update":
                names = [key for one in node.args if isinstance(one, ast.Dict) for key in one.keys if key is not None]
                yield from (Read(node, name, Kind.WRITTEN) for name in names)
                yield from (Read(node, word.arg, Kind.WRITTEN) for word in node.keywords if word.arg)
        else:
            yield from self._library(node, first)

    def _library(self, node: ast.Call, first: ast.expr | None) -> Iterator[Read]:
        function = node.func
        base, method = (function.value, function.attr) if isinstance(function, ast.Attribute) else (function, "")
        if not isinstance(base, ast.Name) or base.id not in self.objects or method in _NOT_READS:
            return
        words = self.objects[base.id]
        cast = _keyword(node, "cast")
        is_boolean = method in {"bool", "boolean"} or (isinstance(cast, ast.Name) and cast.id == "bool")
        name: ast.expr | str | None = first if first is not None else _USUAL_NAMES.get(method)
        if name is None:
            return
        default = _second(node)
        yield Read(
            node, name, Kind.READ if default is not None else Kind.NEEDED, default,
            words if is_boolean else None, self._prefix(node),
        )  # fmt: skip

    def _prefix(self, node: ast.AST) -> str:
        """Return what `with env.prefixed("APP_"):` puts before the names inside."""
        found = ""
        for outer in self._code.ancestors(node):
            calls = [item.context_expr for item in outer.items] if isinstance(outer, ast.With) else []
            for call in calls:
                is_prefix = isinstance(call, ast.Call) and called(call) == "prefixed" and len(call.args) == 1
                text = call.args[0] if isinstance(call, ast.Call) and is_prefix else None
                if isinstance(text, ast.Constant) and isinstance(text.value, str):
                    found = text.value + found
        return found

    def _over(self, node: ast.For | ast.comprehension) -> Iterator[Read]:
        """A loop over the whole environment takes names that only running tells."""
        values = node.iter
        if (
            isinstance(values, ast.Call)
            and isinstance(values.func, ast.Attribute)
            and values.func.attr in {"items", "keys"}
        ):
            values = values.func.value
        if self._environment(values) is Kind.READ:
            yield Read(values, "", Kind.UNKNOWN)

    def _settings_class(self, node: ast.ClassDef) -> Iterator[Read]:
        """Pydantic settings: each annotated field is read under its name, or under its alias."""
        if not any(self._full(base) in _SETTINGS for base in node.bases):
            return
        prefix = _model_prefix(node)
        for line in node.body:
            if not isinstance(line, ast.AnnAssign) or not isinstance(line.target, ast.Name):
                continue
            aliases, default = _field(line.value)
            is_boolean = isinstance(line.annotation, ast.Name) and line.annotation.id == "bool"
            kind = Kind.NEEDED if default is None else Kind.READ
            for name in aliases or [f"{prefix}{line.target.id}".upper()]:
                yield Read(line.target, name, kind, default, STRICT if is_boolean else None)


_SETTINGS = frozenset({"pydantic_settings.BaseSettings", "pydantic.BaseSettings", "pydantic.v1.BaseSettings"})


def _keyword(node: ast.Call, name: str) -> ast.expr | None:
    return next((word.value for word in node.keywords if word.arg == name), None)


def _second(node: ast.Call) -> ast.expr | None:
    return node.args[1] if len(node.args) > 1 else _keyword(node, "default")


def _model_prefix(node: ast.ClassDef) -> str:
    calls = [line.value for line in node.body if isinstance(line, ast.Assign) and isinstance(line.value, ast.Call)]
    for call in calls:
        prefix = _keyword(call, "env_prefix")
        if isinstance(prefix, ast.Constant):
            return str(prefix.value)
    return ""


def _field(value: ast.expr | None) -> tuple[list[str], ast.expr | None]:
    """Return the names that a field is read under (none: its own), and its default."""
    if not isinstance(value, ast.Call) or dotted_name(value.func).rpartition(".")[2] != "Field":
        return [], value
    aliases = [found for name in ("validation_alias", "alias", "env") if (found := _keyword(value, name)) is not None]
    texts = [part.value for alias in aliases for part in ast.walk(alias) if isinstance(part, ast.Constant)]
    default = value.args[0] if value.args else _keyword(value, "default") or _keyword(value, "default_factory")
    is_needed = isinstance(default, ast.Constant) and default.value is Ellipsis
    return [text for text in texts if isinstance(text, str)], None if is_needed else default


def guarded(code: Code, node: ast.AST) -> bool:
    """Whether a missing variable is expected here: `try: ... except KeyError`."""
    for outer in code.ancestors(node):
        for handler in outer.handlers if isinstance(outer, ast.Try) else ():
            names = {part.id for part in ast.walk(handler.type) if isinstance(part, ast.Name)} if handler.type else {""}
            if names & {"", "KeyError", "LookupError", "Exception"}:
                return True
    return False
