"""`inv build.*`: base images and the workspace's images, with BuildKit through the Docker SDK."""

from invoke import Context, task

from tasks._builds import build, make_bases, make_lock, push_built
from tasks._session import REHEARSAL, helped, session

_HELP = helped("source", "workspace", "env", "format", "verbose")
_FORCE = {"force": "build also what was built from the same inputs before"}
_CONFIGURE = {"configure": "when portals learn their variables: start or build (default: as the workspace file says)"}


@task(help=helped("format", "verbose", fresh="make all of them anew, with the security updates that came out since"))
def bases(c: Context, fresh: bool = False, format: str = "text", verbose: bool = False) -> None:
    """Make the base images, from a registry or from Debian packages; the other tasks do so when one is missing."""
    with session(format=format, verbose=verbose) as s:
        make_bases(s, fresh=fresh)


@task(name="all", help=_HELP | _CONFIGURE | _FORCE)
def all_images(
    c: Context,
    source: str = "",
    workspace: str = "",
    env: str = REHEARSAL,
    configure: str = "",
    force: bool = False,
    format: str = "text",
    verbose: bool = False,
) -> None:
    """Build every image of the workspace whose inputs changed, in parallel; the same images serve every environment.

    With `--configure build` portals hold the variables of --env from then on.
    """
    with session(env=env, source=source, workspace=workspace, format=format, verbose=verbose) as s:
        build(s, configure=configure, force=force)


@task(help=_HELP | _FORCE)
def backend(
    c: Context,
    source: str = "",
    workspace: str = "",
    env: str = REHEARSAL,
    force: bool = False,
    format: str = "text",
    verbose: bool = False,
) -> None:
    """Build the image of api, worker and beat."""
    with session(env=env, source=source, workspace=workspace, format=format, verbose=verbose) as s:
        build(s, ("backend",), force=force)


@task(help=_HELP | _CONFIGURE | {"app": "which portal: frontend, admin, publisher or stations"} | _FORCE)
def frontend(
    c: Context,
    app: str,
    source: str = "",
    workspace: str = "",
    env: str = REHEARSAL,
    configure: str = "",
    *,
    force: bool = False,
    format: str = "text",
    verbose: bool = False,
) -> None:
    """Build the image of one portal; with `--configure build` it holds the variables of --env from then on."""
    with session(env=env, source=source, workspace=workspace, format=format, verbose=verbose) as s:
        build(s, (app,), configure=configure, force=force)


@task(help=_HELP | {"registry": "where to (default: SLIPWAY_REGISTRY of --env)"})
def push(
    c: Context,
    source: str = "",
    workspace: str = "",
    env: str = REHEARSAL,
    registry: str = "",
    format: str = "text",
    verbose: bool = False,
) -> None:
    """Push the built images to the registry of --env; the release's tag appears there once all of them are."""
    with session(env=env, source=source, workspace=workspace, format=format, verbose=verbose) as s:
        push_built(s, registry)


@task(help=helped("source", "workspace", "format", "verbose"))
def lock(c: Context, source: str = "", workspace: str = "", format: str = "text", verbose: bool = False) -> None:
    """Resolve the backend's Python packages into the lock with hashes that its image is made from; commit it."""
    with session(source=source, workspace=workspace, format=format, verbose=verbose) as s:
        make_lock(s)
