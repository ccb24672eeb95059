"""Which program reads which env file, told from the workspace's own sources, with the line that says so."""

import posixpath
import re
from collections.abc import Callable, Iterable, Iterator, Mapping

from slipway.config.env_readers import Reader, Use

_EXAMPLE = re.compile(r"[.-](example|sample|template|tmpl|dist|defaults)(?=$|\.)|(?<=^env)[.-](example|sample)$")
_NAME = r"[\w.@-]*\.?env[\w.-]*"
_ENV_FILE = re.compile(r"(\.env|.+\.env|env)(\.[\w-]+)*")
_COMPOSE = re.compile(r"(docker-)?compose([.-][\w.-]+)?\.ya?ml")
_SCRIPT = re.compile(r".+\.(sh|bash)|Makefile|makefile|.+\.mk|justfile|Procfile|package\.json")
_PYTHON = (
    (Reader.PYTHON_DOTENV, "dotenv", re.compile(r"\b(?:load_dotenv|dotenv_values)\(")),
    (Reader.DJANGO_ENVIRON, "environ", re.compile(r"\bread_env\(")),
    (Reader.DECOUPLE, "decouple", re.compile(r"^\s*(?:from decouple import|import decouple)")),
)
_LITERAL = re.compile(rf"['\"](?:[\w./-]*/)?({_NAME})['\"]")
_VITE = re.compile(r"\"vite\"\s*:")
_ENV_DIR = re.compile(r"\benvDir\s*:[^'\"\n]*['\"]([\w./-]+)['\"]")
_NODE_DOTENV = re.compile(r"(?:require\(|from |import )\s*['\"]dotenv(?:/config)?['\"]")
_SOURCED = re.compile(rf"(?:^|[;&|\"]|\bthen|\bdo)\s*(?:source|\.)\s+[\"']?([^\s;&|\"']*?{_NAME})(?=[\"'\s;&|]|$)")
_OPTION = re.compile(rf"--env-file(?:-if-exists)?[= ]\s*[\"']?([^\s;&|\"']*?{_NAME})(?=[\"'\s;&|]|$)")

Found = tuple[str, Reader, str]
"""A folder and name of an env file as `folder/name`, its reader, and the file:line that says so. A folder `**` before
it stands for the folder and all above it, as readers search upwards."""


def is_env_file(path: str) -> bool:
    """Whether a file is one of `NAME=value` lines by its name, examples included."""
    return _ENV_FILE.fullmatch(posixpath.basename(path)) is not None


def may_tell(path: str) -> bool:
    """Whether a source file may say who reads env files."""
    name = posixpath.basename(path)
    return name.endswith((".py", ".js", ".cjs", ".mjs", ".ts")) or bool(
        _COMPOSE.fullmatch(name) or _SCRIPT.fullmatch(name)
    )


def uses(env_files: Iterable[str], sources: Mapping[str, str]) -> list[Use]:
    """Return who reads which of `env_files`; `sources` is path -> text of the files that `may_tell`.

    An example is read by whoever reads a file that it may be copied to: one of the same folder and stem.
    """
    found = [entry for path, text in sorted(sources.items()) for entry in _told(path, text)]
    listed: dict[tuple[str, Reader], Use] = {}
    for file in sorted(env_files):
        for place, reader, evidence in found:
            if _is_at(file, place):
                listed.setdefault((file, reader), Use(file, reader, evidence))
    return sorted(listed.values())


def is_example(path: str) -> bool:
    """Whether a file is there to be copied, by its name."""
    return _EXAMPLE.search(posixpath.basename(path)) is not None


def _is_at(file: str, place: str) -> bool:
    folder, name = posixpath.split(file)
    upwards = place.startswith("**/")
    wanted_folder, wanted = posixpath.split(place.removeprefix("**/"))
    stem = _EXAMPLE.sub("", name, count=1)
    copied = is_example(name) and (
        stem == wanted or wanted.startswith(f"{stem}.") or (stem == "env" and wanted == ".env")
    )
    if name != wanted and not copied:
        return False
    above = wanted_folder == folder or not folder or wanted_folder.startswith(f"{folder}/")
    return above if upwards else wanted_folder == folder


