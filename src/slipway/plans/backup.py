"""The plan of `inv db.backup`: dump, then prove."""

from collections.abc import Mapping
from datetime import datetime

from slipway.errors import UsageError
from slipway.plan import Plan
from slipway.ports import BackupStore, Shell
from slipway.release.backup import backup_id, checked_id
from slipway.release.desired import DesiredDatabase
from slipway.steps.database import Dump, Prove


def plan_backup(
    *,
    environment: str,
    database: DesiredDatabase,
    container: str,
    shell: Shell,
    store: BackupStore,
    now: datetime,
    release: str = "",
    labels: Mapping[str, str] | None = None,
    prove: bool = True,
) -> Plan:
    """Return the plan. `container` is the database's container on the host, `release` the tag that runs there.

    `labels` are borne by the throwaway server of the proof, too.

    It takes no lock: a dump is one snapshot and hinders neither a deployment nor another backup.
    """
    name = backup_id(database.name, now)
    dump = Dump(shell, store, environment, database, container, name, release)
    proof = (Prove(shell, store, name, labels=labels or {}),) if prove else ()
    return Plan(f"back up {database.name} of {environment}", (dump, *proof))


def plan_proof(*, backup: str, shell: Shell, store: BackupStore, labels: Mapping[str, str] | None = None) -> Plan:
    """Return the plan of `inv db.verify`: prove a backup that exists. Raises `UsageError` for what is no id.

    `labels` are borne by the throwaway server, too.
    """
    try:
        checked_id(backup)
    except ValueError as error:
        raise UsageError(str(error), where="--backup", hint="`inv db.backups` lists them") from error
    return Plan(f"prove {backup}", (Prove(shell, store, backup, labels=labels or {}),))
