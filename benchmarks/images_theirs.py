"""The monorepo's own production images, built as it says, on Slipway's base images.

What has to differ, differs in a copy of its Dockerfiles: the base images' names, the machine's certificates and
package index, and the musl build of Rollup, which no Debian base can run. Its python base brings pip in /usr/local.
"""

import re
import time
from pathlib import Path

import docker

from slipway.engines.images.buildkit import BuildKitImages
from slipway.engines.images.machine import build_arguments, own_home
from slipway.ports import BuiltImage, ContextPart, ImageBuild

PORTALS = ("zamio_frontend", "zamio_admin", "zamio_publisher", "zamio_stations")
PYTHON = "slipway/benchmark-python:bookworm"
_BASES = {"python": PYTHON, "node": "slipway/base-node:bookworm", "nginx": "slipway/base-nginx:bookworm"}
_AUTHORITIES = "/etc/ssl/certs/ca-certificates.crt"
_MACHINE = f"""ARG PIP_INDEX_URL
ENV PIP_CERT={_AUTHORITIES} SSL_CERT_FILE={_AUTHORITIES} NODE_EXTRA_CA_CERTS={_AUTHORITIES}
"""
# A folder of its own for what is installed, as in the usual python image.
_PYTHON = "FROM slipway/base-python:bookworm\nRUN python3 -m venv /usr/local\n"


class Theirs:
    """The five images of a copy of the monorepo."""

    def __init__(self, source: Path, folder: Path) -> None:
        self.source, self.folder = source, folder
        self.images = BuildKitImages(arguments=build_arguments(home=own_home()))
        self.built: dict[str, BuiltImage] = {}

    def prepare(self) -> None:
        """Make the python base, and Dockerfiles that build on this machine."""
        self.folder.mkdir()
        (self.folder / "python.Dockerfile").write_text(_PYTHON)
        base = ImageBuild("python", (ContextPart(self.folder / "python.Dockerfile"),), "python.Dockerfile", (PYTHON,))
        self.images.build(base, lambda _: None)
        for file in ("zamio_backend/Dockerfile.prod", "docker/frontend.prod.Dockerfile"):
            text = (self.source / file).read_text().replace("-musl", "-gnu")
            for name, base_image in _BASES.items():
                text = re.sub(
                    rf"^FROM {name}:\S+( AS \w+)?$", rf"FROM {base_image}\1\n{_MACHINE}", text, flags=re.MULTILINE
                )
            (self.folder / Path(file).name).write_text(text)

    def build(self) -> float:
        """Build all five at once; return seconds."""
        backend = ImageBuild(
            "backend",
            (ContextPart(self.source / "zamio_backend"), ContextPart(self.folder / "Dockerfile.prod")),
            "Dockerfile.prod",
            ("slipway/benchmark-backend:theirs",),
        )
        builds = [backend, *(self._portal(name) for name in PORTALS)]
        begin = time.monotonic()
        built = self.images.build_all(builds, lambda _: None, at_once=len(builds))
        seconds = time.monotonic() - begin
        self.built = {image.name: image for image in built}
        return seconds

    def remove(self) -> None:
        """Take the images away."""
        client = docker.from_env()
        for reference in (PYTHON, *(tag for image in self.built.values() for tag in image.tags)):
            client.images.remove(reference, force=True)

    def _portal(self, name: str) -> ImageBuild:
        return ImageBuild(
            name,
            (ContextPart(self.source), ContextPart(self.folder / "frontend.prod.Dockerfile")),
            "frontend.prod.Dockerfile",
            (f"slipway/benchmark-{name.replace('_', '-')}:theirs",),
            arguments={"WORKSPACE_NAME": name, "WORKSPACE_DIR": name, "VITE_API_URL": "https://api.zamio.localhost"},
        )
