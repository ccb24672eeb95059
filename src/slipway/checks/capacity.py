"""Capacity: do all processes together fit into the database's connections? Counted before acting or with a live limit.

The figures are the overlay's own (conf/database.py and processes.py of slipway_runtime): a web process has a pool, a
child of a prefork worker one connection, beat one. Redis carries the channels; their database work goes through the
pool of the process that serves them.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from slipway.checks.facts import Facts
from slipway.checks.issue import Issue, Severity
from slipway.checks.numbers import number, setting
from slipway.config.config import Config
from slipway.config.workspace import Role

LIMIT = "SLIPWAY_POSTGRES_MAX_CONNECTIONS"
POSTGRES_DEFAULT = 100
"""PostgreSQL's own max_connections."""
SHARE = 0.8
"""What may be planned; the rest is for people, monitoring and the seconds in which old and new stand side by side."""
UNLIMITED_PROCESSES = 4
"""Web processes of a container that nothing limits, and the most that are taken unasked."""
POOL = 10
THREADS = 32
"""Connections of a web process without a pool: one a thread, and so many threads are kept; more may come."""
MIGRATE, BACKUP, RESERVED = 2, 2, 3
"""Advisory lock and migration; pg_dump and the snapshot that it reads; PostgreSQL's superuser_reserved_connections."""
_PLACES = ("DB_POOL_SIZE", "WEB_CONCURRENCY", "CELERY_WORKER_CONCURRENCY", LIMIT)


@dataclass(frozen=True, slots=True)
class Web:
    """One web service: `processes` of each container, `pool` connections of each."""

    name: str
    processes: int
    pool: int


@dataclass(frozen=True, slots=True)
class Budget:
    """Who holds how many connections at most, against `limit` (max_connections)."""

    limit: int
    webs: tuple[Web, ...]
    workers: tuple[tuple[str, int], ...]
    beats: tuple[str, ...]

    @property
    def allowed(self) -> int:
        """How many may be planned."""
        return int(self.limit * SHARE)

    @property
    def fixed(self) -> int:
        """What is no web process's."""
        return sum(count for _, count in self.workers) + len(self.beats) + MIGRATE + BACKUP + RESERVED

    @property
    def total(self) -> int:
        """All together."""
        return sum(web.processes * web.pool for web in self.webs) + self.fixed

    def parts(self) -> str:
        """Return the sum as a person reads it."""
        named = [f"{web.name} {web.processes} x {web.pool}" for web in self.webs]
        named += [f"{name} {count}" for name, count in self.workers] + [f"{name} 1" for name in self.beats]
        return " + ".join((*named, f"migrate {MIGRATE}", f"backup {BACKUP}", f"reserved {RESERVED}"))

    def fitting(self) -> str:
        """Return the largest numbers that fit, each with the others as they are."""
        left, processes = self.allowed - self.fixed, sum(web.processes for web in self.webs)
        needed = -(-self.total * 100 // int(SHARE * 100))
        ways = [f"max_connections {needed}"]
        if processes and left >= processes:
            ways.insert(0, f"DB_POOL_SIZE {left // processes}")
        pools = sum(web.pool for web in self.webs)
        if pools and left >= pools:
            ways.insert(0, f"WEB_CONCURRENCY {left // pools}")
        return f"one of these fits: {', '.join(ways)}"


def budget(config: Config, limit: int) -> Budget:
    """Return what the configuration asks of a database with `limit` connections."""
    of = config.workspace.services_with
    webs = []
    for name in of(Role.WEB):
        pool = number(config, "DB_POOL_SIZE", POOL, name)
        webs.append(Web(name, number(config, "WEB_CONCURRENCY", UNLIMITED_PROCESSES, name), pool or THREADS))
    workers = tuple((name, number(config, "CELERY_WORKER_CONCURRENCY", 4, name)) for name in of(Role.WORKER))
    return Budget(limit, tuple(webs), workers, of(Role.BEAT))


def exceeded(config: Config, limit: int, source: str) -> Issue | None:
    """Return the issue where the sum is more than 80 % of `limit`; `source` says where the limit is from."""
    found = budget(config, limit)
    if found.total <= found.allowed:
        return None
    message = (
        f"{found.total} connections at most ({found.parts()}), and {found.allowed} may be planned: "
        f"80 % of max_connections {limit} ({source})"
    )
    return Issue("database.budget", Severity.ERROR, "database connections", _where(config), message, found.fitting())


def _where(config: Config) -> str:
    """Return the place of the figure that a file sets and that counts most."""
    for name in _PLACES:
        for service in (*config.workspace.services, None):
            found = setting(config, name, service)
            if found is not None and not found.where.endswith("(default)"):
                return found.where
    return f"env/{config.environment}.env"


def connections(facts: Facts) -> Iterator[Issue]:
    """`database.budget`: all processes together ask for more than 80 % of the database's connections."""
    if facts.is_public:
        given = setting(facts.config, LIMIT)
        limit = number(facts.config, LIMIT, POSTGRES_DEFAULT)
        if found := exceeded(facts.config, limit, given.where if given else "PostgreSQL's default"):
            yield found
