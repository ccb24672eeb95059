"""Files of an image, read without starting it: a container is created, read from and removed."""

import io
import tarfile
from collections.abc import Callable
from contextlib import closing, suppress
from typing import TYPE_CHECKING

from slipway.engines.images import errors as say_why
from slipway.errors import Refused

if TYPE_CHECKING:
    from docker import DockerClient

_LARGEST = 16_000_000


class EngineFiles:
    """The port `ImageFiles` over one engine; `client` opens it when it is first needed."""

    def __init__(self, client: "Callable[[], DockerClient]") -> None:
        self._client = client

    def read(self, image: str, path: str) -> bytes:
        """Return the file's content, at most 16 MB. Raises `Refused` when the image has no such file."""
        from docker.errors import APIError, NotFound
        from requests.exceptions import RequestException

        try:
            with closing(self._client()) as client:
                container = client.containers.create(image, ["-"], labels={"slipway.reads": "image"})
                try:
                    chunks, _ = container.get_archive(path)
                    return _only_file(chunks, path, image)
                finally:
                    with suppress(APIError, RequestException):
                        container.remove(force=True, v=True)
        except NotFound as error:
            raise Refused(f"{path} is not in the image", where=image) from error
        except APIError as error:
            raise say_why.engine_refused(error.explanation or str(error)) from error
        except RequestException as error:
            raise say_why.engine_lost(error) from error

    def discard(self, image: str) -> None:
        """Remove an image that has no name; one that is named, used or built upon stays."""
        from docker.errors import APIError

        with closing(self._client()) as client, suppress(APIError):
            if not client.images.get(image).tags:
                client.images.remove(image)


def _only_file(chunks: object, path: str, image: str) -> bytes:
    whole = io.BytesIO()
    for chunk in chunks:  # type: ignore[attr-defined]
        if whole.tell() > _LARGEST:
            raise Refused(f"{path} is larger than {_LARGEST} bytes", where=image)
        whole.write(chunk)
    whole.seek(0)
    with tarfile.open(fileobj=whole) as archive:
        member = archive.next()
        opened = archive.extractfile(member) if member and member.isfile() else None
        if opened is None:
            raise Refused(f"{path} is no file", where=image)
        return opened.read()
