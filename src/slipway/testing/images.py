"""An engine that builds, and what is remembered of its builds, in memory."""

from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256

from slipway.errors import SlipwayError, UsageError
from slipway.ports import BuildEvent, BuiltImage, ImageBuild, Pushed, Say
from slipway.release.built import BuildRecord
from slipway.release.inputs import Inputs, inputs_of
from slipway.testing.failing import Failing


class FakeImages(Failing):
    """Builds at once: an image's id is made from its name and first tag. `held` maps references to images.

    `files` are what a context holds, by name, for every build; `registry` maps references to what can be fetched;
    `pushed` lists references in the order in which the registry took them; `failures` under ("build", image name),
    ("tag", reference), ("fetch", reference) or ("push", reference) are raised.
    """

    def __init__(self) -> None:
        super().__init__()
        self.held: dict[str, BuiltImage] = {}
        self.pushed: list[str] = []
        self.files: dict[str, str] = {}
        self.registry: dict[str, BuiltImage] = {}

    def architecture(self) -> str:
        """Return `amd64`."""
        return "amd64"

    def read(self, builds: Sequence[ImageBuild]) -> Mapping[str, Inputs]:
        """Return `files` with each build's own arguments and labels."""
        return {
            build.name: inputs_of(
                self.files,
                dockerfile=build.dockerfile,
                target=build.target,
                arguments=build.arguments,
                labels=build.labels,
                bases={},
            )
            for build in builds
        }

    def build(self, build: ImageBuild, tell: Callable[[BuildEvent], None]) -> BuiltImage:
        """Build: one step that ran, one from the cache."""
        self._called("build", build.name)
        tell(BuildEvent(build.name, "[1/2] FROM base", seconds=0.0, cached=True))
        tell(BuildEvent(build.name, "[2/2] COPY . .", seconds=0.1))
        made = "sha256:" + sha256("".join((build.name, *build.tags[:1])).encode()).hexdigest()
        image = BuiltImage(build.name, made, build.tags, 1, build.labels, architecture=self.architecture())
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

    def labelled(self, name: str, value: str, repository: str) -> BuiltImage | None:
        """Return the one that was held last."""
        held = [image for tag, image in self.held.items() if tag.rpartition(":")[0] == repository]
        return next((image for image in reversed(held) if image.labels.get(name) == value), None)

    def fetch(self, reference: str, say: Say) -> BuiltImage | None:
        """Hold what `registry` has."""
        self._called("fetch", reference)
        found = self.registry.get(reference)
        if found is None:
            say("no registry has it")
            return None
        self.held[reference] = self.held[found.id] = found
        return found

    def tag(self, reference: str, other: str) -> None:
        """Give an image a further name. Raises `UsageError` when there is none."""
        self._called("tag", other)
        if reference not in self.held:
            raise UsageError("the engine does not have this image", where=reference)
        self.held[other] = self.held[reference]

    def cancel(self) -> None:
        """Remember it: nothing runs in other threads here."""
        self.calls.append(("cancel", ""))

    def push(self, reference: str, say: Say) -> Pushed:
        """Take it; the digest is made from the image's id."""
        self._called("push", reference)
        if reference not in self.held:
            raise UsageError("the engine does not have this image", where=reference)
        self.pushed.append(reference)
        say("pushed")
        digest = sha256(self.held[reference].id.encode()).hexdigest()
        return Pushed(f"{reference.rpartition(':')[0]}@sha256:{digest}", 1, 1000)


class FakeRecords:
    """Records of builds in memory."""

    def __init__(self) -> None:
        self.kept: dict[str, BuildRecord] = {}

    def last(self, image: str) -> BuildRecord | None:
        """Return what was kept."""
        return self.kept.get(image)

    def keep(self, image: str, record: BuildRecord) -> None:
        """Keep it."""
        self.kept[image] = record
