"""Image layers: every byte of every distinct layer, searched for known values with one pass of grep.

The engine hands out an image as one tar (`GET /images/get`), several images as one too, in which a layer that they
share stands once. A layer holds also what a later one deletes. A dozen secrets in all their spellings are a hundred
texts: grep seeks them together at some 400 MB/s, Python's own search would read each layer once a text.
"""

import json
import os
import subprocess
import tarfile
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from slipway.engines.images.errors import engine_lost
from slipway.errors import Unreachable, UsageError

if TYPE_CHECKING:
    import docker

_CHUNK = 1 << 20
_MOST_HITS = 100  # of one layer; more say nothing more
_MANIFEST_BYTES = 4 << 20


@dataclass(frozen=True, slots=True)
class Hit:
    """One place: `text` is what was found, `path` the file in the layer, "" between files."""

    text: str
    path: str


@dataclass(slots=True)
class LayerSearch:
    """Searches layers of one engine. `stop` ends a search that is under way, which then raises `Unreachable`."""

    client: "docker.DockerClient"
    stop: threading.Event = field(default_factory=threading.Event)

    def layers(self, image: str) -> tuple[str, ...]:
        """Return the diff ids (`sha256:...`) of an image's layers, the lowest first."""
        found = self.client.api.inspect_image(image)  # type: ignore[no-untyped-call]  # the stubs leave it out
        return tuple((found.get("RootFS") or {}).get("Layers") or ())

    def search(self, images: Iterable[str], texts: Iterable[str]) -> dict[str, tuple[Hit, ...]]:
        """Return diff id -> hits for every layer of `images` (ids or references); an empty tuple is a clean layer.

        `texts` hold no line break. Raises `Unreachable` when the engine is lost or stops half way, `UsageError` where
        there is no grep.
        """
        wanted, sought = sorted(set(images)), sorted({text for text in texts if text})
        if not wanted or not sought:
            return {}
        patterns = "\n".join(sought).encode()
        members: dict[str, list[tuple[int, str]]] = {}
        manifest = self._walk(wanted, lambda name, file: members.__setitem__(name, self._grep(file, patterns)))
        hit = {name: places for name, places in members.items() if places}
        paths = self._paths(wanted, hit) if hit else {}
        found: dict[str, tuple[Hit, ...]] = {}
        for entry in manifest:
            ids = self.layers(f"sha256:{Path(entry['Config']).name.removesuffix('.json')}")
            if len(ids) != len(entry["Layers"]):
                raise Unreachable("the engine handed out another number of layers than it names", where=entry["Config"])
            for diff_id, member in zip(ids, entry["Layers"], strict=True):
                found[diff_id] = tuple(paths.get(member, ()))
                if member not in members:
                    raise Unreachable(f"the engine did not hand out layer {diff_id}", where=entry["Config"])
        return found

    def _walk(self, images: list[str], take: Callable[[str, IO[bytes]], None]) -> list[dict[str, Any]]:
        """Hand each layer's bytes to `take`, once; return the manifest, which names the layers of each image."""
        from requests import RequestException
        from urllib3.exceptions import HTTPError

        manifest: list[dict[str, Any]] | None = None
        links: dict[str, str] = {}
        try:
            # `APIClient` is a requests session; its own `get_image` asks for one image only.
            url = f"{self.client.api.base_url}/v{self.client.api.api_version}/images/get"
            with self.client.api.get(url, params={"names": images}, stream=True, timeout=120) as answer:
                if answer.status_code != 200:
                    raise Unreachable(f"the engine hands out no layers: {answer.text[:300]}", where="images")
                with tarfile.open(fileobj=answer.raw, mode="r|", bufsize=_CHUNK) as tar:
                    for member in tar:
                        file = tar.extractfile(member) if member.isfile() else None
                        if member.name == "manifest.json" and file is not None:
                            manifest = json.loads(file.read(_MANIFEST_BYTES))
                        elif file is not None and _is_layer(member):
                            take(member.name, file)
                        elif member.issym():  # an engine may write a layer that several images share once only
                            links[member.name] = os.path.normpath(f"{Path(member.name).parent}/{member.linkname}")
        except (RequestException, HTTPError) as error:
            lost = engine_lost(error)
            raise Unreachable(f"reading layers: {lost.message}", where="images", hint=lost.hint) from error
        except (tarfile.TarError, ValueError, KeyError) as error:
            raise Unreachable(f"the engine's archive of layers breaks off: {error}", where="images") from error
        if manifest is None:
            raise Unreachable("the engine's archive of layers has no manifest", where="images")
        return [{**entry, "Layers": [links.get(name, name) for name in entry["Layers"]]} for entry in manifest]

    def _grep(self, layer: IO[bytes], patterns: bytes) -> list[tuple[int, str]]:
        """Return (offset in the layer, text) of what it holds. The texts travel on a pipe, never as arguments."""
        reading, writing = os.pipe()
        # A "line" ends at a zero byte, of which every tar is full, so that grep never has to keep much.
        words = ["grep", "-z", "-a", "-b", "-o", "-F", "-m", str(_MOST_HITS), "-f", f"/dev/fd/{reading}"]
        try:
            grep = subprocess.Popen(
                words,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                pass_fds=(reading,),
                env={"LC_ALL": "C", "PATH": os.defpath},
            )
        except FileNotFoundError as error:
            os.close(writing)
            raise UsageError("layers are searched with grep, which is not there", where="grep") from error
        finally:
            os.close(reading)
        found: list[bytes] = []
        assert grep.stdin is not None
        assert grep.stdout is not None
        reader = threading.Thread(target=lambda out: found.append(out.read()), args=(grep.stdout,), daemon=True)
        with grep:
            reader.start()
            with os.fdopen(writing, "wb") as pipe:
                pipe.write(patterns)
            try:
                for chunk in _plain(_chunks(layer, self.stop)):
                    grep.stdin.write(chunk)
                grep.stdin.close()
            except BrokenPipeError:  # it has seen enough
                for _ in _chunks(layer, self.stop):
                    pass
            except BaseException:
                grep.kill()
                raise
            finally:
                reader.join(10)
        if grep.returncode > 1:
            raise Unreachable(f"grep ended with {grep.returncode} in a layer", where="layers")
        places = (place.partition(b":") for place in (found[0] if found else b"").split(b"\0") if place)
        return [(int(offset), text.decode(errors="replace")) for offset, _, text in places]

    def _paths(self, images: list[str], hit: Mapping[str, list[tuple[int, str]]]) -> dict[str, list[Hit]]:
        """Read the layers that hold something once more, for the names of the files it stands in."""
        named: dict[str, list[Hit]] = {}

        def take(name: str, file: IO[bytes]) -> None:
            if name not in hit:
                return
            spans = []
            with tarfile.open(fileobj=file, mode="r|") as tar:
                spans = [(inner.offset, inner.offset_data + inner.size, inner.name) for inner in tar]
            for offset, text in hit[name]:
                path = next((path for begin, end, path in spans if begin <= offset < end), "")
                named.setdefault(name, []).append(Hit(text, f"/{path.removeprefix('./')}" if path else ""))

        self._walk(images, take)
        return named


def _is_layer(member: tarfile.TarInfo) -> bool:
    """Whether a file of the archive may be a layer: `<id>/layer.tar`, since engine 25 `blobs/sha256/<digest>`."""
    return member.name.endswith("/layer.tar") or member.name.startswith("blobs/sha256/")


def _plain(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Let through what is not compressed: nothing is ever found in what is, and that would look like a clean layer."""
    first = next(chunks, b"")
    if first.startswith((b"\x1f\x8b", b"\x28\xb5\x2f\xfd")):
        raise Unreachable(
            "the engine hands out compressed layers, in which nothing can be sought",
            where="layers",
            hint="switch its containerd image store off",
        )
    yield first
    yield from chunks


def _chunks(file: IO[bytes], stop: threading.Event) -> Iterator[bytes]:
    while chunk := file.read(_CHUNK):
        if stop.is_set():
            raise Unreachable("the search of layers was stopped", where="layers")
        yield chunk
