"""Dockerfiles: arguments and their defaults, variables of the image, and what the last stage is made of."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import replace

from slipway.sources.found import Dockerfile, Reading, Stage
from slipway.sources.use import Kind, Moment, Place, Use

_ARGUMENT = re.compile(r"([A-Za-z_]\w*)(?:=(.*))?", re.DOTALL)
_LONGEST = 20_000
"""Characters of a RUN that are looked at, and of which no more than _MOST are packages."""
_MOST = 500
_FROM = re.compile(r"(?:--\S+\s+)*(\S+)(?:\s+AS\s+(\S+))?", re.IGNORECASE)
_NAMED = re.compile(r"\$(?:\{([A-Z][A-Z0-9_]*)[^}]*\}|([A-Z][A-Z0-9_]*))")
_INSTALL = re.compile(r"\bapt(?:-get)?\b(?:\s+-\S+)*\s+install\b([^;&|]*)")
_NPM = re.compile(r"\bnpm\s+(?:ci|install|i)\b(?![^;&|]*--include[= ]dev)|\b(?:yarn|pnpm)\s+install\b")


def read_dockerfile(text: str, file: str) -> Reading:
    """Return what a Dockerfile says. What it does not understand is the builder's to judge."""
    uses: list[Use] = []
    stages: list[Stage] = []
    program, program_line = "", 0
    lines = text.splitlines()
    for line, word, rest in instructions(text):
        place = Place(file, line)
        stage = stages[-1].base if stages else ""
        if word == "FROM" and (match := _FROM.match(rest)):
            stages.append(Stage(match[1], place))
            program, program_line = "", 0
        elif word == "ARG":
            uses += _arguments(rest, place, stage)
        elif word == "ENV":
            found = _variables(rest, place, stage)
            uses += [replace(use, place=Place(file, line_of(lines, line, use.name))) for use in found]
        elif word == "RUN" and stages:
            stages[-1] = _run(stages[-1], rest, line, lines)
            names = sorted({match[1] or match[2] for match in _NAMED.finditer(rest[:_LONGEST])})
            uses += [Use(name, place, Kind.READ, Moment.BUILD, by=stage) for name in names]
        # CMD is what an entrypoint starts, so it tells more.
        elif word == "CMD" or (word == "ENTRYPOINT" and not program):
            program, program_line = (re.findall(r"[\w./-]+", rest) or [""])[0], line
    return Reading(tuple(uses), dockerfiles=(Dockerfile(file, tuple(stages), program, program_line),))


def instructions(text: str) -> Iterator[tuple[int, str, str]]:
    """Yield (line from 1, instruction in capitals, the rest) with continued lines joined and comments left out."""
    whole, begins = "", 0
    for number, raw in enumerate(text.removeprefix("\ufeff").splitlines(), 1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        begins = begins or number
        if line.endswith("\\"):
            whole += line[:-1] + " "
            continue
        yield from _split(begins, whole + line)
        whole, begins = "", 0
    yield from _split(begins, whole)


def _split(line: int, text: str) -> Iterator[tuple[int, str, str]]:
    word, _, rest = text.strip().partition(" ")
    if word:
        yield line, word.upper(), rest.strip()


def _arguments(rest: str, place: Place, stage: str) -> Iterator[Use]:
    for word in _words(rest):
        if match := _ARGUMENT.fullmatch(word):
            default = match[2]
            yield Use(match[1], place, Kind.ARGUMENT, Moment.BUILD, default, has_default=default is not None, by=stage)


def _variables(rest: str, place: Place, stage: str) -> Iterator[Use]:
    words = _words(rest)
    if words and "=" not in words[0]:  # the old form: ENV NAME the whole rest
        words = [f"{words[0]}={' '.join(words[1:])}"]
    for word in words:
        name, _, value = word.partition("=")
        if _ARGUMENT.fullmatch(name):
            yield Use(name, place, Kind.GIVEN, Moment.RUN, value, has_default=True, by=stage)
    for match in _NAMED.finditer(rest):
        yield Use(match[1] or match[2], place, Kind.READ, Moment.BUILD, by=stage)


def _words(rest: str) -> list[str]:
    try:
        return shlex.split(rest)
    except ValueError:  # a quote that is never closed
        return rest.split()


def line_of(lines: list[str], begins: int, word: str) -> int:
    """Return the line of an instruction over several lines that has `word`; the first one where none has."""
    for number in range(begins, len(lines) + 1):
        if re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", lines[number - 1]):
            return number
        if not lines[number - 1].rstrip().endswith("\\") and not lines[number - 1].lstrip().startswith("#"):
            break
    return begins


def _run(stage: Stage, command: str, line: int, lines: list[str]) -> Stage:
    command = command[:_LONGEST]
    words = [word for match in _INSTALL.finditer(command) for word in match[1].split() if re.match(r"[a-z0-9]", word)]
    packages = [(word, line_of(lines, line, word)) for word in words[:_MOST]]
    npm = stage.installs_npm or (line if _NPM.search(command) else 0)
    return Stage(stage.base, stage.place, (*stage.packages, *packages), npm)
