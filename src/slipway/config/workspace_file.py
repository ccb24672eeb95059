"""Reading `workspace.yaml` and holding it against the checkout that it describes."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path, PurePosixPath

from slipway.config.document import Document, read_document
from slipway.config.fault import Fault, refuse, shown
from slipway.config.workspace import Role, Workspace

_HINTS = {
    r"(^|\.)(dockerfile|build|context): is not a key known here$": (
        "images are made by Slipway's own Dockerfiles alone (docs/builds.md); take the key out, "
        "and say what yours adds with `apt`, `constraints`, `writable` and the like (docs/workspace.md)"
    ),
    r"^services\.[^.]+\.image: String should match": (
        "name what is built from this workspace: backend, or a portal of `frontend.portals`; "
        "an image that was made elsewhere cannot be deployed"
    ),
}


def load_workspace(file: Path, source: Path) -> Workspace:
    """Read the workspace `file` that describes the checkout at `source`.

    Raises one `UsageError` that lists everything wrong with file:line: syntax, unknown keys, wrong values, and folders
    and files that the checkout does not have.
    """
    name = shown(file)
    document, faults = read_document(file, name)
    workspace = None
    if document is not None:
        workspace, wrong = document.validate(Workspace, source=source, file=file)
        faults += [_explained(fault) for fault in wrong]
    if document is not None and workspace is not None:
        faults += [*_contradictions(workspace, document), *_absent(workspace, document)]
    refuse(faults, name)
    assert workspace is not None
    return workspace


def _explained(fault: Fault) -> Fault:
    """Tell whoever has a Dockerfile or an image of their own what they can do instead."""
    for pattern, hint in _HINTS.items():
        if not fault.hint and re.search(pattern, fault.message):
            return replace(fault, hint=hint)
    return fault


def _contradictions(workspace: Workspace, document: Document) -> Iterator[Fault]:
    for name, service in workspace.services.items():
        path = ("services", name)
        if name in workspace.databases:
            message = f"services.{name}: a database has this name too, so ${{service.{name}...}} could mean either"
            yield Fault("workspace.name", document.where(path), message)
        if (service.role is Role.STATIC) == (service.image == "backend"):
            fits = "a portal's image" if service.role is Role.STATIC else "the image backend"
            message = f"services.{name}.image: role {service.role} needs {fits}, not {service.image}"
            yield Fault("workspace.image", document.where((*path, "image")), message)


def _absent(workspace: Workspace, document: Document) -> Iterator[Fault]:
    source = workspace.source
    if not source.is_dir():
        message = (
            f"the source folder {shown(source)} does not exist" if not source.exists() else f"{source} is no folder"
        )
        yield Fault("workspace.source", document.where(), message, "give the checkout's root with --source PATH")
        return
    missing: set[str] = set()
    for path, relative, is_folder in needed(workspace):
        there = source / relative
        if relative.rpartition("/")[0] in missing:
            continue
        what = "folder" if is_folder else "file"
        label = ".".join(path)
        if not (there.is_dir() if is_folder else there.is_file()):
            message = f"{label}: the source {shown(source)} has no {what} {relative}"
            missing.add(relative)
            yield Fault("workspace.path", document.where(path), message)
        elif not there.resolve().is_relative_to(source.resolve()):
            message = f"{label}: {relative} leads out of the source {shown(source)} through a link"
            yield Fault("workspace.path", document.where(path), message)


def needed(workspace: Workspace) -> Iterator[tuple[tuple[str, ...], str, bool]]:
    """Yield what a source has to have: (key in the workspace file, path in the source, whether it is a folder)."""
    backend, frontend = workspace.backend, workspace.frontend
    yield ("backend", "path"), backend.path, True
    yield ("backend", "path"), f"{backend.path}/manage.py", False
    yield ("backend", "requirements"), f"{backend.path}/{backend.requirements}", False
    yield ("frontend", "path"), frontend.path, True
    for file in ("package.json", "package-lock.json"):
        yield ("frontend", "path"), _below(frontend.path, file), False
    for package in frontend.packages:
        yield ("frontend", "packages"), _below(frontend.path, package), True
    for file in frontend.files:
        yield ("frontend", "files"), _below(frontend.path, file), False
    if frontend.types is not None:
        yield ("frontend", "types"), _below(frontend.path, str(PurePosixPath(frontend.types).parent)), True
    for name, portal in frontend.portals.items():
        key = ("frontend", "portals", name, "path")
        yield key, _below(frontend.path, portal.path), True
        yield key, _below(frontend.path, f"{portal.path}/package.json"), False


def _below(folder: str, path: str) -> str:
    return path if folder == "." else f"{folder}/{path}"
