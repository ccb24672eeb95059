"""Every way to write a value into an env file that some reader may understand, the plainest first."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field

_WRAPS = (("", "without quotes"), ("'", "in single quotes"), ('"', "in double quotes"), ("`", "in back quotes"))
_DOLLARS = (("$", ""), ("\\$", "\\$ for each $"), ("$$", "$$ for each $"))
_BACKSLASHES = (("\\", ""), ("\\\\", "\\\\ for each \\"))
_LINES = (("\n", ""), ("\\n", "\\n for each line end"))
_HASHES = (("#", ""), ("\\#", "\\# for each #"))


@dataclass(frozen=True, slots=True)
class Spelling:
    """One way to write a value: the `line`, and its `form` in words that do not show the value."""

    form: str
    line: str = field(repr=False)


def spellings(name: str, value: str) -> Iterator[Spelling]:
    """Yield each way once, those that change least of the value first."""
    found: dict[str, tuple[int, str]] = {}
    for wrap, form in _WRAPS:
        for text, changes in _escaped(value, wrap):
            told = f"{form} with {' and '.join(changes)}" if changes else form
            found.setdefault(f"{name}={wrap}{text}{wrap}\n", (len(changes), told))
    for line, (_, told) in sorted(found.items(), key=lambda item: item[1][0]):
        yield Spelling(told, line)


def _escaped(value: str, wrap: str) -> Iterator[tuple[str, list[str]]]:
    """Yield what may stand between the quotes, and what was changed."""
    choices = [_present(ways, value) for ways in (_DOLLARS, _BACKSLASHES, _LINES, _HASHES)]
    for ways, (quotes, told) in itertools.product(itertools.product(*choices), _quotes(value, wrap)):
        table = dict(zip("$\\\n#", (written for written, _ in ways), strict=True)) | quotes
        changes = [change for _, change in ways if change] + ([told] if told else [])
        yield "".join(table.get(character, character) for character in value), changes


def _present(ways: tuple[tuple[str, str], ...], value: str) -> tuple[tuple[str, str], ...]:
    return ways if ways[0][0] in value else ways[:1]


def _quotes(value: str, wrap: str) -> list[tuple[dict[str, str], str]]:
    """Return the ways to write the quotes in a value: as they are, or those with a backslash that may need one."""
    ways: list[tuple[dict[str, str], str]] = [({}, "")]
    for which in {"'": ("'",), '"': ('"', '"`'), "`": ("`",), "": ("'\"`",)}[wrap]:
        escaped = {quote: f"\\{quote}" for quote in which if quote in value}
        told = " and ".join(f"\\{quote} for each {quote}" for quote in escaped)
        if escaped and (escaped, told) not in ways:
            ways.append((escaped, told))
    if wrap == "'" and "'" in value:
        ways.append(({"'": "'\\''"}, "'\\'' for each '"))
    return ways
