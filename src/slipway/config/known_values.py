"""Values that others know: what example files show, and what other environments have."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from slipway.config.dotenv import read_env_file
from slipway.config.layers import FOLDER, other_secrets
from slipway.config.sealed import Unseal
from slipway.config.workspace import Workspace
from slipway.errors import UsageError
from slipway.secret import Secret

_SHORTEST = 8
"""Characters from which on a value in an example is one that somebody may have kept."""
_PATTERNS = ("*.env.example", ".env.*.example", "env.example", ".env.sample", ".env.dist", ".env.template")


def elsewhere(root: Path, environment: str, unseal: Unseal | None = None) -> dict[str, frozenset[Secret]]:
    """Return environment -> the values of its `.secrets.env`, for every other one that this checkout has.

    A file that cannot be read is left out: whoever checks that environment is told.
    """
    try:
        found = other_secrets(root, unseal)
    except UsageError:
        return {}
    return {name: frozenset(values) for name, values in found.items() if name != environment}


def examples(root: Path, workspace: Workspace) -> Mapping[Secret, str]:
    """Return every value of eight characters and more in an example file -> that file, as shown in messages."""
    found: dict[Secret, str] = {}
    for file, where in _files(root, workspace):
        for line in read_env_file(file, where)[0]:
            if len(line.value.reveal()) >= _SHORTEST and "${" not in line.value.reveal():
                found.setdefault(line.value, where)
    return found


def _files(root: Path, workspace: Workspace) -> Iterator[tuple[Path, str]]:
    source, portals = workspace.source, workspace.frontend.portals.values()
    inside = [".", workspace.backend.path, workspace.frontend.path, *(portal.path for portal in portals)]
    folders = [(root / FOLDER, FOLDER), *((source / path, path) for path in dict.fromkeys(inside))]
    for folder, name in folders:
        for pattern in _PATTERNS:
            for file in sorted(folder.glob(pattern)):
                yield file, file.name if name == "." else f"{name}/{file.name}"
