"""Builds that cannot succeed, and images that are not there: said with file and line, by real builds."""

from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from tests.e2e.checkouts import Checkout, example, project
from tests.e2e.looks import forget_images
from tests.e2e.person import Person

pytestmark = pytest.mark.docker

FROM = "FROM base AS application"
LINE = "ARG STATIC_ROOT=static"
FILLS_A_DISK = """\
ARG BASE_PYTHON
FROM ${BASE_PYTHON} AS production
RUN dd if=/dev/zero of=/dev/shm/fill bs=1M count=1024
"""


@pytest.fixture(scope="module")
def engine() -> Iterator[docker.DockerClient]:
    client = docker.from_env()
    yield client
    client.close()


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    return project(tmp_path_factory.mktemp("clone"))


@pytest.fixture
def source(tmp_path: Path, engine: docker.DockerClient) -> Iterator[Checkout]:
    checkout = example(tmp_path / "source")
    yield checkout
    forget_images(engine, checkout.tags)


@pytest.fixture
def person(clone: Checkout) -> Person:
    return Person.without_launcher(clone.path)


def images(engine: docker.DockerClient, tag: str) -> list[str]:
    return [name for image in engine.images.list() for name in image.tags if name.endswith(f":{tag}")]


def test_a_portal_that_does_not_compile(person: Person, source: Checkout, engine: docker.DockerClient) -> None:
    tag = source.edit("zamio_admin/src/App.tsx", '<Page title="Administration">', "<Page title={7}>").commit()
    ran = person.types("build.frontend", "--app", "admin", "--source", str(source.path), seconds=180).ended(1)
    ran.told("image admin: ", "src/App.tsx(", "error TS2322: Type 'number' is not assignable to type 'string'")
    assert images(engine, tag) == []


def test_a_portal_that_imports_what_is_not_there(person: Person, source: Checkout) -> None:
    app = source.path / "zamio_admin" / "src" / "App.tsx"
    source.write("zamio_admin/src/App.tsx", f'import "./absent.css";\n{app.read_text()}').commit()
    ran = person.types("build.frontend", "--app", "admin", "--source", str(source.path), seconds=180).ended(1)
    ran.told("image admin: ", "./absent.css", "src/App.tsx")


@pytest.mark.parametrize(
    ("old", "new", "code", "words"),
    [
        (FROM, "FORM base AS application", 2, ("Dockerfile.backend:", "FORM", "mend the Dockerfile")),
        (FROM, "FROM absent/of-a-test:1 AS application", 3, ("absent/of-a-test:1",)),
        (LINE, f"{LINE}\nCOPY source/ /app/", 2, ("Dockerfile.backend: ", "source", "COPY source/ /app/")),
        (LINE, f"{LINE}\nRUN echo a-word && exit 7", 1, ("image backend: ", "exit code 7", "| a-word")),
    ],
)
def test_a_broken_dockerfile(
    person: Person, source: Checkout, clone: Checkout, old: str, new: str, code: int, words: tuple[str, ...]
) -> None:
    clone.edit("Dockerfile.backend", old, new)
    try:
        ran = person.types("build.backend", "--source", str(source.path), seconds=180).ended(code)
    finally:
        clone.edit("Dockerfile.backend", new, old)
    ran.told(*words)


def test_a_build_that_fills_its_disk(person: Person, source: Checkout, clone: Checkout) -> None:
    """Every build step has a /dev/shm of 64 MB: a file system with a real end."""
    whole = (clone.path / "Dockerfile.backend").read_text()
    clone.write("Dockerfile.backend", FILLS_A_DISK)
    try:
        ran = person.types("build.backend", "--source", str(source.path), seconds=120).ended(3)
    finally:
        clone.write("Dockerfile.backend", whole)
    ran.told("the Docker engine has no space left on its disk", "image backend", "docker builder prune")


def test_an_image_that_does_not_exist(person: Person, source: Checkout) -> None:
    words = ("--source", str(source.path))
    person.types("build.frontend", "--app", "kiosk", *words, seconds=60).ended(2).told(
        "there is no image kiosk", "there are backend, frontend, admin"
    )


def test_images_that_were_not_built(person: Person, source: Checkout) -> None:
    tag = source.commit()
    ran = person.types("check.images", "--source", str(source.path), "--format", "json", seconds=60).ended(2)
    ran.told(f"not built yet: zamio/backend:{tag}", "`inv build.all` builds them")
    assert ran.document["error"]["exit_code"] == 2


def test_ctrl_c_ends_a_build_and_its_steps(person: Person, source: Checkout, engine: docker.DockerClient) -> None:
    """A new line in the lock has every package installed anew, which takes a while."""
    lock = (source.path / "backend.lock").read_text()
    tag = source.write("backend.lock", f"{lock}# {source.path}\n").commit()
    with person.begins("build.all", "--source", str(source.path), "--verbose", "--format", "json") as build:
        build.says("Resolved ")
        build.presses_ctrl_c()
        ran = build.result(60).ended(130)
    assert "Traceback" not in ran.said
    assert ran.document == {"ok": False, "error": {"message": "interrupted", "exit_code": 130}}
    assert images(engine, f"backend:{tag}") == []
