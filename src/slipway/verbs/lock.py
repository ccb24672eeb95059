"""Lock: the backend's packages, resolved once from ranges and constraints and kept with their hashes."""

import difflib
import re
import tempfile
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from slipway.config.document import load
from slipway.config.fault import Fault, refuse, shown
from slipway.config.requirements import Asked, parse_requirement, read_requirements
from slipway.config.textfile import read_text
from slipway.config.workspace import Workspace
from slipway.errors import Refused, Unreachable, UsageError
from slipway.plans.build_backend import LOCK_FOLDER, LOCK_NAME, lock_build
from slipway.plans.build_common import Bases
from slipway.ports import BuildEvent, ImageBuild, ImageFiles, Images, Say
from slipway.release.lock import Lock, Wanted, lock_file, names_matching

_NO_INDEX = re.compile(
    r"connection (refused|reset)|timed? ?out|NewConnectionError|dns error|name resolution|certificate|Failed to fetch",
    re.IGNORECASE,
)
_LONGEST = 100_000
"""Bytes of requirements: they travel as one build argument, and Linux takes 128 KiB for one."""


@dataclass(frozen=True, slots=True)
class Made:
    """A lock that was made: its file, how many packages it holds, what differs from before, what is worth a word."""

    file: Path
    packages: int
    changes: tuple[str, ...]
    notes: tuple[str, ...]


def wanted_lock(workspace: Workspace, root: Path) -> Wanted:
    """Return what the lock of `workspace` is to be made from; `root` is Slipway's own folder.

    Raises `UsageError` for a requirement or constraint that cannot be locked and for a name under
    `backend.development` that no requirement has, each with file and line.
    """
    backend = workspace.backend
    read = read_requirements(workspace.source / backend.path / backend.requirements, workspace.source)
    names = sorted({asked.name for asked in read.asked})
    left_out = _development(workspace, names)
    project = [asked.text for asked in read.asked if asked.name not in left_out]
    constraints = [asked.text for asked in (*read.constraints, *_constraints(workspace))]
    pyproject = tomllib.loads((root / "runtime" / "pyproject.toml").read_text("utf-8"))
    wanted = Wanted((*project, *pyproject["project"]["dependencies"]), tuple(constraints), left_out)
    if (length := sum(len(line) + 1 for line in (*wanted.requirements, *wanted.constraints))) > _LONGEST:
        raise UsageError(
            f"holds {length} bytes of requirements, and {_LONGEST} is the most", where=backend.requirements
        )
    return wanted


def ensure_lock(
    images: Images, files: ImageFiles, workspace: Workspace, root: Path, say: Say, bases: Callable[[], Bases]
) -> None:
    """Refuse a lock that does not fit; make and keep one where there is none, and say so."""
    wanted, lock = wanted_lock(workspace, root), kept_lock(workspace)
    if lock is None:
        say(f"there is no {shown(lock_file(workspace))}: resolving the backend's packages")
        made = make_lock(images, files, workspace, root, say, bases())
        say(f"kept {made.packages} packages with their hashes in {shown(made.file)}: commit it")
        return
    if lock.made_from != wanted.digest:
        details = tuple(lock.misfits(wanted))[:10] or ("requirements, constraints or backend.development have changed",)
        raise UsageError(
            "does not fit the requirements any more",
            where=shown(lock_file(workspace)),
            details=details,
            hint=f"`inv build.lock{_words(workspace, root)}` makes it anew; read what changed, then commit it",
        )


def make_lock(images: Images, files: ImageFiles, workspace: Workspace, root: Path, say: Say, bases: Bases) -> Made:
    """Resolve inside the image's own Python, write the lock whole or not at all, and say what became of it.

    Raises `Refused` with the resolver's words where the requirements contradict each other, `UsageError` where the file
    cannot be written.
    """
    wanted, earlier, file = wanted_lock(workspace, root), kept_lock(workspace), lock_file(workspace)
    build = lock_build(workspace, root, bases, wanted.requirements, wanted.constraints, datetime.now(UTC))
    lock = Lock.made(_resolved(images, files, build, say), wanted)
    if not lock.pins:
        raise Refused("the resolver ended without a package", where=shown(file))
    _write(file, lock.text)
    notes = []
    for name in wanted.left_out:
        if name in lock.pins:
            others = ", ".join(lock.required_by(name)) or "another package"
            notes.append(f"{name} stays although it is named under backend.development: {others} needs it")
    changes = lock.changes_from(earlier) if earlier else ()
    return Made(file, len(lock.pins), changes, tuple(notes))


def kept_lock(workspace: Workspace) -> Lock | None:
    """Return the lock that lies beside the workspace file, None where there is none."""
    file = lock_file(workspace)
    if not file.exists():
        return None
    text, faults = read_text(file, shown(file))
    refuse(faults, shown(file))
    return Lock(text)


def _resolved(images: Images, files: ImageFiles, build: ImageBuild, say: Say) -> str:
    def tell(event: BuildEvent) -> None:
        if event.text and event.step.startswith("[lock"):
            say(event.text)

    try:
        built = images.build(build, tell)
    except Refused as refused:
        if not any(_NO_INDEX.search(line) for line in refused.details):
            raise
        raise Unreachable(
            "the package index does not answer",
            where=refused.where,
            hint="pip's configuration on this machine says where it is; nothing was changed",
            details=refused.details[-3:],
        ) from refused
    try:
        return files.read(built.id, LOCK_FOLDER)[LOCK_NAME].decode("utf-8", "replace")
    finally:
        files.discard(built.id)


def _development(workspace: Workspace, names: list[str]) -> tuple[str, ...]:
    matches = names_matching(workspace.backend.development, names)
    unknown = [
        (number, pattern) for number, pattern in enumerate(workspace.backend.development) if not matches[pattern]
    ]
    if unknown:
        document = load(workspace.file, shown(workspace.file))
        faults = []
        for number, pattern in unknown:
            near = difflib.get_close_matches(pattern, names, 1)
            message = f"backend.development: no requirement is called {pattern}"
            where = document.where(("backend", "development", number))
            faults.append(Fault("workspace.development", where, message, f"did you mean {near[0]}?" if near else ""))
        refuse(faults, shown(workspace.file))
    return tuple(sorted({name for found in matches.values() for name in found}))


def _constraints(workspace: Workspace) -> list[Asked]:
    parsed, faults = [], []
    for number, line in enumerate(workspace.backend.constraints):
        try:
            parsed.append(parse_requirement(line, ""))
        except ValueError as error:
            where = load(workspace.file, shown(workspace.file)).where(("backend", "constraints", number))
            faults.append(Fault("workspace.constraints", where, f"backend.constraints: {line} {error}"))
    refuse(faults, shown(workspace.file))
    return parsed


def _write(file: Path, text: str) -> None:
    try:
        with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=file.parent, prefix=".lock-", delete=False) as new:
            new.write(text)
        Path(new.name).chmod(0o644)
        Path(new.name).replace(file)
    except OSError as error:
        raise UsageError(
            f"the lock cannot be written: {error.strerror}",
            where=shown(file),
            hint="name a place under backend.lock in the workspace file that can be written to",
        ) from error


def _words(workspace: Workspace, root: Path) -> str:
    """Return the options with which a person names this workspace."""
    if workspace.source == root / "example":
        return ""
    own = workspace.file in {workspace.source / "workspace.yaml", root / "workspace.yaml"}
    return f" --source {workspace.source}" + ("" if own else f" --workspace {workspace.file}")
