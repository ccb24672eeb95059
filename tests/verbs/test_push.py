"""Pushing into a registry in memory."""

from dataclasses import replace

import pytest

from slipway.errors import Refused, Unreachable, UsageError
from slipway.plan import PlanFailed
from slipway.ports import BuiltImage
from slipway.release.inputs import INPUTS_LABEL, inputs_tag
from slipway.testing import FakeContainers, FakeImages, Lines
from slipway.verbs.push import TOOLS, push_images, push_other, push_release, push_tools
from tests.verbs.ground import ONE, REGISTRY, image

NAMES = ("backend", "frontend", "admin", "publisher")


@pytest.fixture
def images() -> FakeImages:
    made = FakeImages()
    made.held = {found.id: found for found in map(image, NAMES)}
    return made


def push(images: FakeImages, *names: str) -> dict[str, str]:
    built: dict[str, BuiltImage] = {name: image(name) for name in names}
    return push_images(images, built, REGISTRY, "zamio", ONE.tag, Lines())


def test_every_image_gets_the_digest_that_the_registry_answered(images: FakeImages) -> None:
    digests = push(images, *NAMES)
    assert list(digests) == list(NAMES)
    assert len(set(digests.values())) == len(NAMES)
    for name, digest in digests.items():
        assert digest.startswith(f"{REGISTRY}/zamio/{name}@sha256:")
    assert set(images.pushed[len(NAMES) :]) == {f"{REGISTRY}/zamio/{name}:{ONE.tag}" for name in NAMES}
    assert images.held[f"{REGISTRY}/zamio/admin:{ONE.tag}"].id == "sha256:admin"


def test_each_line_says_which_image_it_is_about(images: FakeImages) -> None:
    said = Lines()
    push_images(images, {"admin": image("admin")}, REGISTRY, "zamio", ONE.tag, said)
    assert said.lines[:2] == ["admin: pushed", "admin: pushed"]
    assert said.lines[2].startswith(f"admin: 1 new layer, 0.0 MB; {REGISTRY}/zamio/admin@sha256:")


@pytest.mark.parametrize("error", [Unreachable("the registry does not answer"), Refused("denied")])
def test_a_failing_push_gives_no_digest_at_all(images: FakeImages, error: Exception) -> None:
    images.failures["push", f"{REGISTRY}/zamio/admin:{ONE.tag}"] = error
    with pytest.raises(type(error), match=str(error)):
        push(images, *NAMES)


def test_an_image_that_the_engine_lost_is_named(images: FakeImages) -> None:
    del images.held["sha256:backend"]
    with pytest.raises(UsageError, match="does not have this image"):
        push(images, "backend")


def test_the_host_pulls_the_tools_that_were_pushed(images: FakeImages) -> None:
    images.held[TOOLS] = image("tools")
    host = FakeContainers({f"{REGISTRY}/{TOOLS}": "sha256:on-the-host"})
    assert push_tools(images, host, REGISTRY, Lines()) == "sha256:on-the-host"
    assert images.pushed == [f"{REGISTRY}/{TOOLS}"]
    assert host.calls == [("pull", f"{REGISTRY}/{TOOLS}")]


def test_tools_that_the_host_cannot_pull_are_no_success(images: FakeImages) -> None:
    images.held[TOOLS] = image("tools")
    with pytest.raises(Refused, match="no registry has"):
        push_tools(images, FakeContainers(), REGISTRY, Lines())


def test_another_image_keeps_its_name_behind_the_registry(images: FakeImages) -> None:
    images.held["postgres:15"] = image("postgres")
    assert push_other(images, "postgres:15", REGISTRY, Lines()) == f"{REGISTRY}/postgres:15"
    assert images.pushed == [f"{REGISTRY}/postgres:15"]


# --- nothing half-tagged ---


def test_the_releases_tag_comes_when_the_registry_has_every_image(images: FakeImages) -> None:
    push(images, *NAMES)
    kinds = ["inputs" if ":inputs-" in reference else "release" for reference in images.pushed]
    assert kinds == ["inputs"] * len(NAMES) + ["release"] * len(NAMES)


def test_a_push_that_fails_before_all_are_there_makes_no_release(images: FakeImages) -> None:
    told = Lines()
    admin = f"{REGISTRY}/zamio/admin:{inputs_tag('admin')}"
    images.failures["push", admin] = Unreachable("the registry does not answer")
    built = {name: image(name) for name in NAMES}
    with pytest.raises(PlanFailed) as raised:
        push_release(images, built, REGISTRY, "zamio", ONE.tag, told)
    assert not [reference for reference in images.pushed if reference.endswith(ONE.tag)]
    assert raised.value.exit_code == 3
    outcomes = {result.name: str(result.outcome) for result in raised.value.results}
    assert outcomes.pop("push admin") == "failed"
    assert set(outcomes.values()) == {"skipped"}
    assert told.results == list(raised.value.results)


def test_a_push_that_fails_between_the_tags_says_which_were_made_and_is_no_3(images: FakeImages) -> None:
    images.failures["push", f"{REGISTRY}/zamio/publisher:{ONE.tag}"] = Unreachable("the registry does not answer")
    with pytest.raises(PlanFailed) as raised:
        push_release(images, {name: image(name) for name in NAMES}, REGISTRY, "zamio", ONE.tag, Lines())
    outcomes = {result.name: str(result.outcome) for result in raised.value.results}
    assert outcomes["push publisher"] == "failed"
    assert outcomes["push backend"] == "done"
    assert raised.value.exit_code == 1


def test_an_image_of_another_architecture_is_not_pushed(images: FakeImages) -> None:
    with pytest.raises(Refused, match="is an image for arm64, and this engine builds for amd64"):
        push_images(images, {"admin": replace(image("admin"), architecture="arm64")}, REGISTRY, "zamio", "1", Lines())
    assert images.pushed == []


def test_what_was_pushed_is_told_with_its_inputs(images: FakeImages) -> None:
    digest = "ab" * 32
    images.held["sha256:admin"] = found = replace(image("admin"), labels={INPUTS_LABEL: digest})
    pushed, results = push_release(images, {"admin": found}, REGISTRY, "zamio", ONE.tag, Lines())
    assert images.pushed[0] == f"{REGISTRY}/zamio/admin:inputs-{digest[:16]}"
    told = pushed["admin"].as_json()
    assert (told["inputs"], told["tag"], told["sent_layers"], told["sent_bytes"]) == (digest, ONE.tag, 1, 1000)
    assert str(told["reference"]).startswith(f"{REGISTRY}/zamio/admin@sha256:")
    assert results[0].observed.startswith("1 new layer, 0.0 MB")
