"""The health contract of every container: one place that computes it (design §5)."""

from collections.abc import Mapping
from dataclasses import dataclass

from slipway.config.workspace import Role

_START_PERIOD = {Role.WEB: 10, Role.WORKER: 10, Role.BEAT: 10, Role.STATIC: 3}
"""Longest boot by role with room for a busy host, in seconds; Coolify sleeps this long in every deployment."""


KILL_MARGIN = 3
"""Seconds before the platform's SIGKILL at which the image's own supervisor ends what still runs, to say so."""
CHECK_DEADLINE = 4
"""Seconds after which the image's own health check gives up and says why."""
_LONGEST_TIMEOUT = 10


@dataclass(frozen=True, slots=True)
class HealthContract:
    """When a container is red and how long it serves on after SIGTERM; all values in whole seconds but `retries`.

    A stopping container turns red at once and serves on for `drain`, so the router has time to notice:
    `drain >= (retries + 1) * interval + 2 + margin` (2 s is Traefik's provider throttle), and `drain + 3 < grace`, for
    the container refuses to start without time to stop in. `timeout` lets the image's own check give up by itself and
    say why; one that still runs long after that hangs, and a longer `timeout` would only keep its container green.
    """

    interval: int = 2
    timeout: int = 5
    retries: int = 4
    start_period: int = 10
    drain: int = 14
    grace: int = 45
    margin: int = 2

    def problems(self) -> tuple[str, ...]:
        """Return why this set would lose requests or never come up; empty when it holds."""
        needed = (self.retries + 1) * self.interval + 2 + self.margin
        counted = {"interval": self.interval, "retries": self.retries, "drain": self.drain}
        found = [f"{name} is {value}, must be at least 1" for name, value in counted.items() if value < 1]
        if self.start_period < 0:
            found.append(f"start_period is {self.start_period} s, must not be negative")
        if self.drain < needed:
            found.append(f"drain {self.drain} s is shorter than the {needed} s in which the router notices")
        if self.drain + KILL_MARGIN >= self.grace:
            fits = f"drain {self.drain} s does not fit into the stop grace period of {self.grace} s"
            found.append(f"{fits}, the last {KILL_MARGIN} s of which end what still runs")
        if not CHECK_DEADLINE < self.timeout <= _LONGEST_TIMEOUT:
            gives_up = f"the image's own check gives up after {CHECK_DEADLINE} s"
            found.append(
                f"timeout is {self.timeout} s, must be {CHECK_DEADLINE + 1} to {_LONGEST_TIMEOUT} s: {gives_up}"
            )
        return tuple(found)


def health_contract(role: Role, given: Mapping[str, int] | None = None) -> HealthContract:
    """Return the contract of a role, with the fields in `given` set otherwise."""
    return HealthContract(**{"start_period": _START_PERIOD[role], **(given or {})})
