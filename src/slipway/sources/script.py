"""TypeScript and JavaScript: what Vite replaces (`import.meta.env`), what Node has, what pages look up."""

import re
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING

from slipway.sources.found import Reading, Trouble
from slipway.sources.use import GUARDED, LOADED, LOOK_UP, META, PROCESS, Kind, Moment, Place, Use

if TYPE_CHECKING:
    from tree_sitter import Node, Parser

_WRAPPERS = frozenset(
    {"parenthesized_expression", "as_expression", "non_null_expression", "satisfies_expression", "type_assertion"}
)
_MOST_STEPS = 20
_MOST_BYTES = 1000
_GLOBALS = frozenset({"globalThis", "window", "self", "global"})
_NAME = re.compile(r"[A-Za-z_$][\w$]*")
_MARK = re.compile(rb"__ENV|\bloadEnv\b|import\s*\.\s*meta\b[\s\S]{0,60}?\benv\b|\bprocess[\s?!)]*\.\s*env\b")
_IN_PAGE = re.compile(r"%([A-Z][A-Z0-9_]*)%")


def may_read(data: bytes) -> bool:
    """Whether a script may read a variable at all; asked before it is parsed."""
    return _MARK.search(data) is not None


def read_page(text: str, file: str) -> Reading:
    """Return what Vite puts into a page: `%VITE_NAME%`."""
    uses = [
        Use(name, Place(file, number), Kind.READ, Moment.BUILD, by=META)
        for number, line in enumerate(text.splitlines(), 1)
        for name in _IN_PAGE.findall(line)
    ]
    return Reading(tuple(uses))


def read_script(data: bytes, file: str) -> Reading:
    """Return what a script reads. A part that does not parse becomes a trouble with its line; the rest counts."""
    tree = _parser(is_plain=file.endswith((".ts", ".mts", ".cts"))).parse(data)
    script = _Script(file)
    nodes, script.parents = _all(tree.root_node)
    for node in nodes:
        script.learn(node)
    uses = [use for node in nodes for use in script.uses(node)]
    troubles = []
    if tree.root_node.has_error:
        wrong = next((node for node in nodes if node.is_error or node.is_missing), tree.root_node)
        troubles.append(
            Trouble(Place(file, wrong.start_point[0] + 1), "does not parse from here on as far as it should")
        )
    return Reading(tuple(uses), tuple(troubles))


@cache
def _parser(*, is_plain: bool) -> "Parser":
    import tree_sitter_typescript
    from tree_sitter import Language, Parser

    # `<T>value` is a cast in a .ts file and the begin of an element everywhere else.
    grammar = tree_sitter_typescript.language_typescript if is_plain else tree_sitter_typescript.language_tsx
    return Parser(Language(grammar()))


def _all(top: "Node") -> "tuple[list[Node], dict[int, Node]]":
    """Return every node in the order of the file, and each one's parent by its id: to ask a node costs its depth."""
    nodes: list[Node] = []
    parents: dict[int, Node] = {}
    due = [top]
    while due:
        node = due.pop()
        nodes.append(node)
        children = node.children
        parents.update((child.id, node) for child in children)
        due += reversed(children)
    return nodes, parents


