"""What the backend's image is built from: the Django project, its packages and the overlay."""

from slipway.config.workspace import Role, Workspace
from slipway.plans.build_common import LITTER, Bases, Common, part
from slipway.ports import ContextPart, ImageBuild

_REQUIREMENTS = ("*", "!*requirements*", "!*constraints*")


def backend_build(common: Common, bases: Bases) -> ImageBuild:
    """Return the build of the one image for web, worker, beat and migrate."""
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
            part(code, backend.requirements, "requirements"),
            ContextPart(common.root / "runtime", "slipway", LITTER),
            ContextPart(code, "src", (*LITTER, *own)),
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


def _health_path(workspace: Workspace) -> str:
    for service in workspace.services.values():
        if service.role is Role.WEB and service.image == "backend":
            return service.health_path
    return "/health/"
