"""Image: names, tags, digests and labels; the only place a tag is made."""

import re
from dataclasses import dataclass
from datetime import datetime

_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")


@dataclass(frozen=True, slots=True)
class Version:
    """What is built: the workspace's version, its git revision (12 hex digits), whether it is dirty."""

    number: str
    revision: str
    dirty: bool = False

    @property
    def tag(self) -> str:
        """The image tag, `0.1.0-1f2e3d4c5b6a` or `0.1.0-1f2e3d4c5b6a-dirty`; valid for Docker and for Coolify."""
        tag = f"{self.number}-{self.revision}" + ("-dirty" if self.dirty else "")
        if not _TAG.fullmatch(tag):
            raise ValueError(f"{tag!r} is no image tag")
        return tag


@dataclass(frozen=True, slots=True)
class ImageName:
    """`<registry>/<workspace>/<image>` without a tag; `registry` may be empty for images that stay here."""

    registry: str
    workspace: str
    image: str

    @property
    def repository(self) -> str:
        """The name in the form that Docker and Coolify take."""
        return "/".join(part for part in (self.registry, self.workspace, self.image) if part)

    def tagged(self, tag: str) -> str:
        """Return `<repository>:<tag>`."""
        return f"{self.repository}:{tag}"


def oci_labels(title: str, version: Version, created: datetime, workspace: str) -> dict[str, str]:
    """Return the OCI annotations of an image (org.opencontainers.image.*) and Slipway's own."""
    return {
        "org.opencontainers.image.title": title,
        "org.opencontainers.image.version": version.number,
        "org.opencontainers.image.revision": version.revision,
        "org.opencontainers.image.created": created.isoformat(timespec="seconds"),
        "slipway.workspace": workspace,
        "slipway.dirty": "true" if version.dirty else "false",
    }
