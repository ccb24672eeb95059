"""Push: the built images to the registry that the host pulls from, each digest as the registry answered it."""

import time
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import TypeVar

from slipway.errors import Refused, SlipwayError
from slipway.plan import Outcome, PlanFailed, Progress, StepResult
from slipway.ports import BuiltImage, Containers, Images, Pushed, Say
from slipway.release.image import ImageName
from slipway.release.inputs import INPUTS_LABEL, inputs_tag

TOOLS = "slipway/tools:bookworm"
"""The image that one-off work on the host runs in, as it is called in the builder's engine."""

_AT_ONCE = 3
Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class PushedImage:
    """An image in the registry: `reference` is `repository@sha256:...`, `sent` what it had to be given."""

    image: BuiltImage
    tag: str
    sent: Pushed

    @property
    def reference(self) -> str:
        """The image by the registry's own digest."""
        return self.sent.reference

    def as_json(self) -> dict[str, object]:
        """Return it for a program; `sent_bytes` are those of the new layers before compression."""
        return {
            "reference": self.reference,
            "tag": self.tag,
            "id": self.image.id,
            "inputs": self.image.labels.get(INPUTS_LABEL, ""),
            "bytes": self.image.size,
            "sent_layers": self.sent.layers,
            "sent_bytes": self.sent.sent,
        }

    def in_words(self) -> str:
        """Return it for a person."""
        if not self.sent.layers:
            return f"the registry had every layer; {self.reference}"
        plural = "" if self.sent.layers == 1 else "s"
        return f"{self.sent.layers} new layer{plural}, {self.sent.sent / 1e6:.1f} MB; {self.reference}"


def push_release(
    images: Images, built: Mapping[str, BuiltImage], registry: str, workspace: str, tag: str, progress: Progress
) -> tuple[dict[str, PushedImage], tuple[StepResult, ...]]:
    """Push every image under `<registry>/<workspace>/<image>`; return image name -> what the registry has.

    First each goes up under the tag of its inputs. The release's tag follows when the registry has all of them, and
    costs a few kilobytes then. Raises `PlanFailed` with the results; a push that failed before that has made no tag of
    the release, one that failed later says which were made. Raises `Refused` for an image of another architecture.
    """
    run = _Run(images, progress, time.monotonic())
    architecture = images.architecture()
    wrong = [image for image in built.values() if image.architecture and image.architecture != architecture]
    if wrong:
        raise Refused(
            f"is an image for {wrong[0].architecture}, and this engine builds for {architecture}",
            where=wrong[0].tags[0] if wrong[0].tags else wrong[0].id,
            hint="build it anew: inv build.all --force",
        )
    names = {name: ImageName(registry, workspace, name) for name in built}

    def push(name: str, tagged: str) -> Pushed:
        reference = names[name].tagged(tagged)
        images.tag(built[name].id, reference)
        return images.push(reference, lambda text: progress.line(f"push {name}", text))

    def layers(name: str) -> Pushed:
        progress.started(f"push {name}")
        digest = built[name].labels.get(INPUTS_LABEL)
        # An image of unknown inputs goes up under its own id: in any case not yet under the release's tag.
        return push(name, inputs_tag(digest or built[name].id.removeprefix("sha256:")))

    def release(name: str) -> PushedImage:
        there = push(name, tag)
        if there.reference != sent[name].reference:
            raise Refused(
                f"the registry shows {there.reference} after {sent[name].reference} was pushed",
                where=names[name].tagged(tag),
                hint="another run pushes other images under the same tag; push again when it is over",
            )
        pushed = PushedImage(built[name], tag, sent[name])
        run.ended(name, Outcome.DONE, pushed.in_words())
        return pushed

    sent = run.each(tuple(built), layers)
    return run.each(tuple(built), release), tuple(run.results)


def push_images(
    images: Images, built: Mapping[str, BuiltImage], registry: str, workspace: str, tag: str, say: Say
) -> dict[str, str]:
    """Do the same as part of another step; return image name -> `repository@sha256:...`. Errors are the image's own."""
    try:
        pushed, _ = push_release(images, built, registry, workspace, tag, _Lines(say))
    except PlanFailed as failed:
        raise failed.error from failed
    return {name: one.reference for name, one in pushed.items()}


def push_tools(images: Images, containers: Containers, registry: str, say: Say) -> str:
    """Push the tools image and have the host pull it, so that one-off work finds it there; return its image id."""
    return containers.pull(push_other(images, TOOLS, registry, say), say)


def push_other(images: Images, reference: str, registry: str, say: Say) -> str:
    """Push an image that belongs to no workspace under its own name; return its reference in the registry."""
    other = f"{registry}/{reference}"
    images.tag(reference, other)
    images.push(other, say)
    return other


class _Run:
    """One push of several images: a step each, and what to say when one fails."""

    def __init__(self, images: Images, progress: Progress, begin: float) -> None:
        self.results: list[StepResult] = []
        self._images = images
        self._progress = progress
        self._begin = begin

    def each(self, names: tuple[str, ...], act: Callable[[str], Value]) -> dict[str, Value]:
        """Do `act` for every image, several at once; the first failure ends what has not begun and is raised."""
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            futures: dict[str, Future[Value]] = {name: pool.submit(act, name) for name in names}
            try:
                wait(futures.values(), return_when=FIRST_EXCEPTION)
            except BaseException:
                self._images.cancel()
                raise
            finally:
                for future in futures.values():
                    future.cancel()
        for name, future in futures.items():
            if not future.cancelled() and isinstance(error := future.exception(), SlipwayError):
                self._failed(name, names, error)
        return {name: future.result() for name, future in futures.items()}

    def ended(self, name: str, outcome: Outcome, observed: str) -> None:
        """End the step of one image."""
        result = StepResult(f"push {name}", outcome, time.monotonic() - self._begin, observed)
        self.results.append(result)
        self._progress.ended(result)

    def _failed(self, name: str, names: tuple[str, ...], error: SlipwayError) -> None:
        self.ended(name, Outcome.FAILED, error.message[:200])
        over = {result.name for result in self.results}
        for other in names:
            if f"push {other}" not in over:
                self.ended(other, Outcome.SKIPPED, f"not tagged, because push {name} failed")
        raise PlanFailed(error, tuple(self.results)) from error


@dataclass(frozen=True, slots=True)
class _Lines:
    """Shows the steps of a push as lines of the step that they belong to."""

    say: Say

    def started(self, name: str) -> None:
        """Need no line."""

    def line(self, name: str, text: str) -> None:
        self.say(f"{name.removeprefix('push ')}: {text}")

    def ended(self, result: StepResult) -> None:
        self.say(f"{result.name.removeprefix('push ')}: {result.observed}")
