"""`inv deploy`: make a release live, and say what is live."""

from invoke import Context, task

from tasks._acts import deploy_release, show_deployment, take_lock_away
from tasks._session import REHEARSAL, helped, session

_HELP = helped("env", "source", "workspace", "format", "verbose")


@task(default=True, help=_HELP | helped("yes"))
def deploy(
    c: Context,
    env: str = REHEARSAL,
    source: str = "",
    workspace: str = "",
    yes: bool = False,
    format: str = "text",
    verbose: bool = False,
) -> None:
    """Deploy the built images: provision what is missing, migrate once, roll service by service, verify, record."""
    with session(env=env, source=source, workspace=workspace, format=format, verbose=verbose) as s:
        deploy_release(s, yes=yes)


@task(help=_HELP)
def plan(
    c: Context,
    env: str = REHEARSAL,
    source: str = "",
    workspace: str = "",
    format: str = "text",
    verbose: bool = False,
) -> None:
    """Show what a deployment would do, and do nothing."""
    with session(env=env, source=source, workspace=workspace, format=format, verbose=verbose) as s:
        show_deployment(s)


@task(help=helped("env", "source", "workspace", "format"))
def history(c: Context, env: str = REHEARSAL, source: str = "", workspace: str = "", format: str = "text") -> None:
    """List the releases that went live, newest last."""
    from slipway.release.history import read_history

    with session(env=env, source=source, workspace=workspace, format=format) as s, s.target(s.config) as (target, _):
        releases = read_history(target.state.history(), target.shell.place)
        rows = [(r.created.isoformat(timespec="seconds"), r.version.tag, str(len(r.images))) for r in releases]
        keys = ("at", "tag", "images")
        if s.as_json:
            s.console.document({"ok": True, "releases": [dict(zip(keys, row, strict=True)) for row in rows]})
        else:
            s.console.table(keys, rows)


@task(help=helped("env", "source", "workspace", "format"))
def status(c: Context, env: str = REHEARSAL, source: str = "", workspace: str = "", format: str = "text") -> None:
    """Say what runs, as the host's engine shows it; exit code 1 when a service does not run or is not healthy."""
    from slipway.verbs.deploy import running_services

    with session(env=env, source=source, workspace=workspace, format=format) as s, s.target(s.config) as (target, _):
        running, crowded = running_services(target, target.platform.observe())
        for name in sorted(crowded):
            s.console.say(f"{name} runs more than once: a deployment was killed; `inv deploy` puts it right")
        found = {name: running.get(name) for name in s.workspace.services}
        rows = [(name, c.state, c.health, c.image) if c else (name, "absent", "", "") for name, c in found.items()]
        keys = ("service", "state", "health", "image")
        ok = all(state == "running" and health in {"", "healthy"} for _, state, health, _ in rows)
        if not s.as_json:
            s.console.table(keys, rows)
        document = {"services": [dict(zip(keys, row, strict=True)) for row in rows]}
        s.finish(document, f"{len(running)} of {len(rows)} services run", ok=ok)


@task(help=helped("env", "source", "workspace", "format", "yes"))
def unlock(
    c: Context, env: str = REHEARSAL, source: str = "", workspace: str = "", yes: bool = False, format: str = "text"
) -> None:
    """Take the environment's lock away from a run that died; one that lives stops before its next step."""
    with session(env=env, source=source, workspace=workspace, format=format) as s:
        take_lock_away(s, yes=yes)
