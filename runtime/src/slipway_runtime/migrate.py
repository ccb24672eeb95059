"""`manage.py migrate`, once at a time, with one JSON line as its result.

An advisory lock of PostgreSQL keeps two migrations of one database apart; it goes with the connection, so a killed
process leaves none behind. `lock_timeout` keeps a migration from queueing behind a long transaction while every other
query queues behind it; it tries again a few times, and then says which session was in the way. `--plan` only tells.
"""

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any

from slipway_runtime import waiting
from slipway_runtime.migrating.blockers import Blocker, Watch
from slipway_runtime.migrating.limits import Limits, pauses, worth_another_try
from slipway_runtime.migrating.plan import Planned, planned
from slipway_runtime.options import Options, read
from slipway_runtime.say import say

ADVISORY_LOCK = 0x736C69707761795F  # "slipway_" as a bigint
_POLL = 0.5


@dataclass(slots=True)
class Outcome:
    """What a migration did. Names are `app.migration`; `heads` are the last applied ones, `app -> migration`.

    `plan` is what was pending, `retries` how often a lock was tried for again, `blockers` who had it at the last time.
    """

    ok: bool = False
    pending_before: int = 0
    applied: list[str] = field(default_factory=list)
    heads: dict[str, str] = field(default_factory=dict)
    plan: list[Planned] = field(default_factory=list)
    retries: int = 0
    blockers: list[Blocker] = field(default_factory=list)
    failed: str | None = None
    error: str | None = None
    seconds: float = 0.0
    started: float = field(default_factory=time.monotonic)


class CannotMigrate(Exception):
    """Nothing was tried; the message says why."""


@contextmanager
def alone(connection: Any, seconds: float) -> Iterator[None]:
    """Hold the advisory lock on a connection of its own. Raises `CannotMigrate` if another one keeps it `seconds` long.

    It asks again and again instead of waiting inside PostgreSQL: a waiting statement holds a snapshot, and a
    `CREATE INDEX CONCURRENTLY` of the other migration would wait for that snapshot in turn.
    """
    keeper = connection.copy()
    until = time.monotonic() + seconds
    try:
        with keeper.cursor() as cursor:
            while True:
                cursor.execute("SELECT pg_try_advisory_lock(%s)", [ADVISORY_LOCK])
                if cursor.fetchone()[0]:
                    break
                if time.monotonic() >= until:
                    raise CannotMigrate(f"another migration of this database still runs after {seconds:g} s")
                time.sleep(_POLL)
            yield
    finally:
        keeper.close()


def look(connection: Any, outcome: Outcome) -> None:
    """Fill in what is pending and where the schema stands."""
    from django.db.migrations.executor import MigrationExecutor

    executor = MigrationExecutor(connection)
    outcome.plan = planned(executor.migration_plan(executor.loader.graph.leaf_nodes()))
    outcome.pending_before = len(outcome.plan)
    outcome.heads = _heads(executor.loader)


def run(connection: Any, outcome: Outcome, options: Options) -> None:
    """Migrate by the project's own `migrate` command and fill `outcome`; the command's errors go through."""
    from django.core.management import get_commands, load_command_class
    from django.db.migrations.loader import MigrationLoader

    limits = Limits(connection, options.lock_timeout, options.statement_timeout, options.index_timeout)
    command: Any = load_command_class(get_commands()["migrate"], "migrate")
    # The command hands this method to its executor, so it hears of each migration as it begins and ends.
    command.migration_progress_callback = _listening(command.migration_progress_callback, outcome, limits)
    pause = min(0.25, max(0.05, options.lock_timeout / 4))
    connection.close()  # opened before the limits were laid
    try:
        with limits.laid(), Watch(connection, lambda: limits.pid, pause) as watch:
            _patiently(connection, command, outcome, limits, watch, options.lock_retries)
    finally:
        connection.close()  # whatever state a failure left it in
        outcome.heads = _heads(MigrationLoader(connection))
    outcome.ok = True


def _patiently(connection: Any, command: Any, outcome: Outcome, limits: Limits, watch: Watch, retries: int) -> None:
    """Call the command again where a lock was not to be had and nothing is half done."""
    from django.core.management import call_command
    from django.db import DatabaseError

    rest = pauses(retries)
    while True:
        try:
            call_command(command, interactive=False, verbosity=1, stdout=sys.stderr)
        except DatabaseError as error:
            if not worth_another_try(error):
                raise
            outcome.blockers = watch.seen
            atomic = {one.migration: one.atomic for one in outcome.plan}.get(outcome.failed or "", True)
            pause = next(rest, None) if atomic or not limits.changes else None
            if pause is None:
                raise
            outcome.retries += 1
            what = outcome.failed or "the migration"
            say(f"{what} got no lock, trying again in {pause:.1f} s ({outcome.retries} of {retries})")
            limits.pid = None
            connection.close()
            time.sleep(pause)
        else:
            outcome.blockers = []
            return


