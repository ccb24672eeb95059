"""The plan of `inv db.migrate`: the lock, one migration from an image, the lock again."""

from collections.abc import Mapping

from slipway.plan import Plan
from slipway.ports import Containers, Lock
from slipway.release.desired import Variables
from slipway.secret import Secret
from slipway.steps.guard import AcquireLock, ReleaseLock
from slipway.steps.migrate import Migrate


def plan_migrate(
    *,
    image: str,
    tools: str,
    network: str,
    variables: Variables,
    database_url: Secret,
    containers: Containers,
    lock: Lock,
    labels: Mapping[str, str],
) -> Plan:
    """Return the plan. `image` is the new release's, `tools` has psql, `network` is the platform's on the host."""
    migrate = Migrate(containers, image, tools, network, variables, database_url, labels)
    return Plan(f"migrate from {image}", (AcquireLock(lock), migrate, ReleaseLock(lock)))
