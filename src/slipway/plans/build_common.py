"""What the builds of all images share: what they are called, where they start, what never enters a context."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath

from slipway.config.workspace import Workspace
from slipway.ports import ContextPart
from slipway.release.image import ImageName, Version, oci_labels

# What a checkout collects while people work in it and no image needs. Secrets and histories never enter any context.
LITTER = (
    "**/*.py[co]",
    "**/.pytest_cache",
    "**/.mypy_cache",
    "**/.ruff_cache",
    "**/.coverage*",
    "**/htmlcov",
    "**/venv",
    "**/*.sqlite3*",
    "**/*.log",
    "**/.DS_Store",
    "**/.idea",
    "**/.vscode",
)


@dataclass(frozen=True, slots=True)
class Bases:
    """References of the base images that the Dockerfiles start from."""

    python: str = "slipway/base-python:bookworm"
    node: str = "slipway/base-node:bookworm"
    nginx: str = "slipway/base-nginx:bookworm"
    ffmpeg: str = "slipway/base-ffmpeg:bookworm"


def bases_of(workspace: Workspace) -> tuple[str, ...]:
    """Return the names of the base images that a workspace's images are built on."""
    return ("python", "node", "nginx", *(("ffmpeg",) if workspace.backend.ffmpeg else ()))


@dataclass(frozen=True, slots=True)
class Common:
    """What every image of one build is made with."""

    workspace: Workspace
    version: Version
    created: datetime
    registry: str
    root: Path

    def tags(self, image: str) -> tuple[str, ...]:
        """Return the names that the image gets."""
        return (ImageName(self.registry, self.workspace.name, image).tagged(self.version.tag),)

    def labels(self, image: str) -> dict[str, str]:
        """Return the labels that say what the image is and where it comes from."""
        title = f"{self.workspace.name} {image}"
        return oci_labels(title, self.version, self.created, self.workspace.name) | {"slipway.image": image}


def part(root: Path, file: str, prefix: str) -> ContextPart:
    """Return the part that puts one file to `<prefix>/<file>`; a part's file keeps its own name below its prefix."""
    return ContextPart(root / file, str(PurePosixPath(prefix, file).parent))
