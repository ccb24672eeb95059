"""Makes base images: from a registry's Debian flavours where one answers, else from Debian packages.

Whatever the origin, `bases/<name>.Dockerfile` is applied on top, so both keep the same contract. Nothing is made twice:
an image whose label carries the digest of its recipe is taken as it is.
"""

import contextlib
import fcntl
import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path
from typing import Protocol

from slipway.engines.images.bootstrap import debian_root
from slipway.engines.images.machine import index_argument, own_home, read_machine
from slipway.errors import Refused, UsageError
from slipway.ports import BuildEvent, BuiltImage, ContextPart, ImageBuild, Say
from slipway.release.bases import (
    COMMON_FILES,
    NAMESPACE,
    RECIPE_LABEL,
    RECIPES,
    BaseRecipe,
    Machine,
    needs,
    recipe_digests,
    with_parents,
)

RECIPES_FOLDER = Path(__file__).parents[4] / "bases"
_AT_ONCE = 4


class BaseImages(Protocol):
    """An engine that base images can be made in; `BuildKitImages` is one."""

    def build(self, build: ImageBuild, tell: Callable[[BuildEvent], None]) -> BuiltImage:
        """Build one image, as the port `Images` has it."""

    def inspect(self, reference: str) -> BuiltImage | None:
        """Return the image or None when the engine does not have it."""

    def answers(self, reference: str, seconds: float = 4.0) -> bool:
        """Whether a registry offers `reference` to this engine."""

    def pull(self, reference: str) -> None:
        """Bring an image from its registry into the engine."""

    def import_root(self, tar: Iterator[bytes], reference: str, labels: Mapping[str, str]) -> str:
        """Make an image out of a root file system and return its id."""

    def cancel(self) -> None:
        """End every build that this object runs."""

    def discard(self, image: str) -> None:
        """Remove an image that no name and no other image needs any more; leave it otherwise."""


def ensure_bases(
    images: BaseImages,
    names: Iterable[str],
    say: Say,
    *,
    registry: str = "",
    machine: Machine | None = None,
    folder: Path = RECIPES_FOLDER,
    namespace: str = NAMESPACE,
    fresh: bool = False,
) -> dict[str, str]:
    """Make the base images `names` and all they stand on, where they are not there yet; return name → reference.

    With `fresh` all of them are made anew, current or not: with the updates that have come out meanwhile.

    `registry` is asked instead of the engine's default one; `say` may be called from several threads. Raises
    `UsageError` on an unknown name and where neither a registry answers nor packages can be used, `Refused` when a
    recipe fails, `Unreachable` when the engine or the mirror does not answer.
    """
    wanted = tuple(names)
    if unknown := [name for name in wanted if name not in RECIPES]:
        raise UsageError(f"there is no base image {unknown[0]!r}", hint=f"there are {', '.join(RECIPES)}")
    machine = machine if machine is not None else read_machine(home=own_home())
    kitchen = _Kitchen(images, say, registry, machine, folder, namespace, fresh=fresh)
    if kitchen.missing(wanted):
        with _alone(say):
            kitchen.make(kitchen.missing(wanted))
    return {name: RECIPES[name].image_in(namespace) for name in wanted}


