"""Builds of what did not change, and their push to a real registry, as a person types them."""

from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from tests.e2e.checkouts import Checkout, example, project
from tests.e2e.looks import forget_images
from tests.e2e.person import Person
from tests.engines.images.registries import answers, hostile, real_registry, tags

pytestmark = pytest.mark.docker

LABEL = "e2e-reuse"
IMAGES = {"backend", "frontend", "admin", "publisher", "stations"}


@pytest.fixture(scope="module")
def person(tmp_path_factory: pytest.TempPathFactory) -> Person:
    return Person.without_launcher(project(tmp_path_factory.mktemp("clone")).path)


def forget(registry: str) -> None:
    """Take the names away that a push to a registry of a test gave to images."""
    client = docker.from_env()
    for name in [tag for image in client.images.list() for tag in image.tags if tag.startswith(f"{registry}/")]:
        client.images.remove(name)
    client.close()


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    checkout = example(tmp_path_factory.mktemp("source") / "example")
    yield checkout
    client = docker.from_env()
    forget_images(client, checkout.tags)
    client.close()


def test_a_commit_that_touches_one_portal_leaves_every_other_image_as_it_is(person: Person, source: Checkout) -> None:
    words = ("build.all", "--source", str(source.path), "--format", "json")
    first = person.types(*words).ended(0).document["images"]
    source.edit("zamio_admin/src/App.tsx", "Administration", f"Administration {source.path.parent.name}")
    tag = source.commit()
    again = person.types(*words).ended(0).document
    second = again["images"]
    assert {name for name, image in second.items() if image["built"]} == {"admin"}
    assert {name for name in IMAGES if second[name]["id"] == first[name]["id"]} == IMAGES - {"admin"}
    assert all(image["tags"][0].endswith(f":{tag}") for image in second.values())
    assert second["admin"]["change"]["inputs"] == ["sources/zamio_admin/src/App.tsx"]
    observed = {step["name"]: step["observed"] for step in again["steps"]}
    assert observed["build backend"].startswith("unchanged since ")
    assert {image["built"] for image in person.types(*words).ended(0).document["images"].values()} == {False}


def test_a_push_sends_what_is_missing_and_tags_the_release(person: Person, source: Checkout) -> None:
    tag = source.commit()
    words = ("--source", str(source.path), "--format", "json")
    person.types("build.all", *words).ended(0)
    with real_registry(LABEL) as registry:
        first = person.types("build.push", *words, "--registry", registry).ended(0).document
        assert set(first["images"]) == IMAGES
        for name, image in first["images"].items():
            assert tags(registry, f"zamio/{name}") == sorted([tag, f"inputs-{image['inputs'][:16]}"])
        second = person.types("build.push", *words, "--registry", registry).ended(0).document
        assert {image["sent_bytes"] for image in second["images"].values()} == {0}
        assert {n: i["reference"] for n, i in first["images"].items()} == {
            n: i["reference"] for n, i in second["images"].items()
        }
    forget(registry)


def test_a_registry_that_wants_a_log_in_is_wrong_use(person: Person, source: Checkout, tmp_path: Path) -> None:
    words = ("--source", str(source.path))
    person.types("build.all", *words).ended(0)
    given = {"DOCKER_CONFIG": str(tmp_path)}
    with hostile(answers(401, WWW_Authenticate='Basic realm="x"')) as registry:
        ran = person.types("build.push", *words, "--registry", registry, given=given, seconds=60).ended(2)
    forget(registry)
    ran.told(f"the registry {registry} wants another log-in", f"docker login {registry}")
    person.types("build.push", *words, "--registry", "https://r", seconds=30).ended(2).told("--registry: this is no")
    person.types("build.push", *words, seconds=30).ended(2).told("SLIPWAY_REGISTRY has no value")
