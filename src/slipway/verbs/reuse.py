"""Reuse: images of the same inputs, in this engine or in a registry, that need a new tag and no build."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from slipway.errors import UsageError
from slipway.plan import Progress
from slipway.ports import BuiltImage, ImageBuild, Images
from slipway.release.inputs import INPUTS_LABEL, Inputs
from slipway.verbs.at_once import at_once

_AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class Reused:
    """An image that exists; `pulled` when a registry had it."""

    image: BuiltImage
    pulled: bool = False

    def in_words(self) -> str:
        """Say where it comes from: `unchanged since 1.0.0-abc, 12 MB`."""
        size = f"{self.image.size / 1e6:.0f} MB"
        if self.pulled:
            return f"pulled, as {built_as(self.image)} was built from the same, {size}"
        return f"unchanged since {built_as(self.image)}, {size}"


def reusable(
    images: Images,
    builds: Sequence[ImageBuild],
    inputs: Mapping[str, Inputs],
    registry: str,
    progress: Progress,
    warn: Callable[[UsageError], None],
) -> dict[str, Reused]:
    """Give each image that was built from the same inputs its new tags; return image name -> what was found.

    This engine is asked first, then `registry` where one is given. An image of which nobody can say what its base is,
    is built. A registry that wants another log-in cannot keep anybody from building: `warn` hears of it once.
    """
    refused: list[UsageError] = []
    found = {}
    for build in builds:
        if not inputs[build.name].unknown_bases and (local := _here(images, build, inputs[build.name])):
            found[build.name] = Reused(local)
    due = [build for build in builds if build.name not in found and not inputs[build.name].unknown_bases]
    if registry and due:
        asked = [partial(_there, images, build, inputs[build.name], registry, progress, refused) for build in due]
        pulled = at_once(asked, _AT_ONCE, images.cancel)
        found |= {build.name: Reused(image, pulled=True) for build, image in zip(due, pulled, strict=True) if image}
    if refused:
        warn(refused[0])
    return found


def built_as(image: BuiltImage) -> str:
    """Return the tag of the release that an image was built for."""
    version = image.labels.get("org.opencontainers.image.version", "")
    revision = image.labels.get("org.opencontainers.image.revision", "")
    dirty = "-dirty" if image.labels.get("slipway.dirty") == "true" else ""
    return f"{version}-{revision}{dirty}" if version and revision else image.id.removeprefix("sha256:")[:12]


def _here(images: Images, build: ImageBuild, inputs: Inputs) -> BuiltImage | None:
    tagged = images.inspect(build.tags[0])
    if tagged is not None and tagged.labels.get(INPUTS_LABEL) == inputs.digest:
        return tagged
    other = images.labelled(INPUTS_LABEL, inputs.digest, build.tags[0].rpartition(":")[0])
    return _named(images, build, other) if other else None


def _there(
    images: Images, build: ImageBuild, inputs: Inputs, registry: str, progress: Progress, refused: list[UsageError]
) -> BuiltImage | None:
    repository = build.tags[0].rpartition(":")[0].removeprefix(f"{registry}/")
    reference = f"{registry}/{repository}:{inputs.tag}"
    name = f"build {build.name}"
    try:
        found = images.fetch(reference, lambda text: progress.line(name, text))
    except UsageError as error:
        refused.append(error)
        return None
    if found is None:
        return None
    # The tag holds a part of the digest only, and somebody may have moved it. Against one who means harm this is no
    # guard: whoever may push to the registry sets the label, too.
    if found.labels.get(INPUTS_LABEL) != inputs.digest:
        progress.line(name, f"{reference} is an image of other inputs; it is left alone")
        return None
    if found.architecture != images.architecture():
        progress.line(name, f"{reference} is an image for {found.architecture}; it is left alone")
        return None
    return _named(images, build, found)


def _named(images: Images, build: ImageBuild, image: BuiltImage) -> BuiltImage | None:
    """Give an image the build's tags; None where the engine lost it meanwhile, so that it is built."""
    try:
        for tag in build.tags:
            images.tag(image.id, tag)
    except UsageError:
        return None
    return image
