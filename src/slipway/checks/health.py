"""Rules over health: figures that do not add up lose requests at every deploy; who sees the details."""

from collections.abc import Iterator
from ipaddress import ip_network

from slipway.checks.facts import Facts, issue
from slipway.checks.issue import Issue, Severity
from slipway.config.config import HEALTH_VARIABLES
from slipway.config.kinds import items
from slipway.errors import UsageError


def contract(facts: Facts) -> Iterator[Issue]:
    """`health.contract`: drain, retries, interval, timeout and grace of a service do not fit together."""
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
        hint = "drain >= (retries + 1) * interval + 4, grace > drain + 3, timeout 5"
        yield Issue("health.contract", Severity.ERROR, "health contract", where, message, hint)


def inside(facts: Facts) -> Iterator[Issue]:
    """`health.inside`: SLIPWAY_INSIDE has an item that is no network, or is the internet: the API does not start."""
    for seen in facts.of("SLIPWAY_INSIDE"):
        for number, item in enumerate(items(seen.text or ""), 1):
            if seen.text != "none" and (wrong := _no_inner_network(item)):
                yield issue(seen, "health.inside", f"has an item that {wrong} (item {number})", "10.0.0.0/8, or none")


def _no_inner_network(item: str) -> str | None:
    try:
        network = ip_network(item, strict=False)
    except ValueError:
        return "is no network"
    return "is the internet" if network.is_global or network.prefixlen == 0 else None


def _where(facts: Facts, service: str) -> str:
    """Return the place of the strongest figure that a file sets."""
    config = facts.config
    names = [name for name in HEALTH_VARIABLES.values() if name in config.schema.variables]
    places = [setting.where for name in names if (setting := config.setting(name, service))]
    return places[-1] if places else "the contract's own figures"
