"""Layers: the env files of one environment in their order, every assignment with file and line.

    env/base.env < env/<environment>.env < env/<environment>.secrets.env < a given secrets file
        < env/<environment>.<service>.env < values given by the caller

Schema defaults lie below all of them. Files of secrets are ignored by git; the others are committed, and so is a sealed
file of secrets, `env/<environment>.secrets.env.age`, which is read where there is no plain one.
"""

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Self

from slipway.config.dotenv import Line, parse_env, read_env_file
from slipway.config.fault import Fault, refuse, shown
from slipway.config.sealed import LARGEST as LARGEST_SEALED
from slipway.config.sealed import SUFFIX, NoIdentity, OtherKeys, Unseal, ended, without_recipients
from slipway.config.textfile import decode, read_bytes, read_text
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


_NOT_FOR_US = frozenset({"file.locked", "file.foreign"})
"""Faults of a sealed file that is well, for somebody else."""
COMMITTED = frozenset({Layer.BASE, Layer.ENVIRONMENT, Layer.SERVICE})
"""Layers whose files belong into git, so no secret belongs into them."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """One line in its layer; `service` is set in a file for one service."""

    line: Line
    layer: Layer
    file: str
    service: str | None = None


@dataclass(frozen=True)
class Layers:
    """All assignments, the weakest first, and the files they come from (as shown in messages)."""

    assignments: tuple[Assignment, ...]
    files: tuple[str, ...]

    def chain(self, name: str, service: str | None) -> tuple[Assignment, ...]:
        """Return every assignment of `name` that counts for `service` (None: for no service alone), the winner last."""
        return tuple(a for a in self._by_name.get(name, ()) if a.service in {None, service})

    @cached_property
    def _by_name(self) -> dict[str, list[Assignment]]:
        found: dict[str, list[Assignment]] = {}
        for assignment in self.assignments:
            found.setdefault(assignment.line.name, []).append(assignment)
        return found


def check_environment_name(environment: str) -> None:
    """Refuse a name that could leave the folder. Raises `UsageError`."""
    if not _ENVIRONMENT.fullmatch(environment):
        raise UsageError("an environment is named in small letters, digits and -", hint="for example --env production")


def read_layers(
    root: Path,
    environment: str,
    workspace: Workspace,
    process: Mapping[str, str],
    secrets_file: Path | None,
    unseal: Unseal | None = None,
) -> tuple[Layers, list[Fault]]:
    """Read every env file of `environment` below `root`; whatever cannot be read is in the faults.

    `process` holds values that the caller gives explicitly; names that the schema does not know have no effect.
    `unseal` opens a sealed file of secrets, in memory, where there is no plain one.
    """
    check_environment_name(environment)
    faults: list[Fault] = []
    folder = root / FOLDER
    if not (folder / f"{environment}.env").exists():
        faults.append(_no_environment(folder, root, environment))
    assignments: list[Assignment] = []
    files: list[str] = []
    for file, layer, service in _files(folder, environment, workspace, secrets_file):
        sealed = file.with_name(file.name + SUFFIX)
        is_sealed = layer is Layer.SECRETS and _is_there(sealed)
        if not _is_there(file) and not is_sealed and file != secrets_file:
            continue
        where = shown(file, root)
        if _is_there(file) or not is_sealed:
            lines, wrong = read_env_file(file, where)
            wrong += _rights(file, where) if layer is Layer.SECRETS else []
            wrong += _difference(file, sealed, where, shown(sealed, root), unseal) if is_sealed else []
        else:
            where = shown(sealed, root)
            lines, wrong = read_sealed(sealed, where, unseal)
        files.append(where)
        faults += wrong
        assignments += [Assignment(line, layer, where, service) for line in lines]
    for name, value in process.items():
        where = value.where if isinstance(value, Placed) else GIVEN
        assignments.append(Assignment(Line(name, Secret(value), where), Layer.PROCESS, ""))
    return Layers(tuple(assignments), tuple(files)), faults + _strays(folder, root, environment, workspace)


def _is_there(file: Path) -> bool:
    """Whether there is something of that name; a link that leads nowhere is told as one, not passed over."""
    return file.exists() or file.is_symlink()


def read_sealed(file: Path, where: str, unseal: Unseal | None) -> tuple[tuple[Line, ...], list[Fault]]:
    """Return the assignments of a sealed file, decrypted in memory, and what is wrong with it, as `read_env_file`."""
    text, faults = opened(file, where, unseal)
    return parse_env(text, faults, where)


def opened(file: Path, where: str, unseal: Unseal | None) -> tuple[str, list[Fault]]:
    """Return the text of a sealed file, the comment that Slipway adds left out, and what is wrong with it."""
    data, faults = read_bytes(file, where, LARGEST_SEALED)
    if faults:
        return "", faults
    try:
        if unseal is None:
            raise NoIdentity("is sealed, and nothing here may open it")
        text, faults = decode(unseal(data, where), where)
    except UsageError as error:
        kinds: dict[type[UsageError], str] = {NoIdentity: "file.locked", OtherKeys: "file.foreign"}
        # What is wrong may be the key, which has a place of its own.
        return "", [Fault(kinds.get(type(error), "file.sealed"), error.where or where, error.message, error.hint)]
    return without_recipients(text), faults


def _rights(file: Path, where: str) -> list[Fault]:
    """Return a warning where others than the owner may read a file of secrets."""
    if file.is_symlink():
        message = "is a symbolic link: who may read it is decided elsewhere"
        return [Fault("secret.permissions", where, message, "put the file itself here", fatal=False)]
    try:
        open_to = file.stat().st_mode & 0o077
    except OSError:
        return []  # that it cannot be read is told already
    message = "can be read or changed by other users of this machine"
    return [Fault("secret.permissions", where, message, f"chmod 600 {where}", fatal=False)] if open_to else []


def _difference(file: Path, sealed: Path, where: str, sealed_where: str, unseal: Unseal | None) -> list[Fault]:
    """Return what is wrong with a sealed file beside the plain one, which counts here; nothing without a key."""
    text, faults = opened(sealed, sealed_where, unseal)
    if any(fault.id == "file.locked" for fault in faults):
        return []
    if faults:
        return [replace(fault, fatal=False) for fault in faults]
    if text == ended(read_text(file, where)[0]):
        return []
    message = f"differs from {sealed_where}, which others have; here this file counts"
    hint = "`inv env.seal` seals this one, `inv env.unseal` takes the other"
    return [Fault("secret.unsealed", where, message, hint, fatal=False)]


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


def other_secrets(root: Path, unseal: Unseal | None = None) -> dict[str, tuple[Secret, ...]]:
    """Return the name of each `env/<name>.secrets.env` of this checkout -> every value that it holds.

    For looking where they must not be: an image is the same for all environments. One that is only there sealed counts
    where `unseal` can open it: whoever cannot has none of its secrets in an image made here, either. Raises
    `UsageError` for a file that cannot be read.
    """
    found, faults = readable_secrets(root, unseal)
    refuse([fault for fault in faults if fault.id not in _NOT_FOR_US], f"the files of secrets in {FOLDER}/")
    return found


def readable_secrets(root: Path, unseal: Unseal | None = None) -> tuple[dict[str, tuple[Secret, ...]], list[Fault]]:
    """Return the same of every file that can be read, and what is wrong with the others: one hides no other."""
    found: dict[str, tuple[Secret, ...]] = {}
    unread: list[Fault] = []
    folder, end = root / FOLDER, ".secrets.env"
    names = {file.name.removesuffix(SUFFIX).removesuffix(end) for file in folder.glob(f"*{end}")}
    sealed = {file.name.removesuffix(SUFFIX).removesuffix(end) for file in folder.glob(f"*{end}{SUFFIX}")}
    for name in sorted(name for name in names | sealed if not name.startswith(".")):  # what was being written
        where = f"{FOLDER}/{name}{end}"
        if name in names:
            lines, faults = read_env_file(root / where, where)
        else:
            where += SUFFIX
            lines, faults = read_sealed(root / where, where, unseal)
        if fatal := [fault for fault in faults if fault.fatal]:
            unread += fatal
        else:
            found[name] = tuple(line.value for line in lines if line.value.reveal())
    return found, unread
