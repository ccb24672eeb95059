"""`inv db.*`: back up, list, prove."""

from invoke import Context, task

from tasks._acts import back_up, prove
from tasks._acts import migrate as migrate_database
from tasks._session import REHEARSAL, helped, session

_HELP = helped("env", "source", "workspace", "format", "verbose")


@task(help=_HELP)
def backup(
    c: Context,
    env: str = REHEARSAL,
    source: str = "",
    workspace: str = "",
    format: str = "text",
    verbose: bool = False,
) -> None:
    """Dump the database on its host, then prove the dump: restore it beside and compare every table."""
    with session(env=env, source=source, workspace=workspace, format=format, verbose=verbose) as s:
        back_up(s)


@task(help=_HELP | helped("yes"))
def migrate(
    c: Context,
    env: str = REHEARSAL,
    source: str = "",
    workspace: str = "",
    yes: bool = False,
    format: str = "text",
    verbose: bool = False,
) -> None:
    """Migrate the database once, from the built image, on its host; deploy nothing."""
    with session(env=env, source=source, workspace=workspace, format=format, verbose=verbose) as s:
        migrate_database(s, yes=yes)


@task(help=helped("env", "source", "workspace", "format"))
def backups(c: Context, env: str = REHEARSAL, source: str = "", workspace: str = "", format: str = "text") -> None:
    """List the backups on the host and whether each is proved."""
    with session(env=env, source=source, workspace=workspace, format=format) as s, s.target(s.config) as (_, store):
        rows = [
            (
                b.id,
                f"{b.size / 1e6:.1f} MB",
                str(b.facts.total),
                b.proof.proved_at.isoformat() if b.proof else "not proved",
            )
            for b in store.backups()
        ]
        if s.as_json:
            keys = ("id", "size", "rows", "proved")
            s.console.document({"ok": True, "backups": [dict(zip(keys, row, strict=True)) for row in rows]})
        else:
            s.console.table(("id", "size", "rows", "proved"), rows)


@task(help=_HELP | {"backup": "id of the backup, from `inv db.backups`"})
def verify(
    c: Context,
    backup: str,
    env: str = REHEARSAL,
    source: str = "",
    workspace: str = "",
    format: str = "text",
    verbose: bool = False,
) -> None:
    """Prove a backup that exists: restore it into a throwaway database and compare every table."""
    with session(env=env, source=source, workspace=workspace, format=format, verbose=verbose) as s:
        prove(s, backup)
