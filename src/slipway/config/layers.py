"""Layers: the env files of one environment in their order, every assignment with file and line.

    env/base.env < env/<environment>.env < env/<environment>.secrets.env < a given secrets file
        < env/<environment>.<service>.env < values given by the caller

Schema defaults lie below all of them. Files of secrets are ignored by git; the others are committed.
"""

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Self

from slipway.config.dotenv import Line, read_env_file
from slipway.config.fault import Fault, refuse, shown
from slipway.config.workspace import Workspace
from slipway.errors import UsageError
from slipway.secret import Secret

FOLDER = "env"
GIVEN = "given value"
"""Where a value that the caller gives comes from, unless it is `Placed`."""

_ENVIRONMENT = re.compile(r"[a-z][a-z0-9-]{0,30}")


class Placed(str):
    """A value that the caller gives and that has a place of its own: a standing rehearsal's ground, say."""

    __slots__ = ("where",)

    where: str

    def __new__(cls, value: str, where: str) -> Self:
        """Return `value`, to be shown in messages as coming from `where`."""
        placed = super().__new__(cls, value)
        placed.where = where
        return placed


class Layer(StrEnum):
    """Where an assignment comes from."""

    BASE = "base"
    ENVIRONMENT = "environment"
    SECRETS = "secrets"
    SERVICE = "service"
    PROCESS = "process"


COMMITTED = frozenset({Layer.BASE, Layer.ENVIRONMENT, Layer.SERVICE})
"""Layers whose files belong into git, so no secret belongs into them."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """One line in its layer; `service` is set in a file for one service."""

    line: Line
    layer: Layer
    file: str
    service: str | None = None


@dataclass(frozen=True, slots=True)
class Layers:
    """All assignments, the weakest first, and the files they come from (as shown in messages)."""

    assignments: tuple[Assignment, ...]
    files: tuple[str, ...]

    def chain(self, name: str, service: str | None) -> tuple[Assignment, ...]:
        """Return every assignment of `name` that counts for `service` (None: for no service alone), the winner last."""
        return tuple(a for a in self.assignments if a.line.name == name and a.service in {None, service})


def check_environment_name(environment: str) -> None:
    """Refuse a name that could leave the folder. Raises `UsageError`."""
    if not _ENVIRONMENT.fullmatch(environment):
        raise UsageError("an environment is named in small letters, digits and -", hint="for example --env production")


def read_layers(
    root: Path, environment: str, workspace: Workspace, process: Mapping[str, str], secrets_file: Path | None
) -> tuple[Layers, list[Fault]]:
    """Read every env file of `environment` below `root`; whatever cannot be read is in the faults.

    `process` holds values that the caller gives explicitly; names that the schema does not know have no effect.
    """
    check_environment_name(environment)
    faults: list[Fault] = []
    folder = root / FOLDER
    if not (folder / f"{environment}.env").exists():
        faults.append(_no_environment(folder, root, environment))
    assignments: list[Assignment] = []
    files: list[str] = []
    for file, layer, service in _files(folder, environment, workspace, secrets_file):
        if not file.exists() and file != secrets_file:
            continue
        where = shown(file, root)
        lines, wrong = read_env_file(file, where)
        files.append(where)
        faults += wrong
        assignments += [Assignment(line, layer, where, service) for line in lines]
    for name, value in process.items():
        where = value.where if isinstance(value, Placed) else GIVEN
        assignments.append(Assignment(Line(name, Secret(value), where), Layer.PROCESS, ""))
    return Layers(tuple(assignments), tuple(files)), faults + _strays(folder, root, environment, workspace)


def _files(
    folder: Path, environment: str, workspace: Workspace, secrets_file: Path | None
) -> list[tuple[Path, Layer, str | None]]:
    files: list[tuple[Path, Layer, str | None]] = [
        (folder / "base.env", Layer.BASE, None),
        (folder / f"{environment}.env", Layer.ENVIRONMENT, None),
        (folder / f"{environment}.secrets.env", Layer.SECRETS, None),
    ]
    if secrets_file is not None and secrets_file.absolute() != files[-1][0].absolute():
        files.append((secrets_file, Layer.SECRETS, None))
    files += [(folder / f"{environment}.{name}.env", Layer.SERVICE, name) for name in workspace.services]
    return files


def _no_environment(folder: Path, root: Path, environment: str) -> Fault:
    names = sorted(
        file.name.removesuffix(".env")
        for file in (folder.glob("*.env") if folder.is_dir() else ())
        if file.name.count(".") == 1 and file.name != "base.env"
    )
    close = difflib.get_close_matches(environment, names, 1)
    hint = f"did you mean --env {close[0]}?" if close else f"there are {', '.join(names) or 'no environments yet'}"
    return Fault("env.environment", shown(folder / f"{environment}.env", root), "there is no such file", hint)


def _strays(folder: Path, root: Path, environment: str, workspace: Workspace) -> list[Fault]:
    """Return a fault for each file that looks like a service's but belongs to none: it would silently do nothing."""
    known = {"secrets", *workspace.services}
    faults = []
    for file in sorted(folder.glob(f"{environment}.*.env")):
        name = file.name.removeprefix(f"{environment}.").removesuffix(".env")
        if name not in known:
            message = "belongs to no service, so nothing reads it"
            faults.append(
                Fault("env.stray", shown(file, root), message, f"services are {', '.join(workspace.services)}")
            )
    return faults


def other_secrets(root: Path) -> dict[str, tuple[Secret, ...]]:
    """Return the name of each `env/<name>.secrets.env` of this checkout -> every value that it holds.

    For looking where they must not be: an image is the same for all environments. Raises `UsageError` for a file that
    cannot be read.
    """
    found = {}
    for file in sorted((root / "env").glob("*.secrets.env")):
        where = f"env/{file.name}"
        lines, faults = read_env_file(file, where)
        refuse([fault for fault in faults if fault.fatal], where)
        found[file.name.removesuffix(".secrets.env")] = tuple(line.value for line in lines if line.value.reveal())
    return found
