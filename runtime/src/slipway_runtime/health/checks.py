"""One question a dependency. Each returns what it found or raises `Bad`; whatever else it raises is bad as well."""

import os
import shutil
import tempfile
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slipway_runtime import board, celery_found

Facts = dict[str, Any]

LIVELY = {"worker": 15.0, "beat": 30.0}
"""Seconds after which a process that has not signed counts as gone; they sign every 5."""


class Bad(Exception):
    """The dependency answers, and not as it should. The message says how; `facts` go into the report."""

    def __init__(self, message: str, facts: Facts | None = None) -> None:
        super().__init__(message)
        self.facts = facts or {}


@dataclass(frozen=True, slots=True)
class Check:
    """A question with its name. A critical one that fails makes the whole fail, another only degrades it."""

    name: str
    ask: Callable[[], Facts]
    critical: bool = False


def database(alias: str) -> Facts:
    """Run one statement on a connection as requests get it, from the pool where there is one."""
    from django.db import connections

    connection = connections[alias]
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            cursor.fetchone()
        return {"vendor": connection.vendor}
    finally:
        connection.close()


class Migrations:
    """Migrations in the code that the database has not seen. The graph is read once, then only what is applied."""

    def __init__(self, alias: str = "default") -> None:
        self.alias = alias
        self._lock = threading.Lock()
        self._seen: frozenset[tuple[str, str]] | None = None
        self._pending: list[str] = []

    def __call__(self) -> Facts:
        """Raise `Bad` when some are pending. `ahead` are applied ones that this code lacks: an old release's view."""
        from django.db import connections
        from django.db.migrations.recorder import MigrationRecorder

        connection = connections[self.alias]
        try:
            with self._lock:
                applied = frozenset(MigrationRecorder(connection).applied_migrations())
                if applied != self._seen:
                    self._pending, self._ahead = self._plan(connection, applied)
                    self._seen = applied
        finally:
            connection.close()
        facts = {"pending": len(self._pending), "ahead": self._ahead}
        if self._pending:
            shown = ", ".join(self._pending[:3]) + (" …" if len(self._pending) > 3 else "")
            raise Bad(f"{len(self._pending)} pending: {shown}", facts)
        return facts

    @staticmethod
    def _plan(connection: Any, applied: frozenset[tuple[str, str]]) -> tuple[list[str], int]:
        from django.db.migrations.executor import MigrationExecutor

        executor = MigrationExecutor(connection)
        loader = executor.loader
        plan = executor.migration_plan(loader.graph.leaf_nodes())
        known = set(loader.disk_migrations) | {
            replaced for one in loader.disk_migrations.values() for replaced in one.replaces
        }
        ahead = sum(1 for key in applied if key[0] in loader.migrated_apps and key not in known)
        return [f"{one.app_label}.{one.name}" for one, _ in plan], ahead


def cache() -> Facts:
    """Write a value into the default cache and read it back; a cache that hides its errors returns nothing."""
    from django.core.cache import caches

    store = caches["default"]
    kind = type(store).__name__
    if kind == "DummyCache":
        return {"backend": kind}
    key, value = "slipway:health", uuid.uuid4().hex
    try:
        store.set(f"{key}:{os.getpid()}", value, 30)
        if store.get(f"{key}:{os.getpid()}") != value:
            raise Bad("does not keep what it is given", {"backend": kind})
    finally:
        store.close()
    return {"backend": kind}


def broker() -> Facts:
    """Ask the broker once."""
    app = celery_found.app()
    found = board.of(app)
    if found is not None:
        found.ping()
    else:
        with app.connection_for_write() as connection:  # type: ignore[union-attr]  # asked only where there is an app
            connection.ensure_connection(max_retries=1, interval_start=0, timeout=2)
    return {"transport": "redis" if found else app.connection_for_write().transport_cls}  # type: ignore[union-attr]


def workers() -> Facts:
    """Count the workers that live."""
    signs = _signs("worker")
    lively = [sign for sign in signs if sign.age <= LIVELY["worker"]]
    shown = [{"name": sign.name, "age_seconds": round(sign.age, 1), **_plain(sign.said)} for sign in lively[:20]]
    facts = {"alive": len(lively), "workers": shown}
    if not lively:
        raise Bad("no worker has signed for " + f"{LIVELY['worker']:g} s", facts)
    return facts


def beat() -> Facts:
    """Look when beat ticked last."""
    signs = _signs("beat")
    if not signs:
        raise Bad("no beat has ticked for a day")
    facts = {"name": signs[0].name, "last_tick_seconds": round(signs[0].age, 1)}
    if signs[0].age > LIVELY["beat"]:
        raise Bad(f"its last tick was {signs[0].age:.0f} s ago", facts)
    return facts


def _signs(kind: str) -> list[board.Sign]:
    found = board.of(celery_found.app())
    if found is None:
        raise Bad("cannot be known: the broker is no Redis")
    return found.signs(kind)


def _plain(said: Facts) -> Facts:
    return {name: said[name] for name in ("active", "queues", "version") if name in said}


def disk(least_percent: float) -> Facts:
    """Look at what is left where this process writes: its own file system, the temporary one, and local media."""
    from django.conf import settings

    places = {"/": "/", "tmp": tempfile.gettempdir()}
    if settings.MEDIA_ROOT and Path(settings.MEDIA_ROOT).is_dir():
        places["media"] = str(settings.MEDIA_ROOT)
    free, seen = {}, set()
    for name, path in places.items():
        device = Path(path).stat().st_dev
        if device in seen:
            continue
        seen.add(device)
        usage = shutil.disk_usage(path)
        # A file system without blocks of its own (some overlays and read-only ones) has nothing that can run out.
        free[name] = round(100 * usage.free / usage.total, 1) if usage.total else 100.0
    facts = {"free_percent": free, "least_percent": least_percent}
    low = [f"{name} has {left:g} %" for name, left in free.items() if left < least_percent]
    if low:
        raise Bad(f"{', '.join(low)} left", facts)
    return facts


def all_of(critical: frozenset[str], off: frozenset[str], least_percent: float) -> list[Check]:
    """Return the checks that apply to this project: those of Celery only where it has an app."""
    from django.conf import settings

    asks: dict[str, Callable[[], Facts]] = {}
    for alias in settings.DATABASES:
        name = "database" if alias == "default" else f"database:{alias}"
        asks[name] = lambda alias=alias: database(alias)  # type: ignore[misc]
    asks["migrations"] = Migrations()
    asks["cache"] = cache
    if celery_found.expected():
        asks |= {"broker": broker, "workers": workers, "beat": beat}
    asks["disk"] = lambda: disk(least_percent)
    return [Check(name, ask, name in critical) for name, ask in asks.items() if name not in off]
