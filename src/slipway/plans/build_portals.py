"""What the portals' images are built from: one install for all, then each its own sources."""

from collections.abc import Iterator, Mapping
from hashlib import sha256

from slipway.config.schema import Variable
from slipway.config.workspace import Configured, Portal, Workspace
from slipway.errors import UsageError
from slipway.plans.build_common import LITTER, Bases, Common, part
from slipway.ports import ContextPart, ImageBuild

CONFIGURED = "slipway.configured"
"""The label of a portal that tells when it learns its variables: `start` or `build`."""

BUILT_WITH = "slipway.built-with"
"""The label of a portal that tells which variables it was built with; one that is configured at start has none."""


def portal_builds(
    common: Common,
    bases: Bases,
    build_arguments: Mapping[str, Mapping[str, str]],
    declared: Mapping[str, Mapping[str, Variable]],
    built_in: Mapping[str, Mapping[str, str]],
) -> Iterator[ImageBuild]:
    """Yield one build a portal; where a portal is configured at start, no environment's value is in it.

    `built_in` is what every bundle holds, however it is configured: the variables of phase build.
    """
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
        classic = portal.configure is Configured.BUILD
        variables = build_arguments.get(image, {}) if classic else {}
        written = {**variables, **built_in.get(image, {})}
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
                "CONFIGURED": str(portal.configure),
                "VARIABLES": "\n".join(_typed(name, found) for name, found in sorted(declared.get(image, {}).items())),
                "VITE_ENV": "\n".join(f"{name}={value}" for name, value in sorted(written.items())),
                "CSP": _policy(portal),
            },
            labels=common.labels(image)
            | {CONFIGURED: str(portal.configure)}
            | ({BUILT_WITH: built_with(variables)} if classic else {}),
        )


def built_with(variables: Mapping[str, str]) -> str:
    """Return a digest of the variables that a portal holds in its bundle: built for elsewhere, it differs."""
    text = "\n".join(f"{name}={value}" for name, value in sorted(variables.items()))
    return sha256(text.encode()).hexdigest()[:16]


def _typed(name: str, variable: Variable) -> str:
    """Return what the container holds a value against: `NAME type required|optional [choice|choice]`.

    Only what every environment needs is required here; the image is the same in all of them.
    """
    choices = variable.constraints.choices
    if odd := [choice for choice in choices if "|" in choice or not choice.isprintable()]:
        raise UsageError(
            f"{name}: a portal cannot check the choice {odd[0]!r} when it starts",
            where="env/schema.yaml",
            hint="choices of a VITE_ variable have no bar and no line break",
        )
    needed = "required" if variable.required is True else "optional"
    return " ".join([name, str(variable.type), needed, "|".join(choices)]).rstrip()


def _policy(portal: Portal) -> str:
    return "\n".join(f"{directive} {' '.join(sources)}" for directive, sources in sorted(portal.csp.items()))


def _manifests(workspace: Workspace) -> tuple[str, ...]:
    """Return what npm reads to install: the same files for every portal, else each would install for itself."""
    frontend = workspace.frontend
    members = (*frontend.packages, *(portal.path for portal in frontend.portals.values()))
    return ("package.json", "package-lock.json", *(f"{member}/package.json" for member in dict.fromkeys(members)))
