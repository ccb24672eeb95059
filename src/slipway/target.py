"""Target: everything that a verb may use to act on one environment, as ports."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from slipway.plan import Journal
from slipway.ports import Containers, Images, Lock, Platform, ReleaseStore, Shell, Web


@dataclass(frozen=True, slots=True)
class Target:
    """One environment's ports and the few names that belong to its host.

    `registry` is where the host pulls from (`127.0.0.1:5000`), `network` the Docker network of the platform's
    destination, `tools` the image that one-off work runs in, `labels` what every container that Slipway itself starts
    there bears (in a rehearsal its name, so that taking it away finds them).
    """

    environment: str
    registry: str
    network: str
    tools: str
    images: Images
    platform: Platform
    shell: Shell
    containers: Containers
    state: ReleaseStore
    lock: Lock
    journal: Journal
    web: Web
    labels: Mapping[str, str] = field(default_factory=dict)
