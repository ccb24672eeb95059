"""Texts: which texts an expression can be, as far as the code alone tells."""

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product

from slipway.sources.python.code import Bound, Code, Scope

_DEEPEST = 12
_MOST = 500
_MOST_STEPS = 3000
_METHODS: dict[str, Callable[[str], str]] = {"upper": str.upper, "lower": str.lower, "strip": str.strip}

FindCode = Callable[[str], "Code | None"]
"""Returns the file of a dotted module of this source tree, None for any other."""


@dataclass(frozen=True, slots=True)
class Text:
    """Every text that an expression can be; where some is not known, `begins` is how it begins for certain.

    `parameter` is set where it is a parameter of the function around: then each call tells.
    """

    texts: frozenset[str] = frozenset()
    is_known: bool = True
    begins: str = ""
    parameter: str = ""


UNKNOWN = Text(is_known=False)


class Texts:
    """Evaluates expressions of one file; names of others are looked up with `find`."""

    def __init__(self, code: Code, find: FindCode, steps: list[int] | None = None) -> None:
        """Take the file; nothing is evaluated yet. `steps` counts what one question has cost, over all files."""
        self._code = code
        self._find = find
        self._steps = [0] if steps is None else steps

    def _is_too_far(self, depth: int) -> bool:
        """Whether a question has to end here: names that are made of names that are made of names."""
        self._steps[0] = self._steps[0] + 1 if depth else 0
        return depth > _DEEPEST or self._steps[0] > _MOST_STEPS

    def of(self, node: ast.expr | None, scope: Scope, depth: int = 0) -> Text:
        """Return what `node` can be."""
        if node is None or self._is_too_far(depth):
            return UNKNOWN
        if isinstance(node, ast.Constant):
            return _one(node.value) if isinstance(node.value, str) else UNKNOWN
        if isinstance(node, ast.Name):
            return self._name(node.id, scope, depth)
        return (
            self._attribute(node, scope, depth) if isinstance(node, ast.Attribute) else self._made(node, scope, depth)
        )

    def _made(self, node: ast.expr, scope: Scope, depth: int) -> Text:
        """Return what an expression of several parts can be."""
        parts: list[ast.expr] = []
        if isinstance(node, ast.JoinedStr):
            return _joined([self._part(one, scope, depth) for one in node.values])
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            return _joined([self.of(one, scope, depth + 1) for one in (node.left, node.right)])
        if isinstance(node, ast.IfExp):
            parts = [node.body, node.orelse]
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _METHODS:
            inner, method = self.of(node.func.value, scope, depth + 1), _METHODS[node.func.attr]
            return Text(frozenset(map(method, inner.texts)), inner.is_known)
        return _union([self.of(one, scope, depth + 1) for one in parts])

    def elements(self, node: ast.expr | None, scope: Scope, part: int | None = None, depth: int = 0) -> Text:
        """Return what the elements of `node` can be, or their part `part` where each is a tuple."""
        if node is None or self._is_too_far(depth):
            return UNKNOWN
        if isinstance(node, ast.Tuple | ast.List | ast.Set):
            return _union([self._element(one, scope, part, depth) for one in node.elts])
        if isinstance(node, ast.Dict):
            chosen = node.values if part == 1 else [key for key in node.keys if key is not None]
            return _union([self.of(one, scope, depth + 1) for one in chosen])
        if isinstance(node, ast.Name):
            return self._bound_elements(node.id, scope, part, depth)
        return _union([self.elements(one, scope, its, depth + 1) for one, its in _collections(node, part)])

    def _element(self, node: ast.expr, scope: Scope, part: int | None, depth: int) -> Text:
        if isinstance(node, ast.Starred):
            return self.elements(node.value, scope, part, depth + 1)
        if part is not None and isinstance(node, ast.Tuple | ast.List):
            return self.of(node.elts[part], scope, depth + 1) if part < len(node.elts) else UNKNOWN
        return self.of(node, scope, depth + 1)

    def _part(self, node: ast.expr, scope: Scope, depth: int) -> Text:
        if isinstance(node, ast.FormattedValue):
            plain = node.conversion == -1 and node.format_spec is None
            return self.of(node.value, scope, depth + 1) if plain else UNKNOWN
        return self.of(node, scope, depth + 1)

    def _name(self, name: str, scope: Scope, depth: int) -> Text:
        owner = scope.owner(name)
        if owner is not None and name in owner.parameters:
            return Text(is_known=False, parameter=name)
        if owner is not None:
            return _union([self._bound(bound, owner, depth) for bound in owner.bound[name]])
        if name in self._code.imports:
            return self._foreign(*self._code.imports[name], depth)
        return UNKNOWN

    def _bound(self, bound: Bound, owner: Scope, depth: int) -> Text:
        if bound.is_element:
            return self.elements(bound.value, owner, bound.part, depth + 1)
        return self.of(bound.value, owner, depth + 1)

    def _bound_elements(self, name: str, scope: Scope, part: int | None, depth: int) -> Text:
        owner = scope.owner(name)
        if owner is None:
            module, its = self._code.imports.get(name, ("", ""))
            code = self._find(module) if its else None
            return (
                Texts(code, self._find, self._steps).elements(_loaded(its), code.module, part, depth + 1)
                if code
                else UNKNOWN
            )
        if name in owner.parameters or any(bound.is_element for bound in owner.bound[name]):
            return UNKNOWN
        return _union([self.elements(bound.value, owner, part, depth + 1) for bound in owner.bound[name]])

    def _attribute(self, node: ast.Attribute, scope: Scope, depth: int) -> Text:
        base = dotted_name(node.value)
        if base in {"self", "cls"} or base in self._code.classes:
            classes = [self._code.classes[base]] if base in self._code.classes else list(_classes_around(scope))
            for one in classes:
                if node.attr in one.bound:
                    return _union([self._bound(bound, one, depth) for bound in one.bound[node.attr]])
            return UNKNOWN
        if (module := module_of(self._code, base)) is not None:
            return self._foreign(module, node.attr, depth)
        return UNKNOWN

    def _foreign(self, module: str, name: str, depth: int) -> Text:
        code = self._find(module)
        if code is None or not name or depth > _DEEPEST:
            return UNKNOWN
        return Texts(code, self._find, self._steps).of(_loaded(name), code.module, depth + 1)


