"""What the backend's image is built from: the Django project, its packages and the overlay."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from slipway.config.workspace import Role, Workspace
from slipway.plans.build_common import LITTER, Bases, Common
from slipway.ports import ContextPart, ImageBuild
from slipway.release.lock import lock_file

_DOCKERFILE = "Dockerfile.backend"
LOCK_FOLDER, LOCK_NAME = "/lock", "lock"
"""Where the image of `lock_build` holds what was resolved."""


def backend_build(common: Common, bases: Bases) -> ImageBuild:
    """Return the build of the one image for web, worker, beat and migrate."""
    backend = common.workspace.backend
    code = common.workspace.source / backend.path
    own = (backend.static_root, *backend.writable)
    lock = lock_file(common.workspace)
    return ImageBuild(
        name="backend",
        dockerfile=_DOCKERFILE,
        context=(
            *_tools(common.root),
            # A part of its own: the layer with the packages stays while only code changes.
            ContextPart(lock, "lock"),
            ContextPart(common.root / "runtime", "slipway", LITTER),
            ContextPart(code, "src", (*LITTER, *own)),
        ),
        tags=common.tags("backend"),
        target="production",
        arguments={
            "BASE_PYTHON": bases.python,
            # One build argument names what packages of our own making come from; the base itself has none.
            "BASE_PACKAGES": bases.ffmpeg if backend.ffmpeg else bases.python,
            "APT_PACKAGES": " ".join(backend.apt),
            "APT_WITHOUT": " ".join(backend.apt_without),
            "BUILD_PACKAGES": " ".join(backend.build_apt),
            "LOCK": lock.name,
            "KEEP": " ".join(backend.keep),
            "PROJECT_SETTINGS": backend.settings,
            "ASGI": backend.asgi,
            "CELERY": backend.celery,
            "STATIC_ROOT": backend.static_root,
            "WRITABLE": " ".join(backend.writable),
            "HEALTH_PATH": _health_path(common.workspace),
            "VERSION": common.version.number,
            "REVISION": common.version.revision,
        },
        labels=common.labels("backend"),
    )


def lock_build(
    workspace: Workspace,
    root: Path,
    bases: Bases,
    requirements: Sequence[str],
    constraints: Sequence[str],
    asked_at: datetime,
) -> ImageBuild:
    """Return the build that resolves `requirements` under `constraints`; its image is read and thrown away.

    It resolves anew for every `asked_at`, because what an index offers changes without a sign.
    """
    return ImageBuild(
        name="lock",
        dockerfile=_DOCKERFILE,
        context=_tools(root),
        tags=(),
        target="lock",
        arguments={
            "BASE_PYTHON": bases.python,
            "BUILD_PACKAGES": " ".join(workspace.backend.build_apt),
            "REQUIREMENTS": "\n".join(requirements),
            "CONSTRAINTS": "\n".join(constraints),
            "ASKED_AT": asked_at.isoformat(),
        },
        labels={"slipway.image": "lock"},
    )


def _tools(root: Path) -> tuple[ContextPart, ...]:
    return (ContextPart(root / _DOCKERFILE), ContextPart(root / "images" / "backend", "tools", LITTER))


def _health_path(workspace: Workspace) -> str:
    for service in workspace.services.values():
        if service.role is Role.WEB and service.image == "backend":
            return service.health_path
    return "/health/"
