"""Reads an image's list of packages from its whole file system, which the engine sends once; nothing of it runs."""

import tarfile
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, cast

from slipway.errors import Unreachable, UsageError
from slipway.inventory.debian import System, licences_of, read_status
from slipway.inventory.npm import NpmLock
from slipway.inventory.package import Inventory, sorted_packages
from slipway.inventory.python import read_metadata
from slipway.ports import BuiltImage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from docker import DockerClient
    from docker.models.containers import Container

LABEL = "slipway.contents"
_STATUS, _STATUS_FOLDER = "var/lib/dpkg/status", "var/lib/dpkg/status.d/"
_SYSTEM = ("usr/lib/os-release", "etc/os-release")
# What Debian itself packages is Debian's to mend, and its patches do not show in the version that Python tells.
_DEBIANS_PYTHON = "usr/lib/python3/dist-packages/"
# A portal's bundle shows no packages; what it was made from stands here.
_BUNDLE = "etc/slipway/lock.gzip"
_LARGEST = 64 << 20


class ImageContents:
    """Port `Contents` over this machine's engine."""

    def __init__(self, client: "DockerClient") -> None:
        """Take an engine."""
        self._client = client
        self._cancelled = threading.Event()

    def cancel(self) -> None:
        """End what is read, from another thread; `inventory` raises `Unreachable`, now and later."""
        self._cancelled.set()

    def inventory(self, image: BuiltImage) -> Inventory:
        """Return what `image` holds. Raises `Unreachable` when the engine does not answer or stops in the middle."""
        from docker.errors import APIError, DockerException
        from requests import RequestException
        from urllib3.exceptions import HTTPError

        reference = image.tags[0] if image.tags else image.id
        seen = _Seen()
        try:
            # Created and never started: the command is not looked for.
            container = self._client.containers.create(
                image.id, ["-"], entrypoint=["-"], network_mode="none", labels={LABEL: image.name}
            )
            try:
                with tarfile.open(
                    fileobj=cast("IO[bytes]", _Stream(self._chunks(container, reference))), mode="r|"
                ) as tar:
                    for entry in tar:
                        seen.look(entry, tar)
            finally:
                with suppress(APIError):
                    container.remove(force=True, v=True)
        except (DockerException, RequestException, HTTPError, tarfile.TarError, EOFError) as error:
            raise Unreachable(
                f"the engine did not hand the image out: {str(error)[:300]}",
                where=reference,
                hint="see that the engine runs (docker version), then repeat",
            ) from error
        return seen.inventory(image.name, reference, image.id)

    def _chunks(self, container: "Container", reference: str) -> "Iterator[bytes]":
        # The stubs say text; what comes is a generator of bytes.
        for chunk in cast("Iterator[bytes]", container.export()):
            if self._cancelled.is_set():
                raise Unreachable("reading the image was cancelled", where=reference)
            yield chunk


@dataclass(slots=True)
class _Seen:
    """What went by in a file system that matters, by path."""

    texts: dict[str, str] = field(default_factory=dict)
    bundle: bytes = b""
    unread: list[str] = field(default_factory=list)

    def look(self, entry: tarfile.TarInfo, tar: tarfile.TarFile) -> None:
        name = entry.name.removeprefix("./")
        if not entry.isreg() or not _matters(name):
            return
        content = tar.extractfile(entry)
        if entry.size > _LARGEST or content is None:
            self.unread.append(f"/{name}: larger than {_LARGEST >> 20} MiB")
            return
        if name == _BUNDLE:
            self.bundle = content.read()
        else:
            self.texts[name] = content.read().decode("utf-8", "replace")

    def inventory(self, image: str, reference: str, image_id: str) -> Inventory:
        system = System.read(next((self.texts[name] for name in _SYSTEM if name in self.texts), ""))
        licences = {
            name.split("/")[3]: licences_of(text) for name, text in self.texts.items() if name.endswith("/copyright")
        }
        packages = []
        for name, text in sorted(self.texts.items()):
            if name == _STATUS or name.startswith(_STATUS_FOLDER):
                found, unread = read_status(text, system, licences)
                packages += found
                self.unread += [f"/{name}: {why}" for why in unread]
            elif name.endswith(("/METADATA", "/PKG-INFO", ".egg-info")):
                package = read_metadata(text, self.texts.get(name.rpartition("/")[0] + "/direct_url.json", ""))
                if package is None:
                    self.unread.append(f"/{name}: has no usable name and version")
                else:
                    packages.append(package)
        if self.bundle:
            try:
                packages += NpmLock.of_bundle(self.bundle, f"/{_BUNDLE}")
            except UsageError as error:
                self.unread.append(f"{error.where}: {error.message}")
        called = f"{system.id} {system.version}".strip()
        return Inventory(image, reference, image_id, sorted_packages(packages), called, tuple(self.unread))


def _matters(name: str) -> bool:
    folder, _, file = name.rpartition("/")
    if name.startswith(_DEBIANS_PYTHON):
        return False
    if folder.endswith(".dist-info"):
        return file in {"METADATA", "direct_url.json"}
    if folder.endswith(".egg-info"):
        return file == "PKG-INFO"
    if file.endswith(".egg-info"):
        return True
    is_licence = name.startswith("usr/share/doc/") and file == "copyright" and name.count("/") == 4
    is_list = name.startswith(_STATUS_FOLDER) and not file.endswith((".md5sums", ".list"))
    return name in {_STATUS, _BUNDLE, *_SYSTEM} or is_licence or is_list


class _Stream:
    """The engine's chunks as something that `tarfile` can read from."""

    def __init__(self, chunks: "Iterator[bytes]") -> None:
        self._chunks = chunks
        self._left = b""

    def read(self, size: int) -> bytes:
        parts, missing = [self._left], size - len(self._left)
        while missing > 0 and (chunk := next(self._chunks, b"")):
            parts.append(chunk)
            missing -= len(chunk)
        whole = b"".join(parts)
        self._left = whole[size:]
        return whole[:size]
