"""Building with an engine in memory: results, lines, and which build failed."""

import pytest

from slipway.errors import Refused, SlipwayError, Unreachable, UsageError
from slipway.plan import PlanFailed, StepResult
from slipway.ports import BuildEvent, BuiltImage, ImageBuild
from slipway.testing import FakeImages, Lines
from slipway.verbs.build import build_images

BUILDS = tuple(ImageBuild(name, (), f"Dockerfile.{name}", (f"zamio/{name}:1",)) for name in ("backend", "admin"))


def outcomes(results: tuple[StepResult, ...]) -> dict[str, str]:
    return {result.name: str(result.outcome) for result in results}


def failed(images: FakeImages) -> tuple[PlanFailed, Lines]:
    told = Lines()
    with pytest.raises(PlanFailed) as raised:
        build_images(images, BUILDS, told)
    assert told.results == list(raised.value.results)
    return raised.value, told


def test_each_image_is_a_step_and_is_looked_at_afterwards() -> None:
    images, told = FakeImages(), Lines()
    found = build_images(images, BUILDS, told)
    built, results = found.images, found.results
    assert set(built) == {"backend", "admin"}
    held = images.inspect("zamio/admin:1")
    assert held is not None
    assert (built["admin"].id, built["admin"].name, built["admin"].tags) == (held.id, "admin", ("zamio/admin:1",))
    assert outcomes(results) == {"build backend": "done", "build admin": "done"}
    assert results[0].observed == "1 MB, 1 steps ran, 1 from the cache"
    assert told.results == list(results)
    assert "build admin: cached [1/2] FROM base" in told.lines
    assert "build admin: 0.1 s [2/2] COPY . ." in told.lines


@pytest.mark.parametrize(
    "error",
    [
        UsageError("unknown instruction: RUM", where="Dockerfile.backend:3"),
        Refused("RUN pip install ended with exit code 1", where="image backend"),
        Unreachable("no space left"),
    ],
)
def test_the_broken_image_failed_and_the_others_were_cancelled_with_it(error: SlipwayError) -> None:
    images = FakeImages()
    images.failures["build", "backend"] = error
    raised, _ = failed(images)
    assert outcomes(raised.results) == {"build backend": "failed", "build admin": "skipped"}
    assert [result.observed for result in raised.results] == [error.message, "cancelled with build backend"]
    assert (raised.message, raised.where, raised.exit_code) == (error.message, error.where, error.exit_code)


def test_an_image_that_was_done_before_the_failure_stays_done() -> None:
    images = FakeImages()
    images.failures["build", "admin"] = Refused("exit code 1")
    raised, _ = failed(images)
    assert outcomes(raised.results) == {"build backend": "done", "build admin": "failed"}


def test_where_no_single_image_is_at_fault_all_failed() -> None:
    class Gone(FakeImages):
        def build_all(self, *_: object, **__: object) -> tuple[BuiltImage, ...]:
            raise Unreachable("no Docker engine answers")

    raised, _ = failed(Gone())
    assert outcomes(raised.results) == {"build backend": "failed", "build admin": "failed"}
    assert {result.observed for result in raised.results} == {"no Docker engine answers"}
    assert raised.exit_code == 3


def test_an_image_that_the_engine_does_not_have_afterwards_was_not_built() -> None:
    class Forgetful(FakeImages):
        def inspect(self, reference: str) -> BuiltImage | None:
            return None

    with pytest.raises(Refused, match="the engine does not have it"):
        build_images(Forgetful(), BUILDS, Lines())


def test_output_is_told_and_the_builders_own_steps_are_not() -> None:
    class Chatty(FakeImages):
        def build(self, build: ImageBuild, tell: object) -> BuiltImage:
            assert callable(tell)
            tell(BuildEvent(build.name, "[internal] load .dockerignore", seconds=0.1))
            tell(BuildEvent(build.name, "[2/2] RUN make", text="making"))
            return super().build(build, tell)

    told = Lines()
    results = build_images(Chatty(), BUILDS[:1], told).results
    assert "build backend: making" in told.lines
    assert not [line for line in told.lines if "internal" in line]
    assert results[0].observed == "1 MB, 1 steps ran, 1 from the cache"
