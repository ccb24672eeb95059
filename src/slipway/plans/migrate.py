"""The plan of `inv db.migrate`: the lock, one migration from an image, the lock again."""

from slipway.plan import Plan
from slipway.ports import Lock
from slipway.steps.guard import AcquireLock, ReleaseLock
from slipway.steps.migrate import Migrate


def plan_migrate(migrate: Migrate, lock: Lock) -> Plan:
    """Return the plan that brings the schema up to the image of `migrate` and deploys nothing."""
    return Plan(f"migrate from {migrate.image}", (AcquireLock(lock), migrate, ReleaseLock(lock)))
