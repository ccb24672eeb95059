"""Backup: what one dump of a database holds, and whether a restore has proved it."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

_ID = re.compile(r"[0-9]{8}T[0-9]{6}Z-[a-z0-9][a-z0-9-]{0,40}")


@dataclass(frozen=True, slots=True)
class Facts:
    """What a database held, seen inside one snapshot.

    `rows`: `schema.table` -> exact count of every ordinary table. `objects`: kind (`indexes`, `constraints`, ...) ->
    how many. `behind`: owned sequences whose last value is below their column's greatest. `server` is its version.
    """

    rows: Mapping[str, int]
    objects: Mapping[str, int]
    behind: tuple[str, ...] = ()
    server: str = ""

    @property
    def total(self) -> int:
        """The rows of all tables together."""
        return sum(self.rows.values())

    def differences(self, restored: "Facts") -> Iterator[str]:
        """Yield one line for everything that a restored copy holds differently; nothing when it is the same."""
        for table in sorted(self.rows.keys() | restored.rows.keys()):
            was, now = self.rows.get(table), restored.rows.get(table)
            if was != now:
                yield f"table {table}: {_count(was, 'rows')} in the dump's snapshot, {_count(now, 'rows')} restored"
        for kind in sorted(self.objects.keys() | restored.objects.keys()):
            before, after = self.objects.get(kind, 0), restored.objects.get(kind, 0)
            if before != after:
                yield f"{kind}: {before} in the dump's snapshot, {after} restored"
        for sequence in sorted(set(restored.behind) - set(self.behind)):
            yield f"sequence {sequence}: behind its column after the restore"


@dataclass(frozen=True, slots=True)
class Proof:
    """A restore that held the same: when (UTC), how long it took, what was compared."""

    proved_at: datetime
    seconds: float
    tables: int
    rows: int


@dataclass(frozen=True, slots=True)
class Backup:
    """One backup. `container` and `image_id` are the source's, `size` is in bytes, `release` the tag that ran or "".

    `sha256` is that of `database.dump`, `roles_sha256` that of `roles.sql` (roles without passwords).
    """

    id: str
    environment: str
    database: str
    created: datetime
    container: str
    image_id: str
    client: str
    size: int
    sha256: str
    roles_sha256: str
    facts: Facts
    release: str = ""
    proof: Proof | None = field(default=None)

    @property
    def is_proved(self) -> bool:
        """Whether a restore of exactly this dump held the same rows and objects."""
        return self.proof is not None

    def proved(self, proof: Proof) -> "Backup":
        """Return the backup with its proof."""
        return replace(self, proof=proof)

    def to_json(self) -> str:
        """Return the manifest, indented for people."""
        document = {
            "id": self.id,
            "environment": self.environment,
            "database": self.database,
            "created": self.created.isoformat(),
            "source": {"container": self.container, "image_id": self.image_id, "server": self.facts.server},
            "client": self.client,
            "size": self.size,
            "sha256": self.sha256,
            "roles_sha256": self.roles_sha256,
            "rows": dict(self.facts.rows),
            "objects": dict(self.facts.objects),
            "sequences_behind": list(self.facts.behind),
            "release": self.release,
            "proof": None
            if self.proof is None
            else {
                "proved_at": self.proof.proved_at.isoformat(),
                "seconds": self.proof.seconds,
                "tables": self.proof.tables,
                "rows": self.proof.rows,
            },
        }
        return json.dumps(document, indent=1, sort_keys=True) + "\n"

    @classmethod
    def from_json(cls, text: str) -> "Backup":
        """Read what `to_json` wrote. Raises `ValueError` on anything else."""
        try:
            data: dict[str, Any] = json.loads(text)
            source, proof = data["source"], data["proof"]
            return cls(
                id=checked_id(data["id"]),
                environment=data["environment"],
                database=data["database"],
                created=datetime.fromisoformat(data["created"]),
                container=source["container"],
                image_id=source["image_id"],
                client=data["client"],
                size=int(data["size"]),
                sha256=data["sha256"],
                roles_sha256=data["roles_sha256"],
                facts=Facts(
                    {table: int(count) for table, count in data["rows"].items()},
                    {kind: int(count) for kind, count in data["objects"].items()},
                    tuple(data["sequences_behind"]),
                    source["server"],
                ),
                release=data["release"],
                proof=None
                if proof is None
                else Proof(
                    datetime.fromisoformat(proof["proved_at"]),
                    proof["seconds"],
                    int(proof["tables"]),
                    int(proof["rows"]),
                ),
            )
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise ValueError(f"not a backup's manifest: {error!r}") from error


def backup_id(database: str, now: datetime) -> str:
    """Return the name of a backup begun at `now`, `20260102T030405Z-postgres`; it sorts by time."""
    return checked_id(f"{now.astimezone(UTC):%Y%m%dT%H%M%SZ}-{database}")


def checked_id(text: str) -> str:
    """Return `text` when it is a backup's id (it becomes a folder's name on the host). Raises `ValueError` if not."""
    if not _ID.fullmatch(text):
        raise ValueError(f"{text!r} is no backup id")
    return text


def _count(number: int | None, what: str) -> str:
    return "not there" if number is None else f"{number} {what}"
