"""Dockerfile: which images it starts from, read as far as that needs; the builder judges the rest."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

_VARIABLE = re.compile(r"\$(?:(\w+)|\{(\w+)(?::?([-+])([^}]*))?\})")
_FROM = re.compile(r"FROM\s+(?:--\S+\s+)*(\S+)(?:\s+AS\s+(\S+))?", re.IGNORECASE)
_ARG = re.compile(r"ARG\s+(\w+)(?:=(.*))?", re.IGNORECASE | re.DOTALL)
_COPIED = re.compile(r"(?:COPY|ADD)\s+.*?--from=(\S+)", re.IGNORECASE | re.DOTALL)
_MOUNTED = re.compile(r"--mount=\S*\bfrom=([^\s,]+)")
_RESERVED = {"scratch", "context"}


@dataclass(slots=True)
class _Stage:
    image: str
    uses: list[str] = field(default_factory=list)


def base_references(text: str, arguments: Mapping[str, str], target: str | None = None) -> tuple[str, ...]:
    """Return the images outside the Dockerfile that `target` (None: the last stage) is made from, sorted.

    `arguments` stand for `ARG`s before the first `FROM`, where a base may be named by one. A reference that cannot be
    resolved is left out; the builder says what is wrong with it.
    """
    stages, names = _stages(text, arguments)
    number = names.get(target.lower()) if target else len(stages) - 1
    found: set[str] = set()
    seen: set[int] = set()
    due = [number] if number is not None and number >= 0 else []
    while due:
        number = due.pop()
        if number in seen:
            continue
        seen.add(number)
        stage = stages[number]
        for used in (stage.image, *stage.uses):
            earlier = names.get(used.lower())
            if earlier is None and used.isdecimal() and int(used) < len(stages) and used is not stage.image:
                earlier = int(used)
            if earlier is not None and earlier < number:
                due.append(earlier)
            elif used and used not in _RESERVED:
                found.add(used)
    return tuple(sorted(found))


def _stages(text: str, arguments: Mapping[str, str]) -> tuple[list[_Stage], dict[str, int]]:
    stages: list[_Stage] = []
    names: dict[str, int] = {}
    values: dict[str, str] = {}
    for line in _instructions(text):
        if begins := _FROM.match(line):
            if begins[2]:
                names[begins[2].lower()] = len(stages)
            stages.append(_Stage(_expanded(begins[1], values)))
        elif not stages and (declared := _ARG.match(line)):
            default = _expanded((declared[2] or "").strip().strip("\"'"), values)
            values[declared[1]] = arguments.get(declared[1], default)
        elif stages:
            copied = _COPIED.match(line)
            stages[-1].uses += [copied[1]] if copied else _MOUNTED.findall(line)
    return stages, names


def _instructions(text: str) -> Iterator[str]:
    """Yield each instruction as one line; a comment inside a continued one is left out, as the builder does."""
    whole = ""
    for raw in text.removeprefix("\ufeff").splitlines():
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        if line.endswith("\\"):
            whole += line[:-1] + " "
            continue
        yield (whole + line).strip()
        whole = ""
    if whole.strip():
        yield whole.strip()


def _expanded(text: str, values: Mapping[str, str]) -> str:
    def value(match: re.Match[str]) -> str:
        found = values.get(match[1] or match[2], "")
        if match[3] == "-":
            return found or match[4]
        if match[3] == "+":
            return match[4] if found else ""
        return found

    return _VARIABLE.sub(value, text)
