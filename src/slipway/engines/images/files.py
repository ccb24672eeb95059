"""What is inside an image of the engine: read through a container that is made and never started."""

import contextlib
import io
import tarfile
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from slipway.errors import Refused, Unreachable

if TYPE_CHECKING:
    import docker


class EngineImageFiles:
    """The port `ImageFiles` over one engine, opened at the first question.

    `labels` go onto the containers, which are gone a moment later. `engine` may raise `Unreachable`.
    """

    def __init__(self, engine: "Callable[[], docker.DockerClient]", labels: Mapping[str, str] | None = None) -> None:
        self._engine = engine
        self._labels = dict(labels or {})

    @cached_property
    def _client(self) -> "docker.DockerClient":
        return self._engine()

    def read(self, image: str, folder: str) -> Mapping[str, bytes]:
        """Return path -> content of the files below `folder`, links left out.

        Raises `Refused` where image or folder is not there, `Unreachable` when the engine does not answer.
        """
        import docker.errors
        import requests

        try:
            # The word is for an image that names no program of its own.
            container = self._client.containers.create(image, ["-"], labels=self._labels)
            try:
                chunks, _ = container.get_archive(folder)
                archive = io.BytesIO(b"".join(chunks))
            finally:
                container.remove(force=True, v=True)
        except docker.errors.NotFound as error:
            raise Refused(f"has no {folder}", where=image, details=(str(error.explanation or error),)) from error
        except (docker.errors.APIError, requests.RequestException) as error:
            raise Unreachable(f"the engine did not hand out {folder}: {error}", where=image) from error
        with tarfile.open(fileobj=archive) as tar:
            files = {entry.name.partition("/")[2]: tar.extractfile(entry) for entry in tar if entry.isfile()}
            return {name: file.read() for name, file in files.items() if file is not None}

    def untag(self, reference: str) -> None:
        """Take a name away; what no name and no container needs any more goes with it."""
        import docker.errors
        import requests

        try:
            self._client.images.remove(reference, noprune=True)
        except docker.errors.ImageNotFound:
            return
        except (docker.errors.APIError, requests.RequestException) as error:
            raise Unreachable(f"the engine did not take the name away: {error}", where=reference) from error

    def discard(self, image: str) -> None:
        """Remove an image that has no name; one that is named, used or built upon stays."""
        import docker.errors
        import requests

        with contextlib.suppress(docker.errors.APIError, requests.RequestException):
            if not self._client.images.get(image).tags:
                self._client.images.remove(image)
