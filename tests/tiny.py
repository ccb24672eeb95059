"""Tiny images for tests: Debian's busybox-static and a few files, imported into the engine in a moment."""

import functools
import io
import subprocess
import tarfile
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from docker import DockerClient
    from docker.models.containers import Container

LABEL = "slipway.test"
_PROGRAMS = (
    "sh",
    "cat",
    "find",
    "grep",
    "head",
    "ls",
    "test",
    "sleep",
    "wc",
    "tr",
    "httpd",
    "yes",
    "printf",
    "id",
    "nc",
    "touch",
    "kill",
    "date",
    "stat",
)


@functools.cache
def _busybox() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        # The download's own sandbox user may not write into a private folder, which apt only warns of.
        subprocess.run(["apt-get", "-qq", "download", "busybox-static"], cwd=folder, check=True, capture_output=True)
        package = next(Path(folder).glob("busybox-static_*.deb"))
        subprocess.run(["dpkg-deb", "-x", str(package), str(Path(folder, "root"))], check=True)
        return next(file for file in Path(folder, "root").rglob("bin/busybox")).read_bytes()


def archive(files: Mapping[str, str | bytes], modes: Mapping[str, int]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as tar:

        def add(name: str, data: bytes, mode: int) -> None:
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(data), mode
            tar.addfile(entry, io.BytesIO(data))

        for folder in ("bin", "etc", "tmp", "run", "root"):
            entry = tarfile.TarInfo(folder)
            usual = 0o1777 if folder in {"tmp", "run"} else 0o755
            entry.type, entry.mode = tarfile.DIRTYPE, modes.get(f"/{folder}", usual)
            tar.addfile(entry)
        add("bin/busybox", _busybox(), 0o755)
        for program in _PROGRAMS:
            link = tarfile.TarInfo(f"bin/{program}")
            link.type, link.linkname = tarfile.SYMTYPE, "busybox"
            tar.addfile(link)
        add("etc/passwd", b"root:x:0:0::/root:/bin/sh\napp:x:10001:10001::/app:/bin/sh\n", 0o644)
        for path, text in files.items():
            add(path.lstrip("/"), text if isinstance(text, bytes) else text.encode(), modes.get(path, 0o755))
    return buffer.getvalue()


@contextmanager
def image(
    client: "DockerClient",
    files: Mapping[str, str | bytes] | None = None,
    *changes: str,
    modes: Mapping[str, int] | None = None,
) -> Iterator[str]:
    """Import an image of busybox and `files` (path -> content); `changes` are Dockerfile lines. Yields its reference.

    A file's mode is 0755 unless `modes` has another.
    """
    repository = f"slipway-test/tiny-{uuid.uuid4().hex[:12]}"
    lines = ["ENV PATH=/bin:/usr/bin", f"LABEL {LABEL}=tiny", 'CMD ["sleep", "300"]', *changes]
    client.api.import_image_from_data(archive(files or {}, modes or {}), repository=repository, tag="1", changes=lines)
    try:
        yield f"{repository}:1"
    finally:
        client.images.remove(f"{repository}:1", force=True)


@contextmanager
def running(client: "DockerClient", reference: str, **options: Any) -> Iterator["Container"]:
    """Run a container of an image; it is gone afterwards."""
    labels = {LABEL: "tiny", **options.pop("labels", {})}
    init = options.pop("init", False)
    container = client.containers.run(
        reference, detach=True, init=init, labels=labels, stop_signal="SIGTERM", **options
    )
    try:
        yield container
    finally:
        container.remove(force=True, v=True)


def wait_until(act: Any, seconds: float = 5) -> None:
    """Wait until `act` answers true."""
    deadline = time.monotonic() + seconds
    while not act():
        assert time.monotonic() < deadline, "did not become true in time"
        time.sleep(0.05)
