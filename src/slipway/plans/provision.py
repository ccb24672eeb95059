"""Provision: the databases and applications that the platform lacks, and the settings that are otherwise."""

from collections.abc import Sequence

from slipway.plan import Plan, Step
from slipway.ports import Containers, Platform
from slipway.release.desired import DesiredDatabase, DesiredService
from slipway.release.observed import ObservedPlatform, ObservedService
from slipway.steps.platform import AwaitDatabase, ConfigureService, CreateDatabase, CreateService


def provision_plan(
    databases: Sequence[DesiredDatabase],
    services: Sequence[DesiredService],
    observed: ObservedPlatform,
    platform: Platform,
    containers: Containers,
    *,
    tag: str,
) -> Plan:
    """Return what has to be created, started or configured; empty when the platform is so already.

    Databases come first: the variables of the services need their addresses, so a deploy plan is made from what is
    observed afterwards. `tag` is the one that new applications are created with; none of them starts. Nothing that
    exists is removed, and a database's image and password are left as they were created.
    """
    creating: list[CreateDatabase] = []
    for database in databases:
        existing = observed.databases.get(database.name)
        if existing is None or not existing.is_running:
            creating.append(CreateDatabase(platform, database, exists=existing is not None))
    # All are started before one is waited for.
    waiting = [AwaitDatabase(platform, containers, step.desired.name) for step in creating]
    steps: list[Step] = [*creating, *waiting]
    for service in services:
        found = observed.services.get(service.name)
        if found is None:
            steps.append(CreateService(platform, service, tag))
        elif changes := changes_of(service, found):
            steps.append(ConfigureService(platform, service, found.uuid, changes))
    return Plan("provision", tuple(steps))


def changes_of(desired: DesiredService, observed: ObservedService) -> tuple[str, ...]:
    """Return each setting that differs, as `port 8000 -> 8001`."""
    return tuple(
        f"{name} {observed.settings.get(name) or 'none'} -> {value or 'none'}"
        for name, value in desired.settings.items()
        if observed.settings.get(name, "") != value
    )


def configured_services(plan: Plan) -> frozenset[str]:
    """Return the services whose settings a provision plan changes: they reach containers with a deployment only."""
    return frozenset(step.desired.name for step in plan.steps if isinstance(step, ConfigureService))
