"""Which files of a checkout hold variables, say something about them or tell who reads them; bounded."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path, PurePosixPath

from slipway.sources.found import Trouble
from slipway.sources.use import Place

LARGEST = 1_000_000
"""Bytes; a source beyond this is generated, or no source."""
MOST_FILES = 50_000

_NOT_SOURCES = frozenset(
    (
        *("node_modules", "bower_components", "__pycache__", "site-packages", "venv", "dist", "build", "out"),
        *("coverage", "htmlcov", "target", "vendor", "static_cdn", "staticfiles", "media"),
    )
)
_TEST_FOLDERS = frozenset({"test", "tests", "__tests__", "e2e", "cypress", "__mocks__"})


class Language(StrEnum):
    """How a file is read."""

    PYTHON = "python"
    SCRIPT = "script"
    PAGE = "page"
    SHELL = "shell"
    DOCKERFILE = "dockerfile"
    COMPOSE = "compose"
    EXAMPLE = "example"
    ENV = "env"  # variables themselves
    RECIPE = "recipe"  # Makefile, package.json and the like: they tell who reads env files


@dataclass(frozen=True, slots=True, order=True)
class File:
    """One file worth a look: `path` relative to the source, its size in bytes, when it was last written (ns)."""

    path: str
    size: int
    modified: int
    language: Language

    @property
    def is_source(self) -> bool:
        """Whether it may read a variable or give one to a process by itself."""
        return self.language not in {Language.ENV, Language.RECIPE}

    @property
    def is_test(self) -> bool:
        """Whether no image runs it."""
        path = PurePosixPath(self.path)
        stem = path.name.partition(".")[0]
        return (
            not _TEST_FOLDERS.isdisjoint(path.parts[:-1])
            or stem.startswith("test_")
            or stem.endswith("_test")
            or stem in {"conftest", "setupTests"}
            or ".test." in path.name
            or ".spec." in path.name
        )


@dataclass(slots=True)
class Walk:
    """The files below `root`, sorted, and what could not be looked into."""

    root: Path
    files: list[File] = field(default_factory=list)
    troubles: list[Trouble] = field(default_factory=list)


def walk(root: Path, below: tuple[str, ...] = ("",)) -> Walk:
    """Look through the folders `below` the root.

    Links are not followed, so no loop and nothing outside is read; one to an env file of the same checkout counts.
    """
    found = Walk(root)
    due = [folder for folder in below if (root / folder).is_dir()]
    while due and len(found.files) < MOST_FILES:
        due += _looked_into(found, due.pop())
    if due:
        found.troubles.append(Trouble(Place(".", 1), f"has more than {MOST_FILES} sources; the rest is not read"))
    found.files.sort()
    return found


def _looked_into(found: Walk, folder: str) -> Iterator[str]:
    """Note the files of one folder and yield the folders in it."""
    try:
        with os.scandir(found.root / folder) as entries:
            listed = sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        found.troubles.append(Trouble(Place(folder or ".", 1), f"cannot be looked into: {error.strerror}"))
        return
    for entry in listed:
        path = f"{folder}/{entry.name}" if folder else entry.name
        try:
            if entry.is_dir(follow_symlinks=False):
                if entry.name not in _NOT_SOURCES and not entry.name.startswith("."):
                    yield path
            elif (language := language_of(entry.name)) is not None and _counts(found.root, entry, language):
                known = entry.stat()
                found.files.append(File(path, known.st_size, known.st_mtime_ns, language))
        except OSError as error:
            found.troubles.append(Trouble(Place(path, 1), f"cannot be looked at: {error.strerror}"))


def _counts(root: Path, entry: os.DirEntry[str], language: Language) -> bool:
    if not entry.is_symlink():
        return entry.is_file(follow_symlinks=False)
    # One that leads nowhere, or to itself, is no file: asked first.
    return language is Language.ENV and entry.is_file() and Path(entry.path).resolve().is_relative_to(root.resolve())


_SUFFIXES = {".py": Language.PYTHON, ".sh": Language.SHELL, ".bash": Language.SHELL} | dict.fromkeys(
    (".ts", ".tsx", ".mts", ".cts", ".js", ".jsx", ".mjs", ".cjs"), Language.SCRIPT
)
_NAMES = (
    (re.compile(r"entrypoint.*|docker-entrypoint"), Language.SHELL),
    (re.compile(r"(dockerfile|containerfile).*|.*\.dockerfile"), Language.DOCKERFILE),
    (re.compile(r".*compose.*\.ya?ml"), Language.COMPOSE),
    (re.compile(r"index\.html"), Language.PAGE),
    (re.compile(r"\.?env\.(.*\.)?(example|sample|template|dist|defaults)(\..*)?"), Language.EXAMPLE),
    (re.compile(r"(\.env|.+\.env|env)(\.[\w-]+)*"), Language.ENV),
    (re.compile(r"makefile|.+\.mk|justfile|procfile|package\.json"), Language.RECIPE),
)


def language_of(name: str) -> Language | None:
    """Return how a file of this name is read; None for one that says nothing about variables."""
    by_suffix = _SUFFIXES.get(name[name.rfind(".") :])
    return by_suffix or next((language for pattern, language in _NAMES if pattern.fullmatch(name.lower())), None)
