"""Django's settings: what each one is made of. Read from the one file that the workspace names."""

import ast
from collections.abc import Mapping

from slipway.sources.found import Assigned
from slipway.sources.python.code import Code
from slipway.sources.use import Place, Use

_KEYS = frozenset({"CONN_MAX_AGE"})
"""Settings inside of dictionaries that are told like those of their own."""
_STRIPS = frozenset({"strip", "lstrip", "rstrip", "removesuffix"})
_MOST_TEXTS = 40
_DEEPEST = 20
_MOST_TEXT = 200

Made = tuple[tuple[str, str], ...]
"""Each variable that a value is made of with the literal text that is put to it."""


def assignments(code: Code, uses: Mapping[ast.AST, Use]) -> tuple[Assigned, ...]:
    """Return every assignment to a name in capitals, at any depth of `if` and `try`, in the order of the file.

    `uses` are the reads of this file by their node; a setting made of another setting is made of its variables, too.
    """
    found: list[Assigned] = []
    made_of: dict[str, Made] = {}
    for node in sorted(code.nodes, key=lambda one: (getattr(one, "lineno", 0), getattr(one, "col_offset", 0))):
        for name, value in _settings(node):
            if code.scopes[node].node is not None:
                continue
            one = _assigned(code, uses, made_of, name, value)
            if isinstance(node, ast.Assign | ast.AnnAssign):
                made_of[name] = one.made
            found.append(one)
    return tuple(found)


def _settings(node: ast.AST) -> list[tuple[str, ast.expr]]:
    """Return the (name, value) pairs that a node assigns."""
    if isinstance(node, ast.Assign):
        return [(one.id, node.value) for one in node.targets if isinstance(one, ast.Name) and one.id.isupper()]
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value is not None:
        return [(node.target.id, node.value)] if node.target.id.isupper() else []
    if isinstance(node, ast.Dict):
        pairs = [
            (key.value, value)
            for key, value in zip(node.keys, node.values, strict=True)
            if isinstance(key, ast.Constant)
        ]
        return [(str(key), value) for key, value in pairs if key in _KEYS]
    if isinstance(node, ast.keyword) and node.arg is not None and node.arg.upper() in _KEYS:
        return [(node.arg.upper(), node.value)]
    return []


def _assigned(
    code: Code, uses: Mapping[ast.AST, Use], made_of: Mapping[str, Made], name: str, value: ast.expr
) -> Assigned:
    inner = list(ast.walk(value))
    variables: dict[str, None] = {}
    texts: list[str] = []
    for node in inner:
        if node in uses:
            variables[uses[node].name] = None
        elif isinstance(node, ast.Name) and node.id in made_of:
            variables.update(dict.fromkeys(variable for variable, _ in made_of[node.id]))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and len(texts) < _MOST_TEXTS:
            texts.append(node.value)
    written = str(value.value) if isinstance(value, ast.Constant) and not isinstance(value.value, str) else ""
    if not written:
        written = next((uses[node].default or "" for node in inner if node in uses), "")
    place, made = Place(code.file, value.lineno), tuple(dict.fromkeys(_made(value, uses, made_of)))
    return Assigned(name, place, tuple(variables), tuple(texts), written, _is_text(value, uses), made)


def _is_text(value: ast.expr, uses: Mapping[ast.AST, Use], depth: int = 0) -> bool:
    """Whether a text of the code becomes the value: written out, or as what a read falls back to."""
    if isinstance(value, ast.Constant):
        return isinstance(value.value, str) and bool(value.value)
    if isinstance(value, ast.BoolOp):
        return depth < _DEEPEST and any(_is_text(one, uses, depth + 1) for one in value.values)
    if isinstance(value, ast.IfExp):
        return depth < _DEEPEST and any(_is_text(one, uses, depth + 1) for one in (value.body, value.orelse))
    return value in uses and bool(uses[value].default)


def _made(value: ast.AST, uses: Mapping[ast.AST, Use], made_of: Mapping[str, Made], depth: int = 0) -> Made:
    """Return each variable in a value with the literal text of the expression that it stands in, in its order.

    What holds several values (a dictionary, `or`, a choice) is several expressions.
    """
    inner = _values(value) if value not in uses else None
    if inner is not None and depth < _DEEPEST:
        return tuple(pair for one in inner for pair in _made(one, uses, made_of, depth + 1))
    pairs: list[tuple[str, str]] = []
    text, waiting = "", [value]
    while waiting:
        node = waiting.pop()
        if node in uses:
            pairs.append((uses[node].name, ""))
        elif isinstance(node, ast.Name):
            pairs += made_of.get(node.id, ())
        elif isinstance(node, ast.Constant):
            text = (text + str(node.value))[:_MOST_TEXT]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _STRIPS:
            waiting.append(node.func.value)  # what is taken off an end is not put to it
        else:
            waiting += reversed(list(ast.iter_child_nodes(node)))
    return tuple((variable, (before + text)[:_MOST_TEXT]) for variable, before in pairs)


def _values(node: ast.AST) -> list[ast.expr] | None:
    """Return the values that a node holds side by side or chooses from, None for one that is a value itself."""
    if isinstance(node, ast.Dict):
        return node.values
    if isinstance(node, ast.List | ast.Tuple | ast.Set):
        return node.elts
    if isinstance(node, ast.BoolOp):
        return node.values
    if isinstance(node, ast.IfExp):
        return [node.body, node.orelse]
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "dict":
        return [*node.args, *(one.value for one in node.keywords)]
    return None