def _listening(callback: Callable[..., None], outcome: Outcome, limits: Limits) -> Callable[..., None]:
    def listen(action: str, migration: Any = None, fake: bool = False) -> None:
        if action == "apply_start":
            limits.begin()
            outcome.failed = f"{migration.app_label}.{migration.name}"
        elif action == "apply_success" and outcome.failed:
            outcome.applied.append(outcome.failed)
            outcome.failed = None
        callback(action, migration, fake)

    return listen


def _heads(loader: Any) -> dict[str, str]:
    """Return the last applied migration of each app that has one."""
    heads: dict[str, str] = {}
    applied = set(loader.applied_migrations)
    for app, name in sorted(applied & set(loader.graph.nodes)):
        children = {child.key for child in loader.graph.node_map[app, name].children}
        if not any(child[0] == app and child in applied for child in children):
            heads[app] = name
    return heads


def _refuse_other_than_postgresql(connection: Any) -> None:
    if connection.vendor != "postgresql":
        # Without DATABASE_URL many projects fall back to SQLite: a file in this container, migrated and thrown away.
        raise CannotMigrate(f"the default database is {connection.vendor}, not PostgreSQL: is DATABASE_URL set?")


def migrate(options: Options, outcome: Outcome) -> None:
    """Set Django up, wait for the database, migrate alone, fill `outcome`; every failure is in it."""
    import django
    from django.core.management.base import CommandError
    from django.db import DatabaseError, connections

    try:
        django.setup()
        connection: Any = connections["default"]
        _refuse_other_than_postgresql(connection)
        waiting.database(options.wait)
        look(connection, outcome)
        if options.plan:
            outcome.ok = True
            return
        with alone(connection, options.migrate_wait):
            look(connection, outcome)  # the other migration that was waited for may have done it all
            say(f"{outcome.pending_before} to apply{''.join(f'{chr(10)}  {one.migration}' for one in outcome.plan)}")
            run(connection, outcome, options)
    except (CannotMigrate, CommandError, DatabaseError, waiting.NotThere) as error:
        held = f" Held by {'; '.join(map(str, outcome.blockers))}" if outcome.blockers else ""
        outcome.error = f"{type(error).__name__}: {str(error).strip()}{held}"
    except Exception as error:  # noqa: BLE001  (a migration runs any code; the traceback helps its author)
        sys.excepthook(type(error), error, error.__traceback__)
        outcome.error = f"{type(error).__name__}: {str(error).strip()}"


def tell(outcome: Outcome) -> None:
    """Write the result: an error to standard error, the JSON as the last line of standard output."""
    outcome.seconds = round(time.monotonic() - outcome.started, 1)
    if outcome.error:
        say(f"migration {outcome.failed} failed: {outcome.error}" if outcome.failed else outcome.error)
    shown = asdict(outcome)
    del shown["started"]
    # A line of its own, also where a migration printed half a one.
    sys.stdout.write("\n" + json.dumps(shown) + "\n")
    sys.stdout.flush()


def end_by_signal(outcome: Outcome) -> None:
    """End with 128 + n at SIGTERM or SIGINT, also as process 1 and in the middle of a statement.

    The kernel drops signals to a process 1 that has no handler, and Python's handlers wait until the database driver
    returns; a thread that waits for the signal does neither. The connection closes, so the transaction rolls back.
    """
    orders = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, orders)

    def wait() -> None:
        received = signal.sigwait(orders)
        outcome.ok = False
        outcome.error = f"ended by {signal.Signals(received).name}"
        tell(outcome)
        os._exit(128 + received)

    threading.Thread(target=wait, daemon=True).start()


def main() -> int:
    """Migrate, write the result as the last line of standard output, return 0 or 1."""
    outcome = Outcome()
    end_by_signal(outcome)
    migrate(read(["migrate", *(word for word in sys.argv if word == "--plan")], os.environ), outcome)
    tell(outcome)
    return 0 if outcome.ok else 1


if __name__ == "__main__":
    sys.exit(main())
