"""Shell scripts: the variables of the environment that they read."""

import re
from collections.abc import Iterator

from slipway.sources.found import Reading
from slipway.sources.use import Kind, Place, Use

# Only capitals: what a script keeps for itself is written small by custom.
_READ = re.compile(r"\$(?:\{([A-Z][A-Z0-9_]*)(?:(:?[-=?+])(?:([^${}]*)\})?)?|([A-Z][A-Z0-9_]*))")
_ASSIGNED = re.compile(
    r"(?:^|[;&|(]|\b(?:export|local|readonly|declare|typeset|then|do|else)\s)\s*(?:-\w+\s+)*([A-Z][A-Z0-9_]*)(?:\[[^]]*\])?\+?="
    r"|\bfor\s+([A-Z][A-Z0-9_]*)\s+in\b|\bread\s+(?:-\w+\s+)*([A-Z][A-Z0-9_]*)"
)
# Names that the shell sets itself.
_OWN = frozenset(
    {"BASH_SOURCE", "BASH_REMATCH", "FUNCNAME", "IFS", "LINENO", "OLDPWD", "OPTARG", "OPTIND", "PIPESTATUS"}
)
_OWN_TOO = frozenset({"RANDOM", "REPLY", "SECONDS", "EPOCHREALTIME", "EPOCHSECONDS", "EUID", "UID", "PPID", "BASHPID"})


def read_shell(text: str, file: str) -> Reading:
    """Return what a script takes from its environment: names that it reads before it assigns them itself."""
    return Reading(tuple(_uses(text, file)))


def _uses(text: str, file: str) -> Iterator[Use]:
    assigned: set[str] = set(_OWN | _OWN_TOO)
    for number, line in enumerate(text.splitlines(), 1):
        code = _without_literals(line)
        here = [(next(filter(None, match.groups())), _ends(code, match.end())) for match in _ASSIGNED.finditer(code)]
        for match in _READ.finditer(code):
            name = match[1] or match[4]
            if name in assigned or any(name == its and end <= match.start() for its, end in here):
                continue
            operator, word = match[2] or "", match[3]
            kind = Kind.NEEDED if operator.endswith("?") else Kind.READ
            has_default = operator.endswith(("-", "="))
            yield Use(name, Place(file, number), kind, default=word if has_default else None, has_default=has_default)
        assigned |= {name for name, _ in here}


def _ends(code: str, start: int) -> int:
    """Return where the command of an assignment ends, from where on its name is the script's own."""
    match = re.compile(r"[;&|]").search(code, start)
    return match.start() if match else len(code)


def _without_literals(line: str) -> str:
    """Return the line with single-quoted texts and its comment blanked, as far as one line tells."""
    out: list[str] = []
    quote = ""
    for at, letter in enumerate(line):
        if quote == "'":
            quote = "" if letter == "'" else quote
            out.append(" ")
        elif letter == '"':
            quote = "" if quote else '"'
            out.append(letter)
        elif letter == "'" and not quote:
            quote = "'"
            out.append(" ")
        elif letter == "#" and not quote and (at == 0 or line[at - 1] in " \t;"):
            break
        else:
            out.append(letter)
    return "".join(out).replace("\\$", "  ")
