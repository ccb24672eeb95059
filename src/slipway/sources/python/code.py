"""Code: one parsed Python file, with what its names stand for."""

import ast
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field

Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
Comprehension = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp


class CannotParse(Exception):
    """The file is no Python that this interpreter knows; `line` is where it stops."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line


@dataclass(frozen=True, slots=True)
class Bound:
    """What a name is bound to: `value` itself, or each element of it (and of each element its part `part`)."""

    value: ast.expr
    is_element: bool = False
    part: int | None = None


@dataclass(slots=True, eq=False)
class Scope:
    """A function, a class, a comprehension or the module (node None): the names it binds, and its parameters."""

    node: Function | ast.ClassDef | Comprehension | None
    outer: "Scope | None"
    bound: dict[str, list[Bound]] = field(default_factory=dict)
    parameters: tuple[str, ...] = ()

    def owner(self, name: str) -> "Scope | None":
        """Return the innermost scope that knows `name`; a class's names are not seen from its methods."""
        scope: Scope | None = self
        while scope is not None:
            is_seen = scope is self or not isinstance(scope.node, ast.ClassDef)
            if is_seen and (name in scope.bound or name in scope.parameters):
                return scope
            scope = scope.outer
        return None


class Code:
    """One file: its nodes with parent and scope, its imports as alias -> (module, name or ""), what it has from `*`."""

    def __init__(self, data: bytes, file: str) -> None:
        """Parse. Raises `CannotParse`."""
        self.file = file
        self.dotted = _dotted(file)
        tree = _parsed(data)
        self.nodes: list[ast.AST] = []
        self.parents: dict[ast.AST, ast.AST] = {}
        self.scopes: dict[ast.AST, Scope] = {}
        self.imports: dict[str, tuple[str, str]] = {}
        self.classes: dict[str, Scope] = {}
        self.stars: list[str] = []
        self.loads: dict[tuple[Scope, str], list[ast.Name]] = {}
        self.module = Scope(None, None)
        self._read(tree)

    def _read(self, tree: ast.Module) -> None:
        due: list[tuple[ast.AST, Scope]] = [(tree, self.module)]
        while due:
            node, scope = due.pop()
            self.nodes.append(node)
            self.scopes[node] = scope
            self._bind(node, scope)
            inner = self._inner(node, scope)
            children = list(ast.iter_child_nodes(node))
            for child in children:
                self.parents[child] = node
            due += ((child, inner) for child in reversed(children))

    def _inner(self, node: ast.AST, scope: Scope) -> Scope:
        if isinstance(node, Function):
            arguments = node.args
            listed = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
            return Scope(node, scope, parameters=tuple(one.arg for one in listed))
        if isinstance(node, ast.ClassDef):
            return self.classes.setdefault(node.name, Scope(node, scope))
        if isinstance(node, Comprehension):
            return Scope(node, scope)
        return scope

    def _bind(self, node: ast.AST, scope: Scope) -> None:
        if isinstance(node, ast.Assign):
            for target in node.targets:
                _bind_target(scope, target, node.value)
        elif isinstance(node, ast.AnnAssign | ast.NamedExpr) and node.value is not None:
            _bind_target(scope, node.target, node.value)
        elif isinstance(node, ast.For | ast.AsyncFor | ast.comprehension):
            _bind_elements(scope, node.target, node.iter)
        elif isinstance(node, ast.Import):
            for alias in node.names:
                self.imports[alias.asname or alias.name.partition(".")[0]] = (
                    alias.name if alias.asname else alias.name.partition(".")[0],
                    "",
                )
        elif isinstance(node, ast.ImportFrom):
            module = self._absolute(node)
            for alias in node.names:
                self.imports[alias.asname or alias.name] = (module, alias.name)
            self.stars += [module for alias in node.names if alias.name == "*"]
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            self.loads.setdefault((scope, node.id), []).append(node)

    def _absolute(self, node: ast.ImportFrom) -> str:
        if not node.level:
            return node.module or ""
        package = self.dotted.split(".")
        # A package's own file stands for the package, so one dot less is taken away.
        keep = len(package) - node.level + (1 if self.file.endswith("/__init__.py") else 0)
        return ".".join([*package[: max(keep, 0)], *([node.module] if node.module else [])])

    def ancestors(self, node: ast.AST) -> Iterator[ast.AST]:
        """Yield what is around a node, from the inside out."""
        while node in self.parents:
            node = self.parents[node]
            yield node


# PEP 263; what is parsed from memory is not held to it where the byte stands in a comment, what is imported is.
_DECLARES_ENCODING = re.compile(rb"(?:[^\n]*\n)?[ \t\f]*#.*?coding[:=]")


def _parsed(data: bytes) -> ast.Module:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        if not _DECLARES_ENCODING.match(data):
            line = data.count(b"\n", 0, error.start) + 1
            raise CannotParse(line, "is no Python: a byte that is not UTF-8") from None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # an old escape in somebody's string is not what is looked for
        try:
            return ast.parse(data)
        except SyntaxError as error:
            raise CannotParse(error.lineno or 1, f"is no Python: {error.msg}") from None
        except ValueError as error:
            raise CannotParse(1, f"is no Python: {error}") from None
        except (RecursionError, MemoryError):
            raise CannotParse(1, "is nested too deeply to be parsed") from None


def _dotted(file: str) -> str:
    return file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def _bind_target(scope: Scope, target: ast.expr, value: ast.expr) -> None:
    if isinstance(target, ast.Name):
        scope.bound.setdefault(target.id, []).append(Bound(value))
    elif isinstance(target, ast.Tuple | ast.List) and isinstance(value, ast.Tuple | ast.List):
        for one, its in zip(target.elts, value.elts, strict=False):
            _bind_target(scope, one, its)


def _bind_elements(scope: Scope, target: ast.expr, values: ast.expr) -> None:
    if isinstance(target, ast.Name):
        scope.bound.setdefault(target.id, []).append(Bound(values, is_element=True))
    elif isinstance(target, ast.Tuple | ast.List):
        for part, one in enumerate(target.elts):
            if isinstance(one, ast.Name):
                scope.bound.setdefault(one.id, []).append(Bound(values, is_element=True, part=part))
