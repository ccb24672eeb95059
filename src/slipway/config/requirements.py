"""Reading a project's requirements: every line that asks for a package, with its place, included files and all.

What is read is what pip reads, less what cannot end in a lock of names, versions and hashes: folders, version control,
options that say where packages come from. Each of those is a fault with its line and the way out.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from packaging.requirements import InvalidRequirement
from packaging.requirements import Requirement as Parsed
from packaging.utils import canonicalize_name

from slipway.config.fault import Fault, refuse, shown
from slipway.config.textfile import read_text

_INCLUDE = re.compile(r"(?:-r|--requirement|-c|--constraint)(?:\s+|=|(?<=-[rc]))(\S.*)")
_COMMENT = re.compile(r"(^|\s)#.*$")
_HASHES = re.compile(r"\s--hash[= ]\S+")
_NO_NAME = re.compile(r"(\.{0,2}/|file:|https?:|(git|hg|svn|bzr)\+)|[^@\s]*\.(whl|zip|tar\.gz)$")
_FROM_ELSEWHERE = "publish it as a package, and ask for it by name"


@dataclass(frozen=True, slots=True)
class Asked:
    """One line that asks for a package: canonical `name`, `text` as packaging writes it, `where` as file:line."""

    name: str
    text: str
    where: str


@dataclass(frozen=True, slots=True)
class Requirements:
    """What the files ask for, and what they constrain (`-c`), each in the order in which it was read."""

    asked: tuple[Asked, ...]
    constraints: tuple[Asked, ...] = ()


def read_requirements(file: Path, source: Path) -> Requirements:
    """Read `file` and what it includes, which must lie below `source`.

    Raises one `UsageError` that lists every line that cannot be locked, with its place.
    """
    reading = _Reading(source.resolve(), [], [], [], set())
    reading.take(file, file_is_constraint=False)
    refuse(reading.faults, shown(file, source))
    return Requirements(tuple(reading.asked), tuple(reading.constraints))


def parse_requirement(text: str, where: str) -> Asked:
    """Return one requirement. Raises `ValueError` with what is wrong, in words for a person."""
    hashes = " ".join(sorted(_HASHES.findall(text)))
    bare = _HASHES.sub("", text).strip()
    if re.search(r"\$\{?\w+", bare):
        raise ValueError("uses a variable, whose value would end in the lock")
    try:
        parsed = Parsed(bare)
    except InvalidRequirement as error:
        raise ValueError(f"is no requirement: {str(error).splitlines()[0]}") from error
    if parsed.url:
        _refuse_address(parsed.url)
    return Asked(canonicalize_name(parsed.name), f"{parsed}{hashes}", where)


def _refuse_address(url: str) -> None:
    try:
        address = urlsplit(url)
    except ValueError as error:
        raise ValueError(f"has an address that is none: {error}") from error
    if address.username or address.password:
        raise ValueError("has a name or password in its address, which would end in the lock")
    if address.scheme not in {"http", "https"}:
        raise ValueError("comes from a folder or version control, which no hash can be made of")


@dataclass(slots=True)
class _Reading:
    source: Path
    asked: list[Asked]
    constraints: list[Asked]
    faults: list[Fault]
    seen: set[tuple[Path, bool]]

    def take(self, file: Path, *, file_is_constraint: bool, included_at: str = "") -> None:
        name = shown(file, self.source)
        resolved = file.resolve()
        if (resolved, file_is_constraint) in self.seen:
            return
        self.seen.add((resolved, file_is_constraint))
        if not resolved.is_relative_to(self.source):
            self.faults.append(
                Fault("requirements.path", included_at or name, f"{file.name} lies outside of the source")
            )
            return
        text, faults = read_text(resolved, name)
        self.faults += [Fault(f.id, included_at or f.where, f"{name}: {f.message}", f.hint, f.fatal) for f in faults]
        for number, line in _lines(text):
            self._line(file, line, f"{name}:{number}", file_is_constraint=file_is_constraint)

    def _line(self, file: Path, line: str, where: str, *, file_is_constraint: bool) -> None:
        if include := _INCLUDE.fullmatch(line):
            is_constraint = file_is_constraint or line.startswith(("-c", "--c"))
            self.take(file.parent / include[1].strip(), file_is_constraint=is_constraint, included_at=where)
        elif line.startswith(("-e", "--editable")) or _NO_NAME.match(line):
            message = "asks for a folder, an address without a name or version control, which no hash can be made of"
            self.faults.append(Fault("requirements.kind", where, message, _FROM_ELSEWHERE))
        elif line.startswith("-"):
            hint = "say it in pip's configuration of the machines that build"
            option = re.split(r"[\s=]", line, maxsplit=1)[0]
            message = f"the option {option} is not read from a requirements file"
            self.faults.append(Fault("requirements.option", where, message, hint))
        else:
            try:
                (self.constraints if file_is_constraint else self.asked).append(parse_requirement(line, where))
            except ValueError as error:
                self.faults.append(Fault("requirements.line", where, str(error)))


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield (number, line) without comments; a line that ends in a backslash goes on in the next."""
    begun, number = "", 0
    for index, raw in enumerate(text.splitlines(), 1):
        number = number or index
        if raw.endswith("\\") and not raw.lstrip().startswith("#"):
            begun += raw[:-1] + " "
            continue
        line = _COMMENT.sub("", begun + raw).strip()
        if line:
            yield number, line
        begun, number = "", 0
    if rest := _COMMENT.sub("", begun).strip():
        yield number, rest
