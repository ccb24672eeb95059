"""`manage.py migrate`, once at a time, with one JSON line as its result.

An advisory lock of PostgreSQL keeps two migrations of one database apart; it goes with the connection, so a killed
process leaves none behind. `lock_timeout` keeps a migration from queueing behind a long transaction while every other
query queues behind it.
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
from slipway_runtime.options import Options, read
from slipway_runtime.say import say

ADVISORY_LOCK = 0x736C69707761795F  # "slipway_" as a bigint
_POLL = 0.5


@dataclass(slots=True)
class Outcome:
    """What a migration did. Names are `app.migration`; `heads` are the last applied ones, `app -> migration`."""

    ok: bool = False
    pending_before: int = 0
    applied: list[str] = field(default_factory=list)
    heads: dict[str, str] = field(default_factory=dict)
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


def limit_waits(lock_timeout: float) -> None:
    """Give every database connection that is opened from now on this lock_timeout, and let it end with its client."""
    from django.db.backends.signals import connection_created

    def set_limits(connection: Any, **_: Any) -> None:
        if connection.vendor != "postgresql":
            return
        limits = {"lock_timeout": f"{int(lock_timeout * 1000)}ms"}
        if connection.pg_version >= 140000:
            # Else the statement of a killed migration runs on, and keeps its locks, until it comes to its end.
            limits["client_connection_check_interval"] = "1s"
        with connection.cursor() as cursor:
            for name, value in limits.items():
                cursor.execute("SELECT set_config(%s, %s, false)", [name, value])

    connection_created.connect(set_limits, weak=False, dispatch_uid="slipway.limits")


def run(connection: Any, outcome: Outcome) -> None:
    """Migrate by the project's own `migrate` command and fill `outcome`; the command's errors go through."""
    from django.core.management import call_command, get_commands, load_command_class
    from django.db.migrations.executor import MigrationExecutor

    def executor() -> MigrationExecutor:
        return MigrationExecutor(connection)

    before = executor()
    plan = before.migration_plan(before.loader.graph.leaf_nodes())
    outcome.pending_before = len(plan)
    command: Any = load_command_class(get_commands()["migrate"], "migrate")
    # The command hands this method to its executor, so it hears of each migration as it begins and ends.
    command.migration_progress_callback = _listening(command.migration_progress_callback, outcome)
    try:
        call_command(command, interactive=False, verbosity=1, stdout=sys.stderr)
    finally:
        connection.close()  # whatever state a failure left it in
        after = executor().loader
        outcome.heads = _heads(after)
    outcome.ok = True


def _listening(callback: Callable[..., None], outcome: Outcome) -> Callable[..., None]:
    def listen(action: str, migration: Any = None, fake: bool = False) -> None:
        if action == "apply_start":
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
        limit_waits(options.lock_timeout)
        with alone(connection, options.migrate_wait):
            run(connection, outcome)
    except (CannotMigrate, CommandError, DatabaseError, waiting.NotThere) as error:
        outcome.error = f"{type(error).__name__}: {str(error).strip()}"
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
    migrate(read(["migrate"], os.environ), outcome)
    tell(outcome)
    return 0 if outcome.ok else 1


if __name__ == "__main__":
    sys.exit(main())
