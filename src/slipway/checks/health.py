"""Rules over the health contract: a set of figures that does not add up loses requests at every deploy."""

from collections.abc import Iterator

from slipway.checks.facts import Facts
from slipway.checks.issue import Issue, Severity
from slipway.config.config import HEALTH_VARIABLES
from slipway.errors import UsageError


def contract(facts: Facts) -> Iterator[Issue]:
    """`health.contract`: drain, retries, interval and grace of a service do not fit together."""
    found: dict[tuple[str, str], list[str]] = {}
    for service in facts.config.workspace.services:
        try:
            health = facts.config.health(service)
        except UsageError:  # a figure that is no number is reported as such
            continue
        for problem in health.problems():
            found.setdefault((_where(facts, service), problem), []).append(service)
    for (where, problem), services in found.items():
        message = f"{', '.join(services)}: {problem}"
        hint = "drain >= (retries + 1) * interval + 4, and below the stop grace period"
        yield Issue("health.contract", Severity.ERROR, "health contract", where, message, hint)


def _where(facts: Facts, service: str) -> str:
    """Return the place of the strongest figure that a file sets."""
    config = facts.config
    names = [name for name in HEALTH_VARIABLES.values() if name in config.schema.variables]
    places = [setting.where for name in names if (setting := config.setting(name, service))]
    return places[-1] if places else "the contract's own figures"