def _collections(node: ast.expr, part: int | None) -> list[tuple[ast.expr, int | None]]:
    """Return the collections that an expression goes through, each with which part of its elements is meant."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr | ast.Add):
        return [(node.left, part), (node.right, part)]
    function = node.func if isinstance(node, ast.Call) else None
    if isinstance(function, ast.Attribute) and function.attr in {"items", "keys", "values"}:
        return [(function.value, 1 if function.attr == "values" else part or 0)]
    names = {"sorted", "list", "tuple", "set", "frozenset", "reversed"}
    if isinstance(node, ast.Call) and isinstance(function, ast.Name) and function.id in names and node.args:
        return [(node.args[0], part)]
    return []


def _loaded(name: str) -> ast.Name:
    return ast.Name(name, ast.Load())


def module_of(code: Code, base: str) -> str | None:
    """Return the module that a dotted name stands for in `code`, None where it stands for something else."""
    first, _, rest = base.partition(".")
    if first not in code.imports:
        return None
    module, name = code.imports[first]
    return ".".join(part for part in (module, name, rest) if part)


def dotted_name(node: ast.expr) -> str:
    """Return `a.b.c` of names and attributes, "" for anything else."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return ".".join([node.id, *reversed(parts)]) if isinstance(node, ast.Name) else ""


def _classes_around(scope: Scope) -> Iterator[Scope]:
    one: Scope | None = scope
    while one is not None:
        if isinstance(one.node, ast.ClassDef):
            yield one
        one = one.outer


def _one(text: str) -> Text:
    return Text(frozenset({text}), begins=text)


def _union(parts: list[Text]) -> Text:
    texts = frozenset().union(*(part.texts for part in parts))
    parameters = {part.parameter for part in parts if part.parameter}
    is_known = bool(parts) and all(part.is_known for part in parts) and len(texts) <= _MOST
    return Text(texts, is_known, parameter=parameters.pop() if len(parts) == len(parameters) == 1 else "")


def _joined(parts: list[Text]) -> Text:
    count = 1
    for part in parts:
        count *= len(part.texts) if part.is_known else _MOST + 1
    if count <= _MOST:
        return Text(frozenset("".join(words) for words in product(*(sorted(part.texts) for part in parts))))
    begins = ""
    for part in parts:
        if not part.is_known or len(part.texts) != 1:
            begins += part.begins
            break
        begins += next(iter(part.texts))
    return Text(is_known=False, begins=begins)
