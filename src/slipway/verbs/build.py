"""Build: the workspace's images in parallel, each told as a step, each looked at in the engine afterwards.

An image of the same inputs is not built again; it gets the new tag.
"""

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from slipway.errors import Refused, SlipwayError, UsageError
from slipway.plan import Outcome, PlanFailed, Progress, StepResult
from slipway.ports import BuildEvent, BuildRecords, BuiltImage, ImageBuild, Images
from slipway.release.built import BuildRecord, Change, change
from slipway.release.inputs import INPUTS_LABEL, Inputs, differences, told
from slipway.verbs.reuse import Reused, reusable


@dataclass(frozen=True, slots=True)
class Built:
    """What came of a build, by image name, in the order of the builds.

    `images` are as the engine shows them afterwards, `inputs` what each is made from, `reused` those that were not
    built, `changes` what differs from the build before, where there was one.
    """

    images: Mapping[str, BuiltImage]
    results: tuple[StepResult, ...]
    inputs: Mapping[str, Inputs]
    reused: Mapping[str, Reused]
    changes: Mapping[str, Change]


def build_images(
    images: Images,
    builds: Sequence[ImageBuild],
    progress: Progress,
    *,
    force: bool = False,
    registry: str = "",
    records: BuildRecords | None = None,
) -> Built:
    """Build what was not built from the same inputs before, here or in `registry`; with `force` build everything.

    `records` holds the builds before and gets this one. Raises `PlanFailed` with the results when one fails; the others
    are cancelled then, and every tag stays what it was before. Raises `Refused` for an image of another architecture
    than the engine's.
    """
    watch = _Watch(progress, {build.name for build in builds})
    for build in builds:
        progress.started(f"build {build.name}")
    try:
        inputs = images.read(builds)
        reused = {} if force else reusable(images, builds, inputs, registry, progress, watch.warn)
        for name, one in reused.items():
            watch.reused(name, one)
        due = [_labelled(build, inputs[build.name]) for build in builds if build.name not in reused]
        for build in due:
            _tell_why(build.name, inputs[build.name], records, progress)
        images.build_all(due, watch.tell)
    except SlipwayError as error:
        watch.abandon(error)
        raise PlanFailed(error, tuple(watch.results)) from error
    built, changes = {}, {}
    for build in builds:
        seen = _seen(images, build)
        built[build.name] = seen
        if records is not None:
            found = _record(seen, inputs[build.name])
            if (before := records.last(build.name)) is not None:
                changes[build.name] = change(before, found)
            records.keep(build.name, found)
    return Built(built, tuple(watch.results), inputs, reused, changes)


def _seen(images: Images, build: ImageBuild) -> BuiltImage:
    seen = images.inspect(build.tags[0])
    if seen is None:
        raise Refused("was built, and the engine does not have it", where=build.tags[0])
    return replace(seen, name=build.name, tags=build.tags)


def _labelled(build: ImageBuild, inputs: Inputs) -> ImageBuild:
    # Without knowing a base the digest is none of the image: nobody may find it by that.
    return build if inputs.unknown_bases else replace(build, labels={**build.labels, INPUTS_LABEL: inputs.digest})


def _tell_why(name: str, inputs: Inputs, records: BuildRecords | None, progress: Progress) -> None:
    before = records.last(name) if records is not None else None
    if before is not None and (changed := differences(before.parts, inputs.parts)):
        progress.line(f"build {name}", f"since {before.tag} {told(changed)}")


def _record(image: BuiltImage, inputs: Inputs) -> BuildRecord:
    tag = image.tags[0].rpartition(":")[2]
    return BuildRecord(tag, image.id, image.size, image.layers, inputs.digest, inputs.parts)


@dataclass(slots=True)
class _Watch:
    """Turns build events into lines and results: what ran, what came from the cache."""

    progress: Progress
    open_builds: Collection[str]
    results: list[StepResult] = field(default_factory=list)
    cached: dict[str, int] = field(default_factory=dict)
    ran: dict[str, int] = field(default_factory=dict)
    begin: float = field(default_factory=time.monotonic)

    def tell(self, event: BuildEvent) -> None:
        name = f"build {event.build}"
        if event.step == BuildEvent.WHOLE:
            cached, ran = self.cached.get(event.build, 0), self.ran.get(event.build, 0)
            observed = f"{event.text}, {ran} steps ran, {cached} from the cache"
            self._end(event.build, StepResult(name, Outcome.DONE, event.seconds or 0.0, observed))
        elif event.step == BuildEvent.FAILED:
            self._end(event.build, StepResult(name, Outcome.FAILED, event.seconds or 0.0, event.text[:200]))
        elif event.seconds is not None and not event.step.startswith("[internal]") and event.step.startswith("["):
            counter = self.cached if event.cached else self.ran
            counter[event.build] = counter.get(event.build, 0) + 1
            self.progress.line(name, f"{'cached' if event.cached else f'{event.seconds:.1f} s'} {event.step[:120]}")
        elif event.text:
            self.progress.line(name, event.text)

    def reused(self, name: str, image: Reused) -> None:
        """End the step of an image that needs no build."""
        outcome = Outcome.DONE if image.pulled else Outcome.SKIPPED
        self._end(name, StepResult(f"build {name}", outcome, time.monotonic() - self.begin, image.in_words()))

    def warn(self, error: UsageError) -> None:
        """Show for good that the registry was asked in vain."""
        observed = f"{error.message} -> {error.hint}; what it may have is built instead"
        self._end("", StepResult("ask registry", Outcome.SKIPPED, time.monotonic() - self.begin, observed))

    def abandon(self, error: SlipwayError) -> None:
        """End what is still open: cancelled with the one that failed; all failed where it was none of them alone."""
        failed = [result.name for result in self.results if result.outcome is Outcome.FAILED]
        outcome = Outcome.SKIPPED if failed else Outcome.FAILED
        observed = f"cancelled with {failed[0]}" if failed else error.message[:200]
        for name in sorted(self.open_builds):
            self._end(name, StepResult(f"build {name}", outcome, time.monotonic() - self.begin, observed))

    def _end(self, name: str, result: StepResult) -> None:
        self.open_builds = {other for other in self.open_builds if other != name}
        self.results.append(result)
        self.progress.ended(result)
