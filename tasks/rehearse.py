"""`inv rehearse`: production on this machine, from source to a proved backup."""

from invoke import Context, task

from slipway.errors import SlipwayError, Unreachable
from tasks._session import ROOT, error_json, helped, session


@task(
    default=True,
    help=helped("source", "workspace", "format", "verbose")
    | {"keep": "leave the ground standing afterwards and say where to click"},
)
def rehearse(
    c: Context,
    source: str = "",
    workspace: str = "",
    keep: bool = False,
    format: str = "text",
    verbose: bool = False,
) -> None:
    """Rehearse everything: check, build, deploy to a disposable Coolify-like host, verify, back up, prove."""
    from slipway.rehearsal.report import Recorder
    from slipway.rehearsal.story import STAGES, tell

    with session(source=source, workspace=workspace, format=format, verbose=verbose) as s:
        recorder = Recorder(s.console, mask=s.mask, expected=STAGES if keep else (*STAGES, "down"))
        whole = False
        try:
            with s.rehearsing() as world:
                tell(world, recorder, keep=keep)
            whole = True
        except SlipwayError as error:
            recorder.facts["error"] = error_json(error)
            raise
        finally:
            if s.as_json:
                s.console.document(recorder.document())
            try:
                s.console.say(f"report: {recorder.write(ROOT / 'reports' / 'rehearsal')}")
            except Unreachable as error:
                if whole:
                    raise
                s.console.say(f"report: none, {error}")  # why the rehearsal ended is what has to be told
        if keep and not s.as_json:
            urls = recorder.facts.get("urls", {})
            assert isinstance(urls, dict)
            s.console.table(("service", "address"), list(urls.items()))
            s.console.say(f"authority for your browser: {s.rehearsal_folder / 'ca.pem'}; `./inv rehearse.down` ends it")


@task(help=helped("format", yes="take it away also where another checkout laid it"))
def down(c: Context, yes: bool = False, format: str = "text") -> None:
    """Take the rehearsal's ground away: every container, volume and network of it, and what a killed run left."""
    from slipway.rehearsal.owner import alone
    from slipway.rehearsal.stage.sweep import sweep

    with session(format=format) as s, alone(s.rehearsal_folder):
        client = s.engine.client()
        keeper = s.ground_keeper(client)
        removed = keeper.teardown(s.console.say, foreign=yes) + sweep(client, s.console.say)
        left = keeper.left()
        s.finish({"removed": removed, "left": list(left)}, f"{removed} removed, {len(left)} left", ok=not left)
