"""Backup: the plan that dumps an environment's database and proves the dump, from what is observed."""

from datetime import UTC, datetime

from slipway.config.config import Config
from slipway.config.workspace import Engine
from slipway.errors import UsageError
from slipway.plan import Plan
from slipway.plans.backup import plan_backup
from slipway.plans.desired import desired_databases
from slipway.ports import BackupStore
from slipway.release.observed import ObservedPlatform
from slipway.target import Target


def prepare_backup(
    config: Config, target: Target, store: BackupStore, platform: ObservedPlatform, release: str
) -> Plan:
    """Return the plan that dumps the environment's database and proves the dump."""
    wanted = next(d for d in desired_databases(config) if d.engine is Engine.POSTGRESQL)
    if wanted.name not in platform.databases:
        raise UsageError(
            f"there is no database {wanted.name} yet", where=config.environment, hint="`inv deploy` creates it"
        )
    return plan_backup(
        environment=config.environment,
        database=wanted,
        container=platform.databases[wanted.name].uuid,
        shell=target.shell,
        store=store,
        now=datetime.now(UTC),
        release=release,
        labels=target.labels,
    )
