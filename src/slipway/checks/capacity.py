"""Capacity: do all processes together fit into the database's connections? Counted before acting or with a live limit.

The figures are the overlay's own (conf/database.py and processes.py of slipway_runtime): a web process has a pool, a
child of a prefork worker one connection, beat one. Redis carries the channels; their database work goes through the
pool of the process that serves them.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from slipway.checks.effective import OVERLAY_OFF, is_laid, number, setting
from slipway.checks.facts import Facts
from slipway.checks.issue import Issue, Severity
from slipway.config.config import Config
from slipway.config.workspace import Role

LIMIT = "SLIPWAY_POSTGRES_MAX_CONNECTIONS"
POSTGRES_DEFAULT = 100
"""PostgreSQL's own max_connections."""
PERCENT = 80
"""What may be planned of max_connections while nothing changes; the rest is for people, monitoring and updates."""
UNLIMITED_PROCESSES = 4
"""Web processes of a container without a CPU quota, the most that are then taken; with one it is the quota's CPUs."""
POOL = 10
THREADS = 32
"""Connections of a web process without a pool: one a thread, and so many threads are kept; more may come."""
MIGRATE, BACKUP, RESERVED = 2, 2, 3
"""Advisory lock and migration; pg_dump and the snapshot that it reads; PostgreSQL's superuser_reserved_connections."""
_PLACES = ("DB_POOL_SIZE", "WEB_CONCURRENCY", "CELERY_WORKER_CONCURRENCY", LIMIT)


@dataclass(frozen=True, slots=True)
class Web:
    """One web service: `processes` of its container, `connections` of each; whether they are a pool, and assumed."""

    name: str
    processes: int
    connections: int
    has_pool: bool = True
    is_assumed: bool = False


@dataclass(frozen=True, slots=True)
class Budget:
    """Who holds how many connections at most, against `limit` (max_connections).

    Two sums must fit: what runs while nothing changes into 80 %, and a rolling update's peak into what PostgreSQL
    does not keep back. In an update old and new containers of web and worker stand side by side until the old ones
    are drained; beat is stopped before its successor starts.
    """

    limit: int
    webs: tuple[Web, ...]
    workers: tuple[tuple[str, int], ...]
    beats: tuple[str, ...]

    @property
    def allowed(self) -> int:
        """How many may be planned while nothing changes."""
        return self.limit * PERCENT // 100

    @property
    def usable(self) -> int:
        """How many an application gets at all."""
        return self.limit - RESERVED

    @property
    def single(self) -> int:
        """What there is once, also in an update."""
        return len(self.beats) + MIGRATE + BACKUP

    @property
    def children(self) -> int:
        """What the workers hold."""
        return sum(count for _, count in self.workers)

    @property
    def steady(self) -> int:
        """All together while nothing changes."""
        return self._web + self.children + self.single

    @property
    def peak(self) -> int:
        """All together while web and worker are there twice."""
        return 2 * (self._web + self.children) + self.single

    @property
    def _web(self) -> int:
        return sum(web.processes * web.connections for web in self.webs)

    @property
    def fits(self) -> bool:
        """Whether both sums do."""
        return self.steady <= self.allowed and self.peak <= self.usable

    def parts(self) -> str:
        """Return the sum as a person reads it."""
        named = [f"{web.name} {web.processes} x {web.connections}" for web in self.webs]
        named += [f"{name} {count}" for name, count in self.workers] + [f"{name} 1" for name in self.beats]
        return " + ".join((*named, f"migrate {MIGRATE}", f"backup {BACKUP}"))

    def assumed(self) -> str:
        """Return what was assumed, "" where everything is said."""
        told = []
        if names := [web.name for web in self.webs if web.is_assumed]:
            told.append(
                f"{UNLIMITED_PROCESSES} processes of {', '.join(names)} are assumed: WEB_CONCURRENCY is not set, "
                "and a container with a CPU quota starts as many as the quota has CPUs"
            )
        if names := [web.name for web in self.webs if not web.has_pool]:
            told.append(f"{', '.join(names)} has no pool of Slipway's: each of {THREADS} threads opens a connection")
        return "".join(f"; {one}" for one in told)

    def fitting(self) -> str:
        """Return the largest numbers that fit, each with the others as they are."""
        left = min(self.allowed - self.children - self.single, (self.usable - self.single) // 2 - self.children)
        processes = sum(web.processes for web in self.webs)
        ways = [f"max_connections {max(-(-self.steady * 100 // PERCENT), self.peak + RESERVED)}"]
        if processes and left >= processes and all(web.has_pool for web in self.webs):
            ways.insert(0, f"DB_POOL_SIZE {left // processes}")
        each = sum(web.connections for web in self.webs)
        if each and left >= each:
            ways.insert(0, f"WEB_CONCURRENCY {left // each}")
        return f"one of these fits: {', '.join(ways)}"


def budget(config: Config, limit: int) -> Budget:
    """Return what the configuration asks of a database with `limit` connections."""
    of = config.workspace.services_with
    webs = []
    for name in of(Role.WEB):
        pool = pooled(config, name)
        is_assumed = setting(config, "WEB_CONCURRENCY", name) is None
        processes = number(config, "WEB_CONCURRENCY", UNLIMITED_PROCESSES, name)
        webs.append(Web(name, processes, pool or THREADS, bool(pool), is_assumed))
    workers = tuple((name, number(config, "CELERY_WORKER_CONCURRENCY", 4, name)) for name in of(Role.WORKER))
    return Budget(limit, tuple(webs), workers, of(Role.BEAT))


def pooled(config: Config, service: str) -> int:
    """Return how many connections the overlay's pool has in a process of a web service, 0 where there is no pool."""
    return number(config, "DB_POOL_SIZE", POOL, service) if is_laid(config, "database", (service,)) else 0


def exceeded(config: Config, limit: int, source: str) -> Issue | None:
    """Return the issue where one of the two sums does not fit into `limit`; `source` says where the limit is from."""
    found = budget(config, limit)
    if found.fits:
        return None
    message = (
        f"{found.steady} connections at most ({found.parts()}), and {found.allowed} may be planned: "
        f"{PERCENT} % of max_connections {limit} ({source}); {found.peak} in a rolling update, "
        f"where old and new web and worker stand side by side, of {found.usable}: {RESERVED} are kept for superusers"
        f"{found.assumed()}"
    )
    return Issue("database.budget", Severity.ERROR, "database connections", _where(config), message, found.fitting())


def _where(config: Config) -> str:
    """Return the place of the figure that a file sets and that counts most."""
    is_whole = is_laid(config, "database", config.workspace.services_with(Role.WEB))
    for name in _PLACES if is_whole else (OVERLAY_OFF, *_PLACES):
        for service in (*config.workspace.services, None):
            found = setting(config, name, service)
            if found is not None and not found.where.endswith("(default)"):
                return found.where
    return f"env/{config.environment}.env"


def connections(facts: Facts) -> Iterator[Issue]:
    """`database.budget`: all processes together ask for more of the database's connections than there are."""
    if facts.is_public:
        given = setting(facts.config, LIMIT)
        limit = number(facts.config, LIMIT, POSTGRES_DEFAULT)
        if found := exceeded(facts.config, limit, given.where if given else "PostgreSQL's default"):
            yield found
