"""Words: the truth table of a boolean reader, derived from the comparisons that its code makes."""

import ast
from collections.abc import Iterator

from slipway.sources.python.code import Code
from slipway.sources.python.texts import Texts
from slipway.sources.use import STRICT, Otherwise, Words

_PEELED = frozenset({"lower", "upper", "strip", "casefold", "rstrip", "lstrip"})
_FOLDING = frozenset({"lower", "upper", "casefold"})
_STEPS = 40


def _is_end(node: ast.AST, parent: ast.AST | None) -> bool:
    """Whether `parent` decides what `node` means: a comparison of it, or a call of `bool` or `strtobool`."""
    if isinstance(parent, ast.Compare):
        return parent.left is node and len(parent.ops) == 1
    return isinstance(parent, ast.Call) and node in parent.args and called(parent) in {"bool", "strtobool"}


def called(call: ast.Call) -> str:
    """Return the last name of what is called, "" where it has none."""
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


class Follower:
    """Follows a value that was read to the comparisons made with it, inside one function."""

    def __init__(self, code: Code, texts: Texts) -> None:
        """Take the file that is followed in."""
        self._code = code
        self._texts = texts

    def words(self, read: ast.expr) -> tuple[Words | None, bool]:
        """Return the truth table that is made of `read`, and whether it is `bool(text)`, true for every text."""
        true: set[str] = set()
        false: set[str] = set()
        otherwise: Otherwise | None = None
        folds = False
        for end, is_folded in self._ends(read):
            if isinstance(end, ast.Call):
                return (STRICT, False) if called(end) == "strtobool" else (None, True)
            assert isinstance(end, ast.Compare)
            compared = self._compared(end)
            if compared is None:
                continue
            outcome, is_last = self._outcome(end)
            if outcome is None:
                continue
            folds = folds or is_folded
            (true if outcome else false).update(compared)
            if is_last:
                otherwise = Otherwise.FALSE if outcome else Otherwise.TRUE
        if not true and not false:
            return None, False
        if not true and false <= STRICT.true:  # `hidden = text not in {"1", "true"}`: the words still mean yes
            true, false, otherwise = false, set(), Otherwise.FALSE
        return Words(frozenset(true), frozenset(false), otherwise or self._rest(read), folds), False

    def _ends(self, read: ast.expr) -> Iterator[tuple[ast.expr, bool]]:
        """Yield the comparisons and `bool()` calls that a value arrives at, with whether its case was folded."""
        due: list[tuple[ast.AST, bool]] = [(read, False)]
        seen: set[ast.AST] = set()
        while due and len(seen) < _STEPS:
            node, folded = due.pop()
            if node in seen:
                continue
            seen.add(node)
            parent = self._code.parents.get(node)
            if _is_end(node, parent):
                yield parent, folded  # type: ignore[misc]  # an end is an expression
            else:
                due += [(later, folded or folds) for later, folds in self._onwards(node, parent)]

    def _onwards(self, node: ast.AST, parent: ast.AST | None) -> list[tuple[ast.AST, bool]]:
        """Return where a value goes on from `node` (`.lower()`, `str()`, `or`, a name), and if it folds case."""
        if isinstance(parent, ast.Attribute) and parent.attr in _PEELED:
            call = self._code.parents.get(parent)
            is_called = isinstance(call, ast.Call) and call.func is parent
            return [(call, parent.attr in _FOLDING)] if is_called and call is not None else []
        if isinstance(parent, ast.Call) and node in parent.args and called(parent) == "str":
            return [(parent, False)]
        if isinstance(parent, ast.BoolOp) and parent.values[0] is node:
            return [(parent, False)]
        if isinstance(parent, ast.Assign | ast.NamedExpr) and parent.value is node:
            return [(name, False) for name in self._later(parent)]
        return []

    def _later(self, assignment: ast.Assign | ast.NamedExpr) -> Iterator[ast.Name]:
        """Yield where a value is used after it was given a name, in the same function."""
        targets = assignment.targets if isinstance(assignment, ast.Assign) else [assignment.target]
        names = {target.id for target in targets if isinstance(target, ast.Name)}
        scope = self._code.scopes[assignment]
        if scope.node is None:  # settings use one name all over the file; only functions are followed
            return
        for name in sorted(names):
            yield from self._code.loads.get((scope, name), [])[:_STEPS]

    def _compared(self, compare: ast.Compare) -> frozenset[str] | None:
        scope, right = self._code.scopes[compare], compare.comparators[0]
        if isinstance(compare.ops[0], ast.In | ast.NotIn):
            found = self._texts.elements(right, scope)
        elif isinstance(compare.ops[0], ast.Eq | ast.NotEq):
            found = self._texts.of(right, scope)
        else:
            return None
        return found.texts if found.is_known and found.texts else None

    def _outcome(self, compare: ast.Compare) -> tuple[bool | None, bool]:
        """Return what a word that matches becomes, and whether every other one becomes the opposite."""
        matches = not isinstance(compare.ops[0], ast.NotIn | ast.NotEq)
        parent = self._code.parents.get(compare)
        if isinstance(parent, ast.UnaryOp) and isinstance(parent.op, ast.Not):
            matches, parent = not matches, self._code.parents.get(parent)
        if isinstance(parent, ast.If) and parent.test is compare:
            returned = parent.body[0].value if parent.body and isinstance(parent.body[0], ast.Return) else None
            if isinstance(returned, ast.Constant) and isinstance(returned.value, bool):
                return returned.value if matches else not returned.value, False
            return None, False
        is_value = isinstance(parent, ast.Return | ast.Assign | ast.AnnAssign | ast.keyword | ast.Dict | ast.Call)
        return (matches, True) if is_value else (None, False)

    def _rest(self, read: ast.expr) -> Otherwise:
        """Return what happens to a word that no comparison knew: the last statement of the function tells."""
        node = self._code.scopes[read].node
        body = node.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) else []
        last = body[-1] if body else None
        if isinstance(last, ast.Return) and isinstance(last.value, ast.Constant):
            return Otherwise.TRUE if last.value.value else Otherwise.FALSE
        return Otherwise.REFUSED if isinstance(last, ast.Raise) else Otherwise.FALSE
