"""Variables without a deployment: what the platform shall have, and the plan that makes it so."""

from collections.abc import Mapping

from slipway.config.config import Config
from slipway.errors import UsageError
from slipway.plan import Plan, Step
from slipway.plans.desired import platform_values
from slipway.ports import Lock, Platform
from slipway.release.desired import RELEASE_VARIABLES, Variables
from slipway.release.observed import ObservedPlatform
from slipway.steps.guard import ReleaseLock
from slipway.steps.platform import SetVariables, changed_names


def wanted_variables(config: Config, observed: ObservedPlatform) -> dict[str, Variables]:
    """Return service -> the variables it shall have, for every service that the platform has.

    What belongs to the release that is configured there (SLIPWAY_VERSION and its like) stays. Raises `UsageError` where
    the platform has none of the services, and one that lists every reference that stays open.
    """
    there = [name for name in config.workspace.services if name in observed.services]
    if not there:
        raise UsageError(
            "none of the services is on the platform yet", where=config.environment, hint="`inv deploy` creates them"
        )
    values = platform_values(config, observed)
    return {
        name: {
            **config.variables_for(name, values),
            **{key: found[key] for key in RELEASE_VARIABLES if key in (found := observed.services[name].variables)},
        }
        for name in there
    }


def variables_plan(
    environment: str, wanted: Mapping[str, Variables], observed: ObservedPlatform, platform: Platform, lock: Lock
) -> Plan:
    """Return the steps that make the platform's variables exactly the wanted ones; empty where they are."""
    steps: list[Step] = [
        SetVariables(platform, name, service.uuid, variables, dict(service.variables))
        for name, variables in wanted.items()
        if changed_names(variables, (service := observed.services[name]).variables)
    ]
    return Plan(f"variables of {environment}", (*steps, ReleaseLock(lock)) if steps else ())
