"""HealthCheckConfig and UpdateStrategy: when a container is red, and how a new release takes over from the old one."""

from typing import Self

from pydantic import Field

from slipway.config.health import HealthContract
from slipway.config.models.base import Model
from slipway.config.workspace import Role

COMMAND = "/usr/local/bin/healthcheck"


class HealthCheckConfig(Model):
    """The container's own check, which is the same program in every image; the role decides what it asks."""

    command: str = Field(default=COMMAND, description="Program inside the image; exit code 0 is healthy.")
    interval: int = Field(description="Seconds between two checks.", ge=1)
    timeout: int = Field(description="Seconds that one check may take.", ge=1)
    retries: int = Field(description="Failed checks in a row until the container is red.", ge=1)
    start_period: int = Field(description="Seconds in which a starting container's failures do not count.", ge=0)

    @classmethod
    def of(cls, contract: HealthContract) -> Self:
        """Return the platform's half of the health contract."""
        return cls(
            interval=contract.interval,
            timeout=contract.timeout,
            retries=contract.retries,
            start_period=contract.start_period,
        )


class UpdateStrategy(Model):
    """How a new release takes over."""

    rolling: bool = Field(description="Whether the new container starts beside the old one; beat may never run twice.")
    drain: int = Field(description="Seconds that a stopping container serves on while it is red already.", ge=0)
    grace: int = Field(description="Seconds between SIGTERM and SIGKILL.", ge=1)

    @classmethod
    def of(cls, role: Role, contract: HealthContract) -> Self:
        """Return the strategy of a role. Two beats would send every task twice, so beat stops first."""
        return cls(rolling=role is not Role.BEAT, drain=contract.drain, grace=contract.grace)
