"""An engine that builds, in memory."""

from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256

from slipway.errors import Refused, SlipwayError, UsageError
from slipway.ports import BuildEvent, BuiltImage, ImageBuild, Say
from slipway.testing.failing import Failing


class FakeImages(Failing):
    """Builds at once: an image's id is made from its name and first tag. `held` maps references to images.

    `pushed` lists references in the order in which the registry took them; `failures` under ("build", image name) or
    ("push", reference) are raised.
    """

    def __init__(self) -> None:
        super().__init__()
        self.held: dict[str, BuiltImage] = {}
        self.pushed: list[str] = []

    def build(self, build: ImageBuild, tell: Callable[[BuildEvent], None]) -> BuiltImage:
        """Build: one step that ran, one from the cache."""
        self._called("build", build.name)
        tell(BuildEvent(build.name, "[1/2] FROM base", seconds=0.0, cached=True))
        tell(BuildEvent(build.name, "[2/2] COPY . .", seconds=0.1))
        made = "sha256:" + sha256("".join((build.name, *build.tags[:1])).encode()).hexdigest()
        image = BuiltImage(build.name, made, build.tags, 1, build.labels)
        for tag in build.tags:
            self.held[tag] = image
        self.held[made] = image
        return image

    def build_all(
        self,
        builds: Sequence[ImageBuild],
        tell: Callable[[BuildEvent], None],
        at_once: int = 4,  # noqa: ARG002 - one after another
    ) -> tuple[BuiltImage, ...]:
        """Build one after another; the first failure is told and raised, as the port says."""
        built = []
        for build in builds:
            try:
                built.append(self.build(build, tell))
            except SlipwayError as error:
                tell(BuildEvent(build.name, BuildEvent.FAILED, error.message, 0.1))
                raise
            tell(BuildEvent(build.name, BuildEvent.WHOLE, "1 MB", 0.1))
        return tuple(built)

    def inspect(self, reference: str) -> BuiltImage | None:
        """Return what `held` has."""
        return self.held.get(reference)

    def tag(self, reference: str, other: str) -> None:
        """Give an image a further name. Raises `UsageError` when there is none."""
        self._called("tag", other)
        if reference not in self.held:
            raise UsageError("the engine does not have this image", where=reference)
        self.held[other] = self.held[reference]

    def push(self, reference: str, say: Say) -> str:
        """Take it; the digest is made from the image's id."""
        self._called("push", reference)
        if reference not in self.held:
            raise UsageError("the engine does not have this image", where=reference)
        self.pushed.append(reference)
        say("pushed")
        digest = sha256(self.held[reference].id.encode()).hexdigest()
        return f"{reference.rpartition(':')[0]}@sha256:{digest}"


class FakeImageFiles(Failing):
    """Every image holds `files` (path -> content); `discarded` lists what was thrown away."""

    def __init__(self, files: Mapping[str, bytes] | None = None) -> None:
        super().__init__()
        self.files = dict(files or {})
        self.discarded: list[str] = []

    def read(self, image: str, path: str) -> bytes:
        """Return what `files` has. Raises `Refused` when there is none."""
        self._called("read", path)
        if path not in self.files:
            raise Refused(f"{path} is not in the image", where=image)
        return self.files[path]

    def discard(self, image: str) -> None:
        """Remember it."""
        self._called("discard", image)
        self.discarded.append(image)
