"""World: what a rehearsal needs of the machine it happens on."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from slipway.checks.issue import Issue
from slipway.config.config import Config
from slipway.config.sealed import Unseal
from slipway.config.workspace import Workspace
from slipway.ports import BackupStore, ImageFiles, Say
from slipway.rehearsal.ground import GroundKeeper
from slipway.rehearsal.owner import Owner
from slipway.rehearsal.stage.scene import LABEL
from slipway.release.image import Version
from slipway.target import Target

if TYPE_CHECKING:
    import docker

    from slipway.engines.images.buildkit import BuildKitImages

BASES = ("python", "node", "nginx", "postgres", "redis", "registry", "sshd", "tools", "traefik")
"""The base images that every rehearsal stands on; a workspace's images may be built on more."""


@dataclass(frozen=True, slots=True)
class World:
    """What the story needs of the machine it happens on; wired in `tasks/_session.py`.

    `given` are the values that the process was started with on purpose, `unseal` opens sealed files of secrets, `looks`
    are what `inv check.env` looks at beside the environment's own files.

    `config` loads the rehearsal's configuration, with the ground's settings once it stands; `target` opens its ports.
    """

    root: Path
    workspace: Workspace
    version: Version
    images: "BuildKitImages"
    client: "docker.DockerClient"
    keeper: GroundKeeper
    bases: Callable[[Iterable[str], Say], Mapping[str, str]]
    secrets_file: Callable[[], Path]
    config: Callable[[Mapping[str, str]], Config]
    target: Callable[[Config], AbstractContextManager[tuple[Target, BackupStore]]]
    given: Mapping[str, str] = field(default_factory=dict, repr=False)
    unseal: Unseal | None = None
    looks: Sequence[Callable[[Config], Iterable[Issue]]] = ()

    @property
    def files(self) -> ImageFiles:
        """What is inside the engine's images. What looks into them is swept away with the stages of `check.images`."""
        from slipway.engines.images.files import EngineImageFiles

        return EngineImageFiles(lambda: self.client, {LABEL: "files", **Owner.here().labels()})
