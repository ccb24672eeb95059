"""What counts itself in this process, pools and guards: looked at once a second at most while requests come."""

import sys
import time
from typing import Any

from slipway_runtime.metrics.meters import AWAY, DEGRADED, POOL

_EVERY = 1.0
_SHOWN = (
    "pool_min", "pool_max", "pool_size", "pool_available", "requests_waiting", "requests_num", "requests_queued",
    "requests_wait_ms", "requests_errors", "connections_num", "connections_errors", "connections_lost",
)  # fmt: skip


class _Clock:
    due = 0.0


def sample(now: float | None = None) -> None:
    """Note how the pools are, if that is due. A project with neither pays for one look at the clock."""
    now = time.monotonic() if now is None else now
    if now < _Clock.due:
        return
    _Clock.due = now + _EVERY
    for alias, pool in _pools().items():
        stats = pool.get_stats()
        for what in _SHOWN:
            POOL.labels(alias, what).set(stats.get(what, 0))
    # Loaded by what is guarded, or not at all.
    guards = sys.modules.get("slipway_runtime.guard")
    for state in guards.states() if guards else ():
        AWAY.labels(state.name).set(state.away_for)
        DEGRADED.labels(state.name).set(state.degraded)


def _pools() -> dict[str, Any]:
    """Return the pools that Django has opened so far, by alias; none is opened for this."""
    from django.db import connections

    found: dict[str, Any] = {}
    for alias, settings in connections.settings.items():
        if (settings.get("OPTIONS") or {}).get("pool"):
            kept = getattr(type(connections[alias]), "_connection_pools", {})
            if alias in kept:
                found[alias] = kept[alias]
    return found
