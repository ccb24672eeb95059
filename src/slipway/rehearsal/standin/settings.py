"""What one stand-in process is told at its start."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

VERSION = "4.3.11"


@dataclass(frozen=True)
class Settings:
    """Everything that differs between two stand-ins; limits carry Coolify's own defaults.

    `data` is the folder Coolify calls /data/coolify, `compose` the Compose binary, `network` the destination's docker
    network, which must exist. `labels` go onto every container and volume made, beside Coolify's own. Times are in
    seconds.
    """

    data: Path
    compose: Path
    network: str = "coolify"
    labels: Mapping[str, str] = field(default_factory=dict)
    wildcard_domain: str = ""
    rate_limit: int = 200
    queue_limit: int = 25
    concurrent_builds: int = 2
    horizon_workers: int = 4
    dynamic_timeout: int = 3600
    status_seconds: float = 60.0
    allowed_ips: str = ""
    docker_host: str = ""
    docker_config: str = ""

    @property
    def state(self) -> Path:
        """The file the store is kept in, so that a restarted stand-in knows its applications."""
        return self.data / "standin.json"
