"""Which images a workspace needs and what each of them is built from; nothing is read or built here."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from slipway.config.schema import Variable
from slipway.config.workspace import Workspace
from slipway.errors import UsageError
from slipway.plans.build_backend import backend_build
from slipway.plans.build_common import Bases, Common
from slipway.plans.build_portals import portal_builds
from slipway.ports import ImageBuild
from slipway.release.image import Version


def image_builds(
    workspace: Workspace,
    version: Version,
    created: datetime,
    bases: Bases,
    build_arguments: Mapping[str, Mapping[str, str]],
    registry: str,
    root: Path,
    declared: Mapping[str, Mapping[str, Variable]] | None = None,
    *,
    built_in: Mapping[str, Mapping[str, str]] | None = None,
) -> tuple[ImageBuild, ...]:
    """Return one build an image of the workspace, backend first.

    `build_arguments`: image name -> variables that the image is built with; a portal gets them in its bundle
    (`VITE_API_URL`) where it is configured at build, so they may hold no secret, and the backend takes none.
    `declared`: portal -> the variables that it may read, whatever their values. `built_in`: portal -> what its bundle
    holds however it is configured. `registry` may be empty for images
    that stay here, `root` is Slipway's own folder with Dockerfiles, runtime and templates, `created` is UTC.
    Raises `UsageError` for an image that does not exist, or a variable that cannot be built in.
    """
    for image, variables in (*build_arguments.items(), *(built_in or {}).items()):
        _refuse_unusable(workspace, image, variables)
    common = Common(workspace, version, created, registry, root)
    return (
        backend_build(common, bases),
        *portal_builds(common, bases, build_arguments, declared or {}, built_in or {}),
    )


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
