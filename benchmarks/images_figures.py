"""The figures of both sides: changed lines, distinct bytes, what is pushed."""

import http.client
import json
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import docker
from figures import Figure
from images_own import Own
from images_theirs import PORTALS, Theirs
from runtime_parts import free_port, until

MEGABYTE = 1e6


def ratio(name: str, own: float, theirs: float, most: float) -> Figure:
    """Return one figure from seconds of both sides."""
    return Figure(f"{name} ({own:.1f} s against {theirs:.1f} s)", own / theirs, "x", f"<= {most}", own / theirs <= most)


def cold(own: Own, theirs: Theirs, *, prune: bool) -> list[Figure]:
    """Build both sides; a figure only from an empty cache, which is what a new machine has."""
    if not prune:
        theirs.build()
        own.build()
        return []
    own.prune()
    others = theirs.build()
    own.prune()
    # By force: an image of the same inputs may be there from an earlier run.
    return [ratio("cold build of all five", own.build("--force"), others, 0.6)]


def changes(copy: Path, own: Own, theirs: Theirs) -> list[Figure]:
    """Change one line of a portal, then one of the backend, and build all each time."""
    found = []
    nothing = min(own.build() for _ in range(3))
    found.append(Figure("nothing changed", nothing, "s", "<= 1.5", nothing <= 1.5))
    _edit(copy / "zamio_admin" / "src" / "main.tsx", "console.debug('{}')")
    found.append(ratio("one line in one portal", own.build(), theirs.build(), 0.15))
    _edit(copy / "zamio_backend" / "core" / "urls.py", "CHANGED = '{}'")
    found.append(ratio("one line in the backend", own.build(), theirs.build(), 0.3))
    return found


def sizes(own: Own, theirs: Theirs) -> list[Figure]:
    """Compare the backend, and the bytes that four portals need: each distinct layer once."""
    client = docker.from_env().api
    names = [name for name in own.document["images"] if name != "backend"]
    ours = _distinct(client, [own.image(name) for name in names])
    others = _distinct(client, [theirs.built[name].id for name in PORTALS])
    backend = client.inspect_image(own.image("backend"))["Size"], theirs.built["backend"].size
    return [
        _bytes("portals' distinct bytes, bases included", ours, others, 0.2),
        _bytes("backend", *backend, 0.55),
    ]


def pushed(copy: Path, own: Own) -> list[Figure]:
    """Push the backend, change one line, build and push again: the layers that the registry did not have."""
    client = docker.from_env(timeout=600)
    port = free_port()
    ports = {"5000/tcp": ("127.0.0.1", port)}
    registry = client.containers.run("slipway/base-registry:bookworm", detach=True, remove=True, ports=ports)
    repository = f"127.0.0.1:{port}/benchmark/backend"
    try:
        until(lambda: _registry(port, "/v2/") is not None, 30, "the registry")
        before = _push(client, own, repository, port)
        _edit(copy / "zamio_backend" / "core" / "urls.py", "CHANGED_AGAIN = '{}'")
        own.build()
        after = _push(client, own, repository, port)
    finally:
        registry.stop(timeout=1)
    new = sum(size for digest, size in after.items() if digest not in before)
    found = Figure("pushed for one line of the backend", new / MEGABYTE, "MB", "<= 1", new <= MEGABYTE)
    return [found, Figure("pushed the first time", sum(before.values()) / MEGABYTE, "MB")]


def checks(own: Own) -> list[Figure]:
    """Time `inv check.images` once the images exist; the better of two, the first may have to read every layer."""
    first, _ = own.check()
    second, ok = own.check()
    return [
        Figure("check.images of seven services, first time", first, "s"),
        Figure("check.images of seven services", second, "s", "<= 15", second <= 15 and ok),
    ]


def _edit(file: Path, line: str) -> None:
    with file.open("a") as text:
        text.write("\n" + line.format(time.monotonic_ns()) + "\n")


def _bytes(name: str, own: float, theirs: float, most: float) -> Figure:
    told = f"{name} ({own / MEGABYTE:.0f} MB against {theirs / MEGABYTE:.0f} MB)"
    return Figure(told, own / theirs, "x", f"<= {most}", own / theirs <= most)


def _distinct(client: Any, images: Iterable[str]) -> int:
    """Return the bytes of all layers of the images, each counted once."""
    layers: dict[str, int] = {}
    for image in images:
        written = [entry["Size"] for entry in reversed(client.history(image))]
        diffs = client.inspect_image(image)["RootFS"]["Layers"]
        # History has entries that wrote nothing, too; a layer of no bytes counts for nothing wherever it is put.
        sized = [size for size in written if size]
        if len(sized) > len(diffs):
            raise ValueError(f"{image} has {len(diffs)} layers and {len(sized)} entries that wrote something")
        # The bottom is what images share: an empty layer in between moves a size to a neighbour, the sum stays.
        layers |= dict(zip(diffs, [*sized, *[0] * (len(diffs) - len(sized))], strict=True))
    return sum(layers.values())


def _push(client: Any, own: Own, repository: str, port: int) -> dict[str, int]:
    """Push the backend's image; return the registry's word on it: layer digest -> compressed bytes."""
    client.images.get(own.image("backend")).tag(repository, "measured")
    for message in client.api.push(repository, "measured", stream=True, decode=True):
        if "error" in message:
            raise SystemExit(message["error"])
    manifest = _registry(port, "/v2/benchmark/backend/manifests/measured")
    client.api.remove_image(f"{repository}:measured")
    assert manifest is not None
    return {layer["digest"]: layer["size"] for layer in (*manifest["layers"], manifest["config"])}


def _registry(port: int, path: str) -> dict[str, Any] | None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        accept = "application/vnd.docker.distribution.manifest.v2+json"
        connection.request("GET", path, headers={"Accept": accept})
        answer = connection.getresponse()
        body = answer.read()
        return json.loads(body or b"{}") if answer.status == 200 else None
    except OSError:
        return None
    finally:
        connection.close()
