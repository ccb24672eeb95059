"""Observed: what is true now, read before planning."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from slipway.release.release import Release
from slipway.secret import Secret


@dataclass(frozen=True, slots=True)
class ObservedDatabase:
    """A database on the platform: `uuid` is its host name on the network, `internal_url` holds the password.

    `external_url` is there only where somebody made the database public.
    """

    name: str
    uuid: str
    status: str
    internal_url: Secret
    image: str = ""
    external_url: Secret | None = None

    @property
    def is_running(self) -> bool:
        """Whether the platform says it runs; the host has to confirm it."""
        return self.status.startswith("running")


@dataclass(frozen=True, slots=True)
class ObservedService:
    """An application on the platform. `tag` is the configured one; what really runs is asked on the host.

    `settings` are worded as `slipway.release.desired.service_settings` does, so that they compare.
    """

    name: str
    uuid: str
    tag: str
    status: str
    domain: str | None = None
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)
    settings: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ObservedPlatform:
    """Everything of one environment on the platform; empty before the first provisioning. Keys are our names."""

    project: str | None = None
    databases: Mapping[str, ObservedDatabase] = field(default_factory=dict)
    services: Mapping[str, ObservedService] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RunningContainer:
    """A container as the host's engine shows it. `health` is Docker's word or "" without a check."""

    id: str
    name: str
    image: str
    image_id: str
    state: str
    health: str
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Observed:
    """What a deploy plan is made from besides Config and Release.

    `running`: service -> its newest running container; `crowded` are the services of which more than one runs, as a
    deployment that was killed leaves them.
    """

    platform: ObservedPlatform
    current: Release | None = None
    running: Mapping[str, RunningContainer] = field(default_factory=dict)
    crowded: frozenset[str] = frozenset()
