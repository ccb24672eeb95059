"""Building with an engine in memory: results, lines, and which build failed."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from slipway.errors import Refused, SlipwayError, Unreachable, UsageError
from slipway.plan import PlanFailed, StepResult
from slipway.ports import BuildEvent, BuiltImage, ImageBuild
from slipway.release.inputs import INPUTS_LABEL, Inputs
from slipway.testing import FakeImages, FakeRecords, Lines
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
    shown, results = found.images, found.results
    assert set(shown) == {"backend", "admin"}
    held = images.inspect("zamio/admin:1")
    assert held is not None
    assert (shown["admin"].id, shown["admin"].name, shown["admin"].tags) == (held.id, "admin", ("zamio/admin:1",))
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


# --- what was built from the same inputs before ---


def test_a_registry_that_wants_another_log_in_is_told_once_and_the_images_are_built() -> None:
    images, told = FakeImages(), Lines()
    for name, inputs in images.read(BUILDS).items():
        refusal = UsageError("the registry r:5000 wants another log-in", hint="docker login r:5000")
        images.failures["fetch", f"r:5000/zamio/{name}:{inputs.tag}"] = refusal
    found = build_images(images, BUILDS, told, registry="r:5000")
    asked, *built = found.results
    assert (asked.name, str(asked.outcome)) == ("ask registry", "skipped")
    assert asked.observed.startswith("the registry r:5000 wants another log-in -> docker login r:5000; ")
    assert [str(result.outcome) for result in built] == ["done", "done"]
    assert told.results == list(found.results)


def release(tag: str, **labels: str) -> tuple[ImageBuild, ...]:
    """Return both builds as another release has them: other tags, other times, the same inputs."""
    stamp = {"org.opencontainers.image.version": "1.0.0", "org.opencontainers.image.revision": tag} | labels
    return tuple(replace(build, tags=(f"zamio/{build.name}:{tag}",), labels=stamp) for build in BUILDS)


def built(images: FakeImages, name: str = "build") -> int:
    return sum(call[0] == name for call in images.calls)


def test_a_release_that_changes_no_input_only_gets_its_tag() -> None:
    images = FakeImages()
    first = build_images(images, release("one"), Lines())
    second = build_images(images, release("two"), Lines())
    assert built(images) == 2
    assert {name: image.id for name, image in second.images.items()} == {n: i.id for n, i in first.images.items()}
    assert second.images["admin"].tags == ("zamio/admin:two",)
    assert images.held["zamio/admin:two"].labels[INPUTS_LABEL] == second.inputs["admin"].digest
    assert outcomes(second.results) == {"build backend": "skipped", "build admin": "skipped"}
    assert second.results[0].observed == "unchanged since 1.0.0-one, 0 MB"


def test_force_builds_all_the_same() -> None:
    images = FakeImages()
    build_images(images, release("one"), Lines())
    assert build_images(images, release("two"), Lines(), force=True).reused == {}
    assert built(images) == 4


@pytest.mark.parametrize("change", ["file", "argument", "label"])
def test_a_changed_input_is_built_and_named(change: str) -> None:
    images, records, told = FakeImages(), FakeRecords(), Lines()
    images.files = {"src/a.py": "1"}
    build_images(images, release("one"), Lines(), records=records)
    builds = release("two")
    if change == "file":
        images.files = {"src/a.py": "2", "src/b.py": "1"}
    elif change == "argument":
        builds = tuple(replace(build, arguments={"WRITABLE": "media"}) for build in builds)
    else:
        builds = release("two", **{"slipway.configured": "build"})
    found = build_images(images, builds, told, records=records)
    assert found.reused == {}
    words = {
        "file": ("src/a.py", "src/b.py (new)"),
        "argument": ("argument WRITABLE (new)",),
        "label": ("label slipway.configured (new)",),
    }[change]
    assert found.changes["admin"].parts == words
    assert f"build admin: since one {len(words)} changed: {', '.join(words)}" in told.lines


def test_an_image_that_the_engine_lost_meanwhile_is_built() -> None:
    images = FakeImages()
    build_images(images, release("one"), Lines())
    images.failures["tag", "zamio/admin:two"] = UsageError("the engine does not have this image")
    found = build_images(images, release("two"), Lines())
    assert set(found.reused) == {"backend"}
    assert built(images) == 3


def registry_image(images: FakeImages, **changes: Any) -> BuiltImage:
    """Lay the admin portal of `release("one")` into a registry, changed; return it."""
    (build,) = (build for build in release("one") if build.name == "admin")
    inputs = images.read([build])["admin"]
    found = BuiltImage("admin", "sha256:far", (), 5_000_000, {**build.labels, INPUTS_LABEL: inputs.digest})
    found = replace(found, **{"architecture": "amd64", **changes})
    images.registry[f"r:5000/zamio/admin:{inputs.tag}"] = found
    return found


def test_what_the_engine_lacks_is_pulled_from_the_registry() -> None:
    images = FakeImages()
    registry_image(images)
    found = build_images(images, release("two"), Lines(), registry="r:5000")
    assert found.images["admin"].id == "sha256:far"
    assert images.held["zamio/admin:two"].id == "sha256:far"
    results = {result.name: result for result in found.results}
    assert results["build admin"].observed == "pulled, as 1.0.0-one was built from the same, 5 MB"
    assert outcomes(found.results) == {"build admin": "done", "build backend": "done"}
    assert built(images) == 1


@pytest.mark.parametrize(
    ("changes", "words"),
    [({"labels": {INPUTS_LABEL: "0" * 64}}, "other inputs"), ({"architecture": "arm64"}, "an image for arm64")],
)
def test_a_registrys_image_of_something_else_is_left_alone(changes: dict[str, Any], words: str) -> None:
    images, told = FakeImages(), Lines()
    registry_image(images, **changes)
    assert build_images(images, release("two"), told, registry="r:5000").reused == {}
    assert any(words in line for line in told.lines)
    assert images.held["zamio/admin:two"].id != "sha256:far"


def test_without_a_known_base_nothing_is_reused_and_nothing_labelled() -> None:
    class Baseless(FakeImages):
        def read(self, builds: Sequence[ImageBuild]) -> Mapping[str, Inputs]:
            return {name: Inputs({**found.parts, "base x:1": ""}) for name, found in super().read(builds).items()}

    images = Baseless()
    for tag in ("one", "two"):
        found = build_images(images, release(tag), Lines(), registry="r:5000")
        assert found.reused == {}
        assert INPUTS_LABEL not in found.images["admin"].labels
    assert built(images, "fetch") == 0


def test_a_context_that_cannot_be_read_fails_every_step() -> None:
    class Unread(FakeImages):
        def read(self, builds: Sequence[ImageBuild]) -> Mapping[str, Inputs]:
            raise UsageError("cannot be read", where="/src/a")

    raised, _ = failed(Unread())
    assert outcomes(raised.results) == {"build backend": "failed", "build admin": "failed"}
    assert raised.exit_code == 2
