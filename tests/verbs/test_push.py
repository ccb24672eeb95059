"""Pushing into a registry in memory."""

import pytest

from slipway.errors import Refused, Unreachable, UsageError
from slipway.ports import BuiltImage
from slipway.testing import FakeContainers, FakeImages, Lines
from slipway.verbs.push import TOOLS, push_images, push_other, push_tools
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
