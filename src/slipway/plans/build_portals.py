"""What the portals' images are built from: one install for all, then each its own sources."""

from collections.abc import Iterator, Mapping
from hashlib import sha256

from slipway.config.workspace import Workspace
from slipway.plans.build_common import LITTER, Bases, Common, part
from slipway.ports import ContextPart, ImageBuild

BUILT_WITH = "slipway.built-with"
"""The label of a portal that tells which variables it was built with."""


def portal_builds(
    common: Common, bases: Bases, build_arguments: Mapping[str, Mapping[str, str]]
) -> Iterator[ImageBuild]:
    """Yield one build a portal."""
    frontend = common.workspace.frontend
    top = common.workspace.source / frontend.path
    install = (
        ContextPart(common.root / "Dockerfile.frontend"),
        *(part(top, name, "manifests") for name in _manifests(common.workspace)),
    )
    shared = (
        *(ContextPart(top / path, f"sources/{path}", LITTER) for path in frontend.packages),
        *(part(top, path, "sources") for path in frontend.files),
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
            context=(*install, *shared, ContextPart(top / portal.path, f"sources/{portal.path}", LITTER), *scripts),
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


def _manifests(workspace: Workspace) -> tuple[str, ...]:
    """Return what npm reads to install: the same files for every portal, else each would install for itself."""
    frontend = workspace.frontend
    members = (*frontend.packages, *(portal.path for portal in frontend.portals.values()))
    return ("package.json", "package-lock.json", *(f"{member}/package.json" for member in dict.fromkeys(members)))
