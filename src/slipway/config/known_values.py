"""Values that others know: what example files show, and what other environments have."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from slipway.config.fault import Fault
from slipway.config.layers import FOLDER, readable_secrets
from slipway.config.sealed import Unseal
from slipway.config.textfile import read_text
from slipway.config.tracked import tracked
from slipway.config.workspace import Workspace
from slipway.secret import Secret

# From eight characters on a value in an example is one that somebody may have kept.
_VALUE = re.compile(r"""^[ \t]*(?:export[ \t]+)?[A-Za-z_]\w*[ \t]*=[ \t]*["']?([^\s"'#][^\s"']{7,})""", re.MULTILINE)
# Any word of a comment may be a value that somebody put aside; what is none equals no secret.
_COMMENT = re.compile(r"^[ \t]*#(.*)$", re.MULTILINE)
_WORD = re.compile(r"""[^\s"'=,;]{8,}""")
_PATTERNS = ("*.env.example", ".env.*.example", "env.example", ".env.sample", ".env.dist", ".env.template")


def elsewhere(
    root: Path, environment: str, unseal: Unseal | None = None
) -> tuple[dict[str, frozenset[Secret]], tuple[Fault, ...]]:
    """Return environment -> the values of its `.secrets.env`, for every other one that this checkout has.

    With it comes what is wrong with the others' files that cannot be read.
    """
    found, faults = readable_secrets(root, unseal)
    own = f"{FOLDER}/{environment}.secrets.env"
    unread = tuple(fault for fault in faults if not fault.where.startswith(own))
    return {name: frozenset(values) for name, values in found.items() if name != environment}, unread


def examples(root: Path, workspace: Workspace) -> Mapping[Secret, str]:
    """Return every value of eight characters and more in a file that everybody has -> its place.

    Those are example files, env files of the source that git tracks, and the comments of `env/*.env`.
    """
    found: dict[Secret, str] = {}
    for file in sorted((root / FOLDER).glob("*.env")):
        if not file.name.endswith(".secrets.env"):
            where = f"{FOLDER}/{file.name}"
            text, _ = read_text(file, where)
            for comment in _COMMENT.finditer(text) if "#" in text else ():
                for word in _WORD.findall(comment[1]):
                    found.setdefault(Secret(word), f"{where}:{text.count(chr(10), 0, comment.start()) + 1}")
    for file, where in (*_tracked(workspace), *_files(root, workspace)):
        text, _ = read_text(file, where)
        # Not with the parser of env files: there are thousands of lines, and what is no value equals no secret.
        for value in _VALUE.findall(text):
            if "${" not in value:
                found.setdefault(Secret(value), where)
    return found


def _folders(workspace: Workspace) -> Iterator[tuple[Path, str]]:
    portals = workspace.frontend.portals.values()
    inside = [".", workspace.backend.path, workspace.frontend.path, *(portal.path for portal in portals)]
    return ((workspace.source / path, path) for path in dict.fromkeys(inside))


def _tracked(workspace: Workspace) -> Iterator[tuple[Path, str]]:
    """Yield the source's own env files that git tracks: whoever has the repository has what stands in them."""
    here = {
        file.name if name == "." else f"{name}/{file.name}": file
        for folder, name in _folders(workspace)
        for file in sorted((*folder.glob(".env*"), *folder.glob("*.env")))
    }
    known = tracked(workspace.source, here) if here else ()
    return ((file, where) for where, file in here.items() if where in known)


def _files(root: Path, workspace: Workspace) -> Iterator[tuple[Path, str]]:
    for folder, name in ((root / FOLDER, FOLDER), *_folders(workspace)):
        for pattern in _PATTERNS:
            for file in sorted(folder.glob(pattern)):
                yield file, file.name if name == "." else f"{name}/{file.name}"