class _Kitchen:
    """One run: decides for each base where it comes from and makes it when what it stands on is there."""

    def __init__(
        self,
        images: BaseImages,
        say: Say,
        registry: str,
        machine: Machine,
        folder: Path,
        namespace: str,
        *,
        fresh: bool,
    ) -> None:
        self._images = images
        self._say = say
        self._registry = registry.rstrip("/")
        self._machine = machine
        self._folder = folder
        self._namespace = namespace
        self._fresh = fresh
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._stoves = threading.Semaphore(_AT_ONCE)
        self._futures: dict[str, Future[None]] = {}
        self._answers: bool | None = None
        self._digests: dict[str, str] = {}

    def missing(self, names: tuple[str, ...]) -> tuple[str, ...]:
        """Return which of `names` must be made, with the parents that must be made for them, parents first."""
        self._digests = recipe_digests(names, self._texts(names), self._machine)
        children = [name for name in names if not self._current(name)]
        return tuple(name for name in with_parents(children) if not self._current(name))

    def make(self, names: tuple[str, ...]) -> None:
        """Make `names`, everything independent at the same time."""
        with tempfile.TemporaryDirectory(prefix="slipway-bases-") as scratch:
            for path, content in self._machine.files().items():
                target = Path(scratch, path)
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content)
            # A thread each: a child that waits for its parent takes no stove.
            with ThreadPoolExecutor(max(1, len(names))) as pool:
                for name in names:
                    self._futures[name] = pool.submit(self._make, RECIPES[name], Path(scratch))
                try:
                    for future in self._futures.values():
                        future.result()
                except BaseException:
                    self._stop.set()
                    self._images.cancel()
                    raise

    def _texts(self, names: tuple[str, ...]) -> dict[str, bytes]:
        texts: dict[str, bytes] = {}
        for name in with_parents(names):
            for part in (f"{name}.Dockerfile", *COMMON_FILES, *RECIPES[name].files):
                try:
                    texts[part] = (self._folder / part).read_bytes()
                except OSError as error:
                    raise UsageError(
                        f"cannot be read: {error.strerror}", where=str(self._folder / part), hint="restore the checkout"
                    ) from error
        return texts

    def _current(self, name: str) -> bool:
        if self._fresh:
            return False
        found = self._images.inspect(self._image(name))
        return found is not None and found.labels.get(RECIPE_LABEL) == self._digests[name]

    def _make(self, recipe: BaseRecipe, machine: Path) -> None:
        upstream = self._upstream(recipe)
        # From a registry a base needs no parent, but its Dockerfile may name builders all the same.
        for name in recipe.builders if upstream else needs(recipe):
            if name in self._futures:
                self._futures[name].result()
        with self._stoves:
            if self._stop.is_set():
                raise Refused("not made, because another base image failed", where=self._image(recipe.name))
            begin = time.monotonic()
            if upstream:
                # The builder would fetch it too, but without the registry's log-in.
                self._images.pull(upstream)
            arguments = {name.upper(): self._image(name) for name in recipe.builders}
            arguments["PARENT"] = upstream or (self._image(recipe.parent) if recipe.parent else self._root())
            arguments |= index_argument(self._machine.pip_index)
            earlier = self._images.inspect(self._image(recipe.name))
            built = self._build(recipe, arguments, machine, "registry" if upstream else "packages")
            if earlier and earlier.id != built.id and RECIPE_LABEL in earlier.labels:
                self._images.discard(earlier.id)
        seconds = time.monotonic() - begin
        size = f"{built.size / 1e6:.0f} MB"
        self._say(f"{self._image(recipe.name)} from {upstream or 'Debian packages'}: {size} in {seconds:.1f} s")

    def _image(self, name: str) -> str:
        return RECIPES[name].image_in(self._namespace)

    def _upstream(self, recipe: BaseRecipe) -> str:
        """Return the registry's image for this recipe, "" when none answers or it has none."""
        if not recipe.upstream:
            return ""
        reference = f"{self._registry}/{recipe.upstream}" if self._registry else recipe.upstream
        with self._lock:
            if self._answers is False:
                return ""
            found = self._images.answers(reference)
            if self._answers is None:
                # The first answer stands for the registry; a later image may still be missing there.
                self._answers = found
                registry = self._registry or "the engine's registry"
                self._say(f"{registry} {'answers' if found else 'does not answer'} for {recipe.upstream}")
        return reference if found else ""

    def _build(self, recipe: BaseRecipe, arguments: Mapping[str, str], machine: Path, origin: str) -> BuiltImage:
        parts = [
            ContextPart(self._folder / part) for part in (f"{recipe.name}.Dockerfile", *COMMON_FILES, *recipe.files)
        ]
        build = ImageBuild(
            name=f"base-{recipe.name}",
            context=(*parts, ContextPart(machine, "machine")),
            dockerfile=f"{recipe.name}.Dockerfile",
            tags=(self._image(recipe.name),),
            target=origin if recipe.staged else None,
            arguments=arguments,
            labels={RECIPE_LABEL: self._digests[recipe.name], "slipway.base.origin": origin},
            no_cache=self._fresh,
        )
        return self._images.build(build, self._tell)

    def _tell(self, event: BuildEvent) -> None:
        if event.seconds is not None and event.seconds >= 1:
            self._say(f"{event.build}: {event.step[:100]} {event.seconds:.1f} s")

    def _root(self) -> str:
        # The root depends on the mirror alone; the recipe on top applies updates and certificates.
        digest = sha256(self._machine.sources.encode()).hexdigest()[:16]
        root = f"{self._namespace}/base-root:bookworm"
        found = self._images.inspect(root)
        if found is None or found.labels.get(RECIPE_LABEL) != digest:
            self._say("bootstrapping Debian 12 from the machine's package mirror")
            with debian_root(self._machine, self._say, self._stop) as tar:
                self._images.import_root(tar, root, {RECIPE_LABEL: digest})
            if found:
                self._images.discard(found.id)
        return root


@contextlib.contextmanager
def _alone(say: Say) -> Iterator[None]:
    """Keep a second run on this machine waiting: it would make the same images at the same time."""
    path = Path(tempfile.gettempdir(), f"slipway-bases-{os.getuid()}.lock")
    file = os.open(path, os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW, 0o600)
    try:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another run is making base images: waiting for it")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
    finally:
        os.close(file)