def _told(path: str, text: str) -> Iterator[Found]:
    name = posixpath.basename(path)
    for matches, teller in _TELLERS:
        if matches(name):
            yield from teller(path, text)


def _python(path: str, text: str) -> Iterator[Found]:
    for reader, package, call in _PYTHON:
        if not re.search(rf"^\s*(?:from|import)\s+{package}\b", text, re.MULTILINE):
            continue
        for number, line in enumerate(text.splitlines(), 1):
            if call.search(line):
                literal = _LITERAL.search(line)
                yield _upwards(path, literal[1] if literal else ".env"), reader, f"{path}:{number}"


def _javascript(path: str, text: str) -> Iterator[Found]:
    for number, line in enumerate(text.splitlines(), 1):
        if _NODE_DOTENV.search(line):
            yield _upwards(path, ".env"), Reader.NODE_DOTENV, f"{path}:{number}"
        if "vite.config" in path and (folder := _ENV_DIR.search(line)):
            yield from _vite_files(_join(path, folder[1]), f"{path}:{number}")


def _package(path: str, text: str) -> Iterator[Found]:
    for number, line in enumerate(text.splitlines(), 1):
        if _VITE.search(line):
            yield from _vite_files(posixpath.dirname(path), f"{path}:{number}")
            return


def _vite_files(folder: str, evidence: str) -> Iterator[Found]:
    for name in (".env", ".env.local", *(f".env.{m}{local}" for m in _MODES for local in ("", ".local"))):
        yield posixpath.join(folder, name), Reader.VITE, evidence


_MODES = ("development", "production", "staging", "test")


def _compose(path: str, text: str) -> Iterator[Found]:
    lines = text.splitlines()
    expanded = next((number for number, line in enumerate(lines, 1) if re.search(r"\$\{?[A-Za-z_]", line)), None)
    if expanded is not None:
        yield _join(path, ".env"), Reader.COMPOSE, f"{path}:{expanded}"
    depth: int | None = None
    for number, line in enumerate(lines, 1):
        stripped, indent = line.split(" #")[0].strip(), len(line) - len(line.lstrip())
        if stripped.startswith("env_file:"):
            depth = indent
            named = re.findall(r"[^\s\[\],'\"]+", stripped.removeprefix("env_file:"))
        elif depth is not None and (indent > depth or (indent == depth and stripped.startswith("-"))):
            item = re.fullmatch(r"-?\s*(?:path:\s*)?['\"]?([^\s'\":]+)['\"]?", stripped)
            named = [item[1]] if item else []
        else:
            depth, named = (depth, []) if not stripped else (None, [])
        for name in named:
            yield _join(path, name), Reader.COMPOSE, f"{path}:{number}"


def _script(path: str, text: str) -> Iterator[Found]:
    for number, line in enumerate(text.splitlines(), 1):
        evidence = f"{path}:{number}"
        if not line.lstrip().startswith("#"):
            for file in _SOURCED.findall(line):
                yield _upwards(path, posixpath.basename(file)), Reader.BASH, evidence
            for file in _OPTION.findall(line):
                yield _upwards(path, posixpath.basename(file)), _who(line), evidence


def _who(line: str) -> Reader:
    if re.search(r"\bdocker[ -]compose\b", line):
        return Reader.COMPOSE
    return Reader.DOCKER if re.search(r"\b(docker|podman)\b", line) else Reader.NODE


def _join(path: str, name: str) -> str:
    return posixpath.normpath(posixpath.join(posixpath.dirname(path), name))


def _upwards(path: str, name: str) -> str:
    return posixpath.join("**", posixpath.dirname(path), name)


_TELLERS: tuple[tuple[Callable[[str], object], Callable[[str, str], Iterator[Found]]], ...] = (
    (lambda name: name.endswith(".py"), _python),
    (lambda name: name.endswith((".js", ".cjs", ".mjs", ".ts")), _javascript),
    (lambda name: name == "package.json", _package),
    (_COMPOSE.fullmatch, _compose),
    (_SCRIPT.fullmatch, _script),
)