class _Script:
    """One file: the names that stand for an environment in it, then its reads."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._moment = Moment.BUILD if re.search(r"(^|/)[\w.-]*\.config\.\w+$", file) else Moment.RUN
        self._aliases: dict[str, str] = {}
        self.parents: dict[int, Node] = {}

    def learn(self, node: "Node") -> None:
        """Take `const env = import.meta.env` and `const env = loadEnv(...)`."""
        if node.type != "variable_declarator":
            return
        name, value = node.child_by_field_name("name"), node.child_by_field_name("value")
        if name is not None and name.type == "identifier" and (source := self._source(value)):
            self._aliases[_text(name)] = source

    def uses(self, node: "Node") -> Iterator[Use]:
        """Yield what one node reads."""
        if node.type == "member_expression":
            source = self._source(node.child_by_field_name("object"))
            field = node.child_by_field_name("property")
            if source and field is not None:
                yield self._use(_text(field), node, source)
        elif node.type == "subscript_expression":
            source = self._source(node.child_by_field_name("object"))
            if source:
                yield self._indexed(node, source)
        elif node.type == "variable_declarator":
            name, source = node.child_by_field_name("name"), self._source(node.child_by_field_name("value"))
            if source and name is not None and name.type == "object_pattern":
                yield from self._taken_apart(name, source)

    def _indexed(self, node: "Node", source: str) -> Use:
        index = node.child_by_field_name("index")
        text = _literal(index)
        if text is not None:
            return self._use(text, node, source)
        begins = _begins(index)
        return Use(begins, self._place(node), Kind.UNKNOWN, self._moment, by=source)

    def _taken_apart(self, pattern: "Node", source: str) -> Iterator[Use]:
        for part in pattern.named_children:
            key = part.child_by_field_name("key") or part.child_by_field_name("left") or part
            if part.type in {"shorthand_property_identifier_pattern", "pair_pattern", "object_assignment_pattern"}:
                default = _literal(part.child_by_field_name("right"))
                has_default = part.type == "object_assignment_pattern"
                yield Use(
                    _literal(key) or _text(key), self._place(part), Kind.READ, self._moment, default,
                    has_default=has_default, by=source,
                )  # fmt: skip
            elif part.type == "rest_pattern":
                yield Use("", self._place(part), Kind.UNKNOWN, self._moment, by=source)

    def _use(self, name: str, node: "Node", source: str) -> Use:
        if not _NAME.fullmatch(name):
            return Use("", self._place(node), Kind.UNKNOWN, self._moment, by=source)
        around = list(self._around(node))
        default, has_default = _default(node, around)
        source = GUARDED if source == PROCESS and _is_guarded(around) else source
        return Use(
            name, self._place(node), _kind(node, around), self._moment, default, has_default=has_default, by=source
        )

    def _around(self, node: "Node") -> Iterator["Node"]:
        """Yield what is around a node, up to its function, but no more than a person would look at."""
        outer = self.parents.get(node.id)
        for _ in range(_MOST_STEPS):
            if outer is None or outer.type in {"program", "function_declaration"}:
                return
            yield outer
            outer = self.parents.get(outer.id)

    def _source(self, node: "Node | None") -> str:
        """Return which environment an expression stands for, "" for none."""
        node = _bare(node)
        if node is None:
            return ""
        if node.type == "identifier":
            return self._aliases.get(_text(node), LOOK_UP if _text(node) == LOOK_UP else "")
        function = node.child_by_field_name("function") if node.type == "call_expression" else None
        if function is not None:
            return LOADED if _text(function) == LOADED else ""
        return self._member(node) if node.type == "member_expression" else ""

    def _member(self, node: "Node") -> str:
        inner, field = _bare(node.child_by_field_name("object")), node.child_by_field_name("property")
        if inner is None or field is None:
            return ""
        name = _text(field)
        if name not in {"env", LOOK_UP} or not _is_short(inner):  # a text costs its length, and chains may be long
            return ""
        before = re.sub(r"\s", "", _text(inner))
        if name == "env" and before == "import.meta":
            return META
        if name == "env" and before.removeprefix("globalThis.") == "process":
            return PROCESS
        return LOOK_UP if name == LOOK_UP and before in _GLOBALS else ""

    def _place(self, node: "Node") -> Place:
        return Place(self._file, node.start_point[0] + 1)


def _bare(node: "Node | None") -> "Node | None":
    while node is not None and node.type in _WRAPPERS and node.named_children:
        node = node.named_children[-1] if node.type == "type_assertion" else node.named_children[0]
    return node


def _kind(node: "Node", around: "list[Node]") -> Kind:
    parent = around[0] if around else None
    is_target = (
        parent is not None and parent.type == "assignment_expression" and parent.child_by_field_name("left") == node
    )
    return Kind.WRITTEN if is_target else Kind.READ


def _default(node: "Node", around: "list[Node]") -> tuple[str | None, bool]:
    """Return the fallback of `X || "..."` and `X ?? "..."`, through further names between, and whether there is one."""
    for number, parent in enumerate(around):
        if parent.type not in _WRAPPERS and parent.type != "binary_expression":
            break
        operator = parent.child_by_field_name("operator")
        if operator is not None and _text(operator) not in {"||", "??"}:
            return None, False
        right = parent.child_by_field_name("right")
        if operator is not None and right is not None and not _holds(right, node):
            text = _literal(right)
            is_last = number + 1 >= len(around) or around[number + 1].type != "binary_expression"
            if text is not None or is_last:
                return text, True
    return None, False


def _is_guarded(around: "list[Node]") -> bool:
    """Whether `typeof process` is asked before, in a condition around."""
    for outer in around:
        asked = outer.child_by_field_name("condition") or outer.child_by_field_name("left")
        if asked is not None and _is_short(asked) and b"typeof process" in (asked.text or b""):
            return True
    return False


def _is_short(node: "Node") -> bool:
    return node.end_byte - node.start_byte < _MOST_BYTES


def _holds(outer: "Node", inner: "Node") -> bool:
    return outer.start_byte <= inner.start_byte and inner.end_byte <= outer.end_byte


def _literal(node: "Node | None") -> str | None:
    node = _bare(node)
    if node is None or node.type not in {"string", "template_string"}:
        return None
    if any(child.type == "template_substitution" for child in node.children):
        return None
    return _text(node)[1:-1]


def _begins(node: "Node | None") -> str:
    """Return how a name that is put together begins: "VITE_" of `VITE_${name}`."""
    node = _bare(node)
    if node is None:
        return ""
    if node.type == "template_string":
        return _text(node)[1:].split("${")[0]
    if node.type == "binary_expression":
        return _literal(node.child_by_field_name("left")) or ""
    return ""


def _text(node: "Node") -> str:
    return (node.text or b"").decode("utf-8", "replace")
