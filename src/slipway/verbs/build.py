"""Build: the workspace's images in parallel, each told as a step, each looked at in the engine afterwards."""

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace

from slipway.errors import Refused, SlipwayError
from slipway.plan import Outcome, PlanFailed, Progress, StepResult
from slipway.ports import BuildEvent, BuiltImage, ImageBuild, Images


def build_images(
    images: Images, builds: Sequence[ImageBuild], progress: Progress
) -> tuple[dict[str, BuiltImage], tuple[StepResult, ...]]:
    """Build and return image name -> image as the engine shows it afterwards, and one result an image.

    Raises `PlanFailed` with the results when one fails; the others are cancelled then.
    """
    watch = _Watch(progress, {build.name for build in builds})
    for build in builds:
        progress.started(f"build {build.name}")
    try:
        images.build_all(builds, watch.tell)
    except SlipwayError as error:
        watch.abandon(error)
        raise PlanFailed(error, tuple(watch.results)) from error
    built = {}
    for build in builds:
        seen = images.inspect(build.tags[0])
        if seen is None:
            raise Refused("was built, and the engine does not have it", where=build.tags[0])
        built[build.name] = replace(seen, name=build.name, tags=build.tags)
    return built, tuple(watch.results)


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
