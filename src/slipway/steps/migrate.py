"""Migrate: the new image migrates the database once, before any traffic moves; SQL from outside sees that it did."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qs, unquote, urlsplit

from slipway.command import Result
from slipway.errors import Refused, Unreachable, UsageError
from slipway.ports import Containers, OneOff, Say
from slipway.release.desired import Variables
from slipway.secret import Secret

ARGV = ("python", "-m", "slipway_runtime.start", "migrate")
# One line a migration, "app.name"; nothing (and no error) in a database that has never been migrated.
_APPLIED_SQL = r"""
SELECT to_regclass('django_migrations') IS NOT NULL AS known \gset
\if :known
SELECT app || '.' || name FROM django_migrations ORDER BY id;
\endif
"""


@dataclass(frozen=True, slots=True)
class Report:
    """What the image says it did: `applied` as `app.name` in order, `heads` as app -> last applied migration."""

    applied: tuple[str, ...]
    pending_before: int
    heads: Mapping[str, str]

    @classmethod
    def from_output(cls, result: Result) -> "Report":
        """Read the last line of standard output. Raises `Refused` when it is no report."""
        last = next(reversed(result.stdout.strip().splitlines()), "")
        try:
            data = json.loads(last)
            applied, heads = tuple(map(str, data["applied"])), {str(k): str(v) for k, v in data["heads"].items()}
            return cls(applied, int(data["pending_before"]), heads)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise Refused(
                "the image did not report its migration as slipway-runtime does",
                where=" ".join(ARGV),
                hint="rebuild the image with this version's runtime",
                details=tuple(result.stdout.strip().splitlines()[-5:]),
            ) from error


def connection_variables(url: Secret) -> dict[str, str | Secret]:
    """Return libpq's environment for a `postgres://` URL, so that the password is never a word of a command."""
    parts = urlsplit(url.reveal())
    try:
        port = parts.port or 5432
    except ValueError:
        port = 0
    if parts.scheme not in {"postgres", "postgresql"} or not parts.hostname or not port:
        raise UsageError("the database's address is no postgres:// URL", hint="see the platform's internal URL")
    variables: dict[str, str | Secret] = {
        "PGHOST": parts.hostname,
        "PGPORT": str(port),
        "PGUSER": unquote(parts.username or ""),
        "PGPASSWORD": Secret(unquote(parts.password or "")),
        "PGDATABASE": unquote(parts.path.lstrip("/")),
        "PGCONNECT_TIMEOUT": "10",
    }
    for name, values in parse_qs(parts.query).items():
        if name in {"sslmode", "sslrootcert"}:
            variables[f"PG{name.upper()}"] = values[-1]
    return variables


@dataclass(slots=True)
class Migrate:
    """Runs the new image's migrations. `network` is the platform's, `tools` the image that has psql.

    `report` holds what was migrated once `run` is over.
    """

    containers: Containers
    image: str
    tools: str
    network: str
    variables: Variables = field(repr=False)
    database_url: Secret
    labels: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 1800.0
    name: str = "migrate"
    report: Report | None = None

    def describe(self) -> str:
        """Say what `run` does."""
        return f"migrate the database once, from {self.image}"

    def run(self, say: Say) -> str:
        """Migrate, then look with psql. Raises `Refused` when it failed or when the database does not show it.

        `Unreachable` means that nothing was tried: the image could not be pulled or psql did not get through.
        """
        before = self._applied()
        self.containers.pull(self.image, say)
        result = self.containers.run_once(
            OneOff("migrate", self.image, ARGV, self.network, self.variables, self.labels, seconds=self.seconds), say
        )
        if not result.ok:
            raise Refused(
                "the migration failed; the old release still serves",
                where=f"migrations of {self.image}",
                hint="mend the migration and build again; what was applied before it stays applied",
                details=_tail(result),
            )
        self.report = Report.from_output(result)
        after = self._applied()
        claimed = {*self.report.applied, *(f"{app}.{name}" for app, name in self.report.heads.items())}
        if missing := sorted(claimed - after):
            raise Refused(
                f"the image reports migrations that the database does not have: {', '.join(missing[:5])}",
                where="table django_migrations",
                hint="its DATABASE_URL probably leads to another database than the platform's",
            )
        return f"{len(self.report.applied)} applied; django_migrations has {len(after)} rows (before: {len(before)})"

    def undo(self) -> bool:
        """Return False: a schema is not taken back behind the back of data; the old release runs with it."""
        return False

    def _applied(self) -> set[str]:
        argv = ("psql", "-X", "-q", "-At", "-v", "ON_ERROR_STOP=1", "-f", "-")
        result = self.containers.run_once(
            OneOff(
                "psql",
                self.tools,
                argv,
                self.network,
                connection_variables(self.database_url),
                self.labels,
                stdin=_APPLIED_SQL.encode(),
                seconds=60,
            ),
            lambda _: None,
        )
        if not result.ok:
            raise Unreachable(
                "the database does not answer psql on the platform's network", where="database", details=_tail(result)
            )
        return set(result.stdout.split())


def _tail(result: Result) -> tuple[str, ...]:
    lines = [line for line in f"{result.stderr}\n{result.stdout}".splitlines() if line.strip()]
    return tuple(lines[-10:])
