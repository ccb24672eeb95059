"""`inv check.*`: look before anything acts."""

from invoke import Context, task

from tasks._session import REHEARSAL, answer, helped, session


@task(
    help=helped("source", "workspace", "env")
    | {
        "format": "text for people, json, github (workflow commands) or sarif (2.1.0) for programs",
        "strict": "warnings count as errors",
        "connect": "also try every service from where it will be used, on the environment's host",
    }
)
def env(
    c: Context,
    env: str = REHEARSAL,
    source: str = "",
    workspace: str = "",
    format: str = "text",
    strict: bool = False,
    connect: bool = False,
) -> None:
    """List every problem of an environment's configuration at once, each with file and line and a way out."""
    from tasks._check_env import FORMATS, check_env

    with session(env=env, source=source, workspace=workspace, format=format, formats=FORMATS) as s:
        check_env(s, format, strict=strict, connect=connect)


@task(
    help=helped("source", "workspace", "format")
    | {"fetch": "bring the readers that are missing here into .slipway/tools (by apt, pip and npm), to be asked only"}
)
def readers(c: Context, source: str = "", workspace: str = "", format: str = "text", fetch: bool = False) -> None:
    """Show which programs read each env file of the source, by which line, and what answers for them here."""
    from tasks._environment import show_readers

    with session(source=source, workspace=workspace, format=format) as s:
        show_readers(s, fetch=fetch)


@task(
    help=helped("source", "workspace", "format", "verbose")
    | {"env": "whose values a portal of `--configure build` must hold (default: rehearsal); nothing else of it is used"}
)
def images(
    c: Context, source: str = "", workspace: str = "", env: str = REHEARSAL, format: str = "text", verbose: bool = False
) -> None:
    """Start each built image beside a real PostgreSQL and Redis, look into it, try it and stop it again."""
    from slipway.checks.issue import is_ok, report
    from slipway.rehearsal.report import Recorder
    from slipway.rehearsal.stage.play import durations
    from slipway.rehearsal.stages import tried_images

    with session(env=env, source=source, workspace=workspace, format=format, verbose=verbose) as s:
        world, built = s.world(), s.built_images()
        config = s.for_rehearsal().config  # what is started here knows no other environment's secrets
        told = f"{len(s.workspace.services)} services started, asked, broken and stopped"
        checked = Recorder(s.console).stage(
            "check.images", lambda say: (tried_images(world, config, built, say, meant=s.config), told)
        )
        if s.as_json:
            s.console.document({**report(checked.issues), "seconds": checked.seconds})
        else:
            s.console.issues(checked.issues)
            s.console.table(("service", "seconds", ""), durations(checked.seconds))
        answer(is_ok(checked.issues))


@task(
    help=helped("source", "workspace", "env", "format", "verbose")
    | {"sbom_only": "write reports/sbom/<image>.cdx.json and ask nobody"}
)
def vulnerabilities(
    c: Context,
    source: str = "",
    workspace: str = "",
    env: str = REHEARSAL,
    format: str = "text",
    verbose: bool = False,
    sbom_only: bool = False,
) -> None:
    """Ask every source that answers for known vulnerabilities in the built images, and write an SBOM of each."""
    from tasks._vulnerabilities import look_for_vulnerabilities

    with session(env=env, source=source, workspace=workspace, format=format, verbose=verbose) as s:
        look_for_vulnerabilities(s, sbom_only=sbom_only)
