"""Wrappers: functions of the project that take a variable's name as an argument, such as `_env_flag("X")`."""

import ast
import re
from dataclasses import dataclass

from slipway.sources.python.code import Code, Scope
from slipway.sources.python.texts import dotted_name, module_of
from slipway.sources.use import Kind, Words

NAME = re.compile(r"[A-Z][A-Z0-9_]*")
"""What a variable's name looks like where only custom tells it from any other text."""
# Methods that any mapping has: a call counts only where the object is known to be the wrapper's.
_OF_MAPPINGS = frozenset({"get", "pop", "setdefault", "read", "__getitem__", "__call__"})


@dataclass(frozen=True, slots=True)
class Wrapper:
    """A function whose parameter `parameter` names the variable; `default` is the parameter it falls back to."""

    function: str
    module: str
    in_class: str
    parameter: str
    position: int
    kind: Kind
    default: str = ""
    default_position: int = -1
    fixed: ast.expr | None = None
    words: Words | None = None
    is_bool_call: bool = False

    def argument(self, call: ast.Call) -> ast.expr | None:
        """Return the expression of the variable's name in a call."""
        return _argument(call, self.parameter, self.position)

    def fallback(self, call: ast.Call) -> ast.expr | None:
        """Return the expression of the default in a call; None where it has none."""
        given = _argument(call, self.default, self.default_position) if self.default else None
        return given if given is not None else self.fixed


def _argument(call: ast.Call, name: str, position: int) -> ast.expr | None:
    if 0 <= position < len(call.args) and not any(isinstance(one, ast.Starred) for one in call.args[: position + 1]):
        return call.args[position]
    return next((word.value for word in call.keywords if word.arg == name), None)


def wrapper_of(
    code: Code, scope: Scope, parameter: str, kind: Kind, default: ast.expr | None, words: Words | None, *, bools: bool
) -> Wrapper | None:
    """Return the wrapper that `scope` is: its `parameter` names the variable. None for a lambda."""
    function = scope.node
    if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
        return None
    outer = scope.outer.node if scope.outer is not None else None
    in_class = outer.name if isinstance(outer, ast.ClassDef) else ""
    is_static = any(isinstance(one, ast.Name) and one.id == "staticmethod" for one in function.decorator_list)
    shift = 1 if in_class and not is_static else 0
    arguments = function.args
    positional = [one.arg for one in (*arguments.posonlyargs, *arguments.args)][shift:]
    # `if not value: return default` is the other way to fall back, and custom names the parameter.
    usual = next((name for name in ("default", "fallback") if name in scope.parameters), None)
    fallback = _parameter_in(default, scope) or usual
    own = _default_of(arguments, fallback or "")
    return Wrapper(
        function.name,
        code.dotted,
        in_class,
        parameter,
        positional.index(parameter) if parameter in positional else -1,
        kind,
        fallback or "",
        positional.index(fallback) if fallback in positional else -1,
        own if fallback else default,
        words,
        bools,
    )


def _parameter_in(default: ast.expr | None, scope: Scope) -> str | None:
    """Return the parameter that a default is, also as `str(default)`."""
    if isinstance(default, ast.Call) and dotted_name(default.func) == "str" and len(default.args) == 1:
        default = default.args[0]
    return default.id if isinstance(default, ast.Name) and default.id in scope.parameters else None


def _default_of(arguments: ast.arguments, name: str) -> ast.expr | None:
    positional = [one.arg for one in (*arguments.posonlyargs, *arguments.args)]
    defaults = dict(zip(reversed(positional), reversed(arguments.defaults), strict=False))
    keywords = {one.arg: value for one, value in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True) if value}
    return (defaults | keywords).get(name)


class Called:
    """Which wrapper a call means, in one file."""

    def __init__(self, code: Code, wrappers: dict[str, list[Wrapper]]) -> None:
        """Take the file and the wrappers of the whole tree by the function's name."""
        self._code = code
        self._wrappers = wrappers

    def wrapper(self, call: ast.Call) -> Wrapper | None:
        """Return the wrapper that is called, None for any other call."""
        function = call.func
        if isinstance(function, ast.Name):
            return self._by_name(function.id, self._code.scopes[call])
        if isinstance(function, ast.Attribute) and function.attr in self._wrappers:
            return self._by_attribute(function, self._code.scopes[call])
        return None

    def _by_name(self, name: str, scope: Scope) -> Wrapper | None:
        if name in self._code.imports:
            module, its = self._code.imports[name]
            return self._of(module, its)
        owner = scope.owner(name)
        return None if owner is not None and name in owner.parameters else self._of(self._code.dotted, name)

    def _of(self, module: str, name: str) -> Wrapper | None:
        found = (one for one in self._wrappers.get(name, ()) if not one.in_class and same_module(one.module, module))
        return next(found, None)

    def _by_attribute(self, function: ast.Attribute, scope: Scope) -> Wrapper | None:
        base = dotted_name(function.value)
        if base and (module := module_of(self._code, base)) is not None:
            found = self._of(module, function.attr)
            if found is not None:
                return found
        methods = [one for one in self._wrappers[function.attr] if one.in_class]
        if base in {"self", "cls"}:
            here = {outer.node.name for outer in _around(scope) if isinstance(outer.node, ast.ClassDef)}
            return next((one for one in methods if one.in_class in here), None)
        if function.attr in _OF_MAPPINGS:
            return None
        return methods[0] if methods else None


def same_module(full: str, asked: str) -> bool:
    """Whether a file's dotted path is the module asked for; an import knows less of the path than the tree."""
    return bool(asked) and (full == asked or full.endswith(f".{asked}"))


def _around(scope: Scope) -> list[Scope]:
    found = [scope]
    while found[-1].outer is not None:
        found.append(found[-1].outer)
    return found
