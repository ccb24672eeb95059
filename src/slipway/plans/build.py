"""Which images a workspace needs and what each of them is built from; nothing is read or built here."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path, PurePosixPath

from slipway.config.workspace import Role, Workspace
from slipway.errors import UsageError
from slipway.ports import ContextPart, ImageBuild
from slipway.release.image import ImageName, Version, oci_labels

# What a checkout collects while people work in it and no image needs. Secrets and histories never enter any context.
_LITTER = (
    "**/*.py[co]",
    "**/.pytest_cache",
    "**/.mypy_cache",
    "**/.ruff_cache",
    "**/.coverage*",
    "**/htmlcov",
    "**/venv",
    "**/*.sqlite3*",
    "**/*.log",
    "**/.DS_Store",
    "**/.idea",
    "**/.vscode",
)
BUILT_WITH = "slipway.built-with"
"""The label of a portal that tells which variables it was built with."""

_REQUIREMENTS = ("*", "!*requirements*", "!*constraints*")


@dataclass(frozen=True, slots=True)
class Bases:
    """References of the base images that the Dockerfiles start from."""

    python: str = "slipway/base-python:bookworm"
    node: str = "slipway/base-node:bookworm"
    nginx: str = "slipway/base-nginx:bookworm"


def image_builds(
    workspace: Workspace,
    version: Version,
    created: datetime,
    bases: Bases,
    build_arguments: Mapping[str, Mapping[str, str]],
    registry: str,
    root: Path,
) -> tuple[ImageBuild, ...]:
    """Return one build an image of the workspace, backend first.

    `build_arguments`: image name -> variables that the image is built with; a portal gets them in its bundle
    (`VITE_API_URL`), so they may hold no secret, and the backend takes none. `registry` may be empty for images that
    stay here, `root` is Slipway's own folder with Dockerfiles, runtime and templates, `created` is UTC.
    Raises `UsageError` for an image that does not exist, or a variable that cannot be built in.
    """
    for image, variables in build_arguments.items():
        _refuse_unusable(workspace, image, variables)
    common = _Common(workspace, version, created, registry, root)
    return (_backend(common, bases), *_portals(common, bases, build_arguments))


@dataclass(frozen=True, slots=True)
class _Common:
    workspace: Workspace
    version: Version
    created: datetime
    registry: str
    root: Path

    def tags(self, image: str) -> tuple[str, ...]:
        return (ImageName(self.registry, self.workspace.name, image).tagged(self.version.tag),)

    def labels(self, image: str) -> dict[str, str]:
        title = f"{self.workspace.name} {image}"
        return oci_labels(title, self.version, self.created, self.workspace.name) | {"slipway.image": image}


def _backend(common: _Common, bases: Bases) -> ImageBuild:
    backend = common.workspace.backend
    code = common.workspace.source / backend.path
    own = (backend.static_root, *backend.writable)
    return ImageBuild(
        name="backend",
        dockerfile="Dockerfile.backend",
        context=(
            ContextPart(common.root / "Dockerfile.backend"),
            # A part of their own: the layer with the packages stays while only code changes.
            ContextPart(code, "requirements", _REQUIREMENTS),
            _part(code, backend.requirements, "requirements"),
            ContextPart(common.root / "runtime", "slipway", _LITTER),
            ContextPart(code, "src", (*_LITTER, *own)),
        ),
        tags=common.tags("backend"),
        target="production",
        arguments={
            "BASE_PYTHON": bases.python,
            "APT_PACKAGES": " ".join(backend.apt),
            "BUILD_PACKAGES": " ".join(backend.build_apt),
            "REQUIREMENTS": backend.requirements,
            "CONSTRAINTS": "\n".join(backend.constraints),
            "PROJECT_SETTINGS": backend.settings,
            "ASGI": backend.asgi,
            "CELERY": backend.celery,
            "WRITABLE": " ".join(backend.writable),
            "HEALTH_PATH": _health_path(common.workspace),
            "VERSION": common.version.number,
            "REVISION": common.version.revision,
        },
        labels=common.labels("backend"),
    )


def _portals(common: _Common, bases: Bases, build_arguments: Mapping[str, Mapping[str, str]]) -> Iterator[ImageBuild]:
    frontend = common.workspace.frontend
    top = common.workspace.source / frontend.path
    install = (
        ContextPart(common.root / "Dockerfile.frontend"),
        *(_part(top, name, "manifests") for name in _manifests(common.workspace)),
    )
    shared = (
        *(ContextPart(top / path, f"sources/{path}", _LITTER) for path in frontend.packages),
        *(_part(top, path, "sources") for path in frontend.files),
    )
    scripts = (
        ContextPart(common.root / "templates" / "nginx" / "portal.conf", "slipway"),
        ContextPart(common.root / "images" / "portal", "slipway"),
    )
    for image, portal in frontend.portals.items():
        variables = build_arguments.get(image, {})
        yield ImageBuild(
            name=image,
            dockerfile="Dockerfile.frontend",
            context=(*install, *shared, ContextPart(top / portal.path, f"sources/{portal.path}", _LITTER), *scripts),
            tags=common.tags(image),
            target="portal",
            arguments={
                "BASE_NODE": bases.node,
                "BASE_NGINX": bases.nginx,
                "NPM_INSTALL": frontend.install,
                "PORTAL_PATH": portal.path,
                "OUTPUT": portal.output,
                "VITE_ENV": "\n".join(f"{name}={value}" for name, value in sorted(variables.items())),
            },
            labels=common.labels(image) | {BUILT_WITH: built_with(variables)},
        )


def built_with(variables: Mapping[str, str]) -> str:
    """Return a digest of the variables that a portal holds in its bundle: built for elsewhere, it differs."""
    text = "\n".join(f"{name}={value}" for name, value in sorted(variables.items()))
    return sha256(text.encode()).hexdigest()[:16]


def _part(root: Path, file: str, prefix: str) -> ContextPart:
    """Return the part that puts one file to `<prefix>/<file>`; a part's file keeps its own name below its prefix."""
    return ContextPart(root / file, str(PurePosixPath(prefix, file).parent))


def _manifests(workspace: Workspace) -> tuple[str, ...]:
    """Return what npm reads to install: the same files for every portal, else each would install for itself."""
    frontend = workspace.frontend
    members = (*frontend.packages, *(portal.path for portal in frontend.portals.values()))
    return ("package.json", "package-lock.json", *(f"{member}/package.json" for member in dict.fromkeys(members)))


def _health_path(workspace: Workspace) -> str:
    for service in workspace.services.values():
        if service.role is Role.WEB and service.image == "backend":
            return service.health_path
    return "/health/"


def _refuse_unusable(workspace: Workspace, image: str, variables: Mapping[str, str]) -> None:
    if image not in workspace.image_names:
        raise UsageError(
            f"there is no image {image!r} to build with {', '.join(variables)}",
            where=str(workspace.file),
            hint=f"the images are {', '.join(workspace.image_names)}",
        )
    for name, value in variables.items():
        if image == "backend":
            raise UsageError(
                f"{name}: the backend is built without variables; it reads them when it starts",
                where=str(workspace.file),
            )
        if not name.startswith("VITE_") or not name.isidentifier():
            raise UsageError(
                f"{name} of image {image}: a portal is built with variables that begin with VITE_ only",
                where=str(workspace.file),
                hint="Vite puts no other into the bundle",
            )
        if not value.isprintable():
            raise UsageError(
                f"{name} of image {image} has a line break or control character", where=str(workspace.file)
            )
