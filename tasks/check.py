"""`inv check.*`: look before anything acts."""

from invoke import Context, task

from tasks._session import REHEARSAL, ROOT, answer, helped, session


@task(help=helped("source", "workspace", "env", "format"))
def env(c: Context, env: str = REHEARSAL, source: str = "", workspace: str = "", format: str = "text") -> None:
    """List every problem of an environment's configuration at once, each with file and line and a way out."""
    from slipway.checks.environment import check_environment
    from slipway.checks.issue import is_ok, report
    from tasks._environment import reader_issues

    with session(env=env, source=source, workspace=workspace, format=format) as s:
        given = {**s.process, **s.ground_settings()}
        issues = check_environment(ROOT, s.env, s.workspace, given, s.secrets_file, s.unseal)
        issues += reader_issues(s)
        if s.as_json:
            s.console.document(report(issues))
        else:
            s.console.issues(issues)
        answer(is_ok(issues))


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
