"""Project: the Python files of a tree together, because a name or a wrapper may come from another file."""

import ast
from collections.abc import Callable, Mapping
from dataclasses import replace

from slipway.sources.found import Assigned, Reading, Trouble
from slipway.sources.python.code import CannotParse, Code, Scope
from slipway.sources.python.reads import Read, Reads, guarded
from slipway.sources.python.settings import assignments
from slipway.sources.python.texts import Text, Texts
from slipway.sources.python.words import Follower
from slipway.sources.python.wrappers import NAME, Called, Wrapper, same_module, wrapper_of
from slipway.sources.use import Kind, Place, Use, Words

_ROUNDS = 4
"""How many wrappers may call one another before the environment is asked."""
_MARKS = (b"environ", b"getenv", b"decouple", b"BaseSettings", b"starlette.config")


class Project:
    """Reads the Python files of one tree. `read` gives a file's bytes, empty for one that cannot be had."""

    def __init__(self, files: Mapping[str, bool], read: Callable[[str], bytes]) -> None:
        """Take the files, each with whether it is a test's."""
        self._files = files
        self._read = read
        self._codes: dict[str, Code | None] = {}
        self._troubles: dict[str, Trouble] = {}
        self._wrappers: dict[str, list[Wrapper]] = {}
        self._objects: dict[tuple[str, str], Words] = {}
        self._uses: dict[tuple[str, ast.AST, str], Use] = {}
        self._modules: dict[str, list[str]] = {}
        for file in files:
            stem = file.removesuffix("/__init__.py").removesuffix(".py").rpartition("/")[2]
            self._modules.setdefault(stem, []).append(file)

    def reading(self, settings: str = "") -> Reading:
        """Return what all files say, and what the settings file assigns."""
        first = [file for file in self._files if any(mark in self._read(file) for mark in _MARKS)]
        codes = [code for file in first if (code := self._code(file)) is not None]
        for code in codes:
            self._directly(code)
        seen: set[tuple[str, str]] = set()
        for _ in range(_ROUNDS):
            words = {(name, one.module) for name, found in self._wrappers.items() for one in found}
            words |= {(name, module) for module, name in self._objects}
            if words == seen:
                break
            seen = words
            self._through_wrappers(seen)
        uses = sorted(self._uses.values(), key=lambda use: (use.place, use.name, use.kind))
        assigned = [one for code in self._settings(settings) for one in self._assigned(code)]
        return Reading(_softened(uses), tuple(self._troubles[file] for file in sorted(self._troubles)), tuple(assigned))

    def _settings(self, file: str, above: tuple[str, ...] = ()) -> list[Code]:
        """Return the settings file behind those that it takes everything from (`from .base import *`)."""
        code = self._code(file) if file in self._files and file not in above and len(above) < _ROUNDS else None
        if code is None:
            return []
        bases = [base.file for module in code.stars if (base := self._find(module)) is not None]
        return [*(one for base in bases for one in self._settings(base, (*above, file))), code]

    def _assigned(self, code: Code) -> tuple[Assigned, ...]:
        return assignments(
            code, {node: use for (at, node, _), use in self._uses.items() if at == code.file and use.reads}
        )

    def _through_wrappers(self, words: set[tuple[str, str]]) -> None:
        needles = {name.encode() for name, _ in words}
        for file in self._files:
            data = self._read(file)
            if any(needle in data for needle in needles) and (code := self._code(file)) is not None:
                self._calls(code)
                if any(same_module(module, imported) for _, module in words for imported, _ in code.imports.values()):
                    self._directly(code)

    def _code(self, file: str) -> Code | None:
        if file not in self._codes:
            try:
                self._codes[file] = Code(self._read(file), file)
            except CannotParse as error:
                self._codes[file] = None
                self._troubles[file] = Trouble(Place(file, error.line), str(error))
        return self._codes[file]

    def _find(self, module: str) -> Code | None:
        """Return the file of a module of this tree: the one whose path ends like it."""
        for file in self._modules.get(module.rpartition(".")[2], ()):
            dotted = file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
            if same_module(dotted, module):
                return self._code(file)
        return None

    def _directly(self, code: Code) -> None:
        foreign = {(module, name): words for (module, name), words in self._objects.items()}
        known = {
            (imported, name): words
            for (module, name), words in foreign.items()
            for imported, _ in code.imports.values()
            if same_module(module, imported)
        }
        reads = Reads(code, known)
        for name, words in reads.objects.items():
            if name in code.module.bound:
                self._objects[code.dotted, name] = words
        texts = Texts(code, self._find)
        follower = Follower(code, texts)
        for read in reads.all():
            table, is_bool_call = (read.words, False) if read.words else follower.words(read.node)
            self._take(code, texts, read, table, is_bool_call=is_bool_call)

    def _calls(self, code: Code) -> None:
        called = Called(code, self._wrappers)
        texts = Texts(code, self._find)
        for node in code.nodes:
            wrapper = called.wrapper(node) if isinstance(node, ast.Call) else None
            if wrapper is None or not isinstance(node, ast.Call) or (name := wrapper.argument(node)) is None:
                continue
            words, is_bool_call = wrapper.words, wrapper.is_bool_call
            if words is None and not is_bool_call:
                words, is_bool_call = Follower(code, texts).words(node)
            read = Read(node, name, wrapper.kind, wrapper.fallback(node))
            self._take(code, texts, read, words, is_bool_call=is_bool_call, by_custom=bool(wrapper.in_class))

    def _take(
        self, code: Code, texts: Texts, read: Read, words: Words | None, *, is_bool_call: bool, by_custom: bool = False
    ) -> None:
        scope = code.scopes.get(read.node, code.module)
        text = Text(frozenset({read.name})) if isinstance(read.name, str) else texts.of(read.name, scope)
        if text.parameter:
            self._learn(code, scope, text.parameter, read, words, bools=is_bool_call)
            return
        default, has_default = _default(code, read, texts, scope)
        kind = Kind.READ if read.kind is Kind.NEEDED and (has_default or guarded(code, read.node)) else read.kind
        use = Use(
            "", Place(code.file, getattr(read.node, "lineno", 1)), kind, default=default, has_default=has_default,
            words=words, is_bool_call=is_bool_call, is_test=self._files[code.file],
        )  # fmt: skip
        for name in sorted(text.texts):
            full = read.prefix + name
            if not by_custom or NAME.fullmatch(full):
                self._uses[code.file, read.node, full] = replace(use, name=full)
        if not text.is_known and not by_custom and read.kind is not Kind.WRITTEN:
            unknown = replace(use, name=read.prefix + text.begins, kind=Kind.UNKNOWN)
            self._uses[code.file, read.node, "?"] = unknown

    def _learn(self, code: Code, scope: Scope, parameter: str, read: Read, words: Words | None, *, bools: bool) -> None:
        owner = scope.owner(parameter)
        if owner is None or read.kind in {Kind.WRITTEN, Kind.UNKNOWN}:
            return
        wrapper = wrapper_of(code, owner, parameter, read.kind, read.default, words, bools=bools)
        if wrapper is None:
            return
        known = self._wrappers.setdefault(wrapper.function, [])
        same = [one for one in known if (one.module, one.in_class) == (wrapper.module, wrapper.in_class)]
        if not same:
            known.append(wrapper)
        elif wrapper.words is not None and same[0].words is None:
            known[known.index(same[0])] = wrapper


def _default(code: Code, read: Read, texts: Texts, scope: Scope) -> tuple[str | None, bool]:
    """Return the text that the code falls back to, and whether it falls back to anything."""
    expression = read.default
    parent = code.parents.get(read.node)
    if expression is None and isinstance(parent, ast.BoolOp) and isinstance(parent.op, ast.Or):
        later = parent.values[parent.values.index(read.node) + 1 :] if read.node in parent.values else []
        expression = later[-1] if later else None
    if expression is None:
        return None, False
    if isinstance(expression, ast.Constant):
        return None if expression.value is None else str(expression.value), expression.value is not None
    found = texts.of(expression, scope)
    return (next(iter(found.texts)) if found.is_known and len(found.texts) == 1 else None), True


def _softened(uses: list[Use]) -> tuple[Use, ...]:
    """Return the uses, where `environ["X"]` behind a question for X in the same file fails no process."""
    asked = {(use.place.file, use.name) for use in uses if use.kind in {Kind.READ, Kind.WRITTEN}}
    return tuple(
        replace(use, kind=Kind.READ) if use.kind is Kind.NEEDED and (use.place.file, use.name) in asked else use
        for use in uses
    )
