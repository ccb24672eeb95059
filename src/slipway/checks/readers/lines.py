"""The lines of an env file: which of them every reader takes alike, and what the author of another one meant."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

# Of every printable character, these alone mean themselves to every reader; a ~ after = or : is a home to a shell.
_VALUE = r"(?:[A-Za-z0-9!%*+,./:=?@\[\]^_{}-]|(?<![=:])~)*"
_PLAIN = re.compile(rf"(?:([A-Za-z_][A-Za-z0-9_]*)={_VALUE}|#[ -~]*|)", re.ASCII)
# Names that a shell sets itself, and those that Vite or node treat apart.
_SPECIAL = re.compile(
    r"BASH\w*|COMP_\w*|FUNCNAME|HIST\w*|PATH|IFS|ENV|SHELL|SHELLOPTS|E?UID|PPID|_|(?:OLD)?PWD|SHLVL|S?RANDOM|SECONDS"
    r"|LINENO|DIRSTACK|GROUPS|EPOCH\w*|MAPFILE|POSIXLY_CORRECT|VITE_USER_NODE_ENV|__proto__",
    re.ASCII,
)
_ASSIGNMENT = re.compile(r"[\s\ufeff]*(?:export[ \t]+)?([A-Za-z_][\w.-]*)[ \t]*[=:][ \t]*", re.ASCII)
_REFERENCE = re.compile(r"\$\{?([A-Za-z_]\w*)", re.ASCII)
_LONGEST_VALUE = 200
"""Lines that a quoted value may span; a quote that closes later was not meant to."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """A part of a file that not every reader is known to take alike: one line, or the lines that a quote spans.

    `name` is what stands before =, "" where nothing does. `context` are the lines that it refers to.
    """

    line: int
    name: str
    text: str = field(repr=False)
    context: str = field(default="", repr=False)


def is_plain(line: str) -> bool:
    """Whether every reader takes this line (without its line end) for what it says. Careful: no is not a finding."""
    found = _PLAIN.fullmatch(line)
    return found is not None and not (found[1] and _SPECIAL.fullmatch(found[1]))


def is_plain_file(text: str) -> bool:
    """Whether every line is plain and no name stands twice (who says that all take the last)."""
    lines = text.split("\n")
    names = [line.partition("=")[0] for line in lines if line and not line.startswith("#")]
    return all(map(is_plain, lines)) and len(names) == len(set(names))


def chunks(text: str) -> Iterator[Chunk]:
    """Yield what is not plain, in the file's order."""
    lines, definitions, number = text.split("\n"), dict[str, str](), 0
    while number < len(lines):
        end = number + 1
        if not is_plain(lines[number]):
            end = _end(lines, number)
            part = "\n".join(lines[number:end]) + ("\n" if end < len(lines) else "")
            referred = dict.fromkeys(_REFERENCE.findall(part))
            context = "".join(definitions[name] for name in referred if name in definitions)
            yield Chunk(number + 1, name_of(part), part, context)
        part = "\n".join(lines[number:end]) + "\n"
        if name := name_of(part):
            definitions[name] = part
        number = end


def name_of(text: str) -> str:
    """Return the name that a line assigns to, "" for none."""
    found = _ASSIGNMENT.match(text)
    return found[1] if found else ""


def meant(chunk: Chunk) -> str | None:
    r"""Return the value that the author of a line meant, None where it says too little to tell.

    Nobody can tell `\n` in double quotes from a Windows path, or a password with ${ from a reference.
    """
    found = _ASSIGNMENT.match(chunk.text)
    if found is None:
        return None
    text = chunk.text[found.end() :].rstrip()
    if chunk.context or "${" in text or "\r" in text:
        return None
    quote = text[:1]
    if quote and quote in "'\"":
        return _quoted(text, quote)
    if "\n" in text or "\\" in text:
        return None
    return re.split(r"\s#", text, maxsplit=1)[0].rstrip() if not text.startswith("#") else text


def _quoted(text: str, quote: str) -> str | None:
    closed = re.match(r'"((?:[^"\\]|\\.)*)"' if quote == '"' else r"'([^']*)'", text, re.DOTALL)
    if closed is None:
        return None
    rest = text[closed.end() :]
    if not rest.strip() or re.match(r"\s+#", rest):
        inner = re.sub(r"\\([\"$])", r"\1", closed[1]) if quote == '"' else closed[1]
        return None if re.search(r"\\(?![\"$])" if quote == '"' else r"\\$", closed[1]) else inner
    if rest[0].isspace() and "\n" not in text and "\\" not in text:
        return re.split(r"\s#", text, maxsplit=1)[0].rstrip()  # the quotes belong to the value: 'self' data:
    return None


def _end(lines: list[str], start: int) -> int:
    """Return the line after the chunk that starts at `start`: where a quote that it opens is closed."""
    found = _ASSIGNMENT.match(lines[start])
    quote = lines[start][found.end() : found.end() + 1] if found else ""
    if not found or not quote or quote not in "'\"`":
        return start + 1
    closing = re.compile(rf"(?:[^{quote}\\]|\\.)*{quote}" if quote == '"' else rf"[^{quote}]*{quote}")
    if closing.match(lines[start], found.end() + 1):
        return start + 1
    for number in range(start + 1, min(len(lines), start + _LONGEST_VALUE)):
        if closing.match(lines[number]):
            return number + 1
    return start + 1
