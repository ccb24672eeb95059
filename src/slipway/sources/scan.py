"""Scan: every source of a tree, each read by the reader of its language, within bounds."""

import os
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path

from slipway.sources.compose import read_compose
from slipway.sources.dockerfile import read_dockerfile
from slipway.sources.example import read_example
from slipway.sources.found import Found, Reading, Trouble
from slipway.sources.python.project import Project
from slipway.sources.script import may_read, read_page, read_script
from slipway.sources.shell import read_shell
from slipway.sources.use import Place
from slipway.sources.walk import LARGEST, File, Language, Walk

_TEXT_READERS: dict[Language, Callable[[str, str], Reading]] = {
    Language.SHELL: read_shell,
    Language.DOCKERFILE: read_dockerfile,
    Language.COMPOSE: read_compose,
    Language.PAGE: read_page,
}


def scan(walked: Walk, settings: str = "") -> Found:
    """Read every file of a walk; `settings` is the path of Django's settings among them.

    Raises nothing: what cannot be read or parsed is a `Trouble` with its place.
    """
    contents = _Contents(walked)
    python = {file.path: file.is_test for file in walked.files if file.language is Language.PYTHON}
    others = (file for file in walked.files if file.is_source and file.language is not Language.PYTHON)
    readings = [_reading(walked, contents, file) for file in others]
    readings.append(Project(python, contents.read).reading(settings))
    readings.append(Reading(troubles=(*walked.troubles, *contents.troubles.values())))
    tests = {file.path for file in walked.files if file.is_test}
    parts = {one.name: [part for reading in readings for part in getattr(reading, one.name)] for one in fields(Reading)}
    uses = [replace(use, is_test=True) if use.place.file in tests else use for use in parts.pop("uses")]
    uses.sort(key=lambda use: (use.place, use.name, use.kind))
    parts["troubles"].sort(key=lambda trouble: trouble.place)
    return Found(uses=tuple(uses), **{name: tuple(found) for name, found in parts.items()})


def _reading(walked: Walk, contents: "_Contents", file: File) -> Reading:
    if file.language is Language.EXAMPLE:
        return read_example(walked.root / file.path, file.path)
    data = contents.read(file.path)
    if file.language is Language.SCRIPT:
        return read_script(data, file.path) if may_read(data) else Reading()
    return _TEXT_READERS[file.language](data.decode("utf-8", "replace"), file.path) if data else Reading()


class _Contents:
    """The bytes of files, read once; what is too big or no text is empty and told once."""

    def __init__(self, walked: Walk) -> None:
        self._root: Path = walked.root
        self._known: dict[str, bytes] = {}
        self.troubles: dict[str, Trouble] = {}

    def read(self, path: str) -> bytes:
        """Return a file's bytes, none for one that cannot be had."""
        if path not in self._known:
            data, problem = _bytes(self._root / path)
            self._known[path] = data
            if problem:
                self.troubles[path] = Trouble(Place(path, 1), problem)
        return self._known[path]


def _bytes(file: Path) -> tuple[bytes, str]:
    try:
        # A link that took the file's place since the walk is not followed, and a pipe blocks nobody.
        descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as stream:
            data = stream.read(LARGEST + 1)
    except OSError as error:
        return b"", f"cannot be read: {error.strerror}"
    if len(data) > LARGEST:
        return b"", f"is larger than {LARGEST // 1_000_000} MB, so it is not read"
    return (b"", "holds a zero byte, so it is no source") if b"\0" in data else (data, "")
