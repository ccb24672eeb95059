"""Files out of a real image whose program is never started."""

from collections.abc import Iterator

import docker
import pytest

from slipway.engines.images.files import EngineImageFiles
from slipway.errors import Refused, Unreachable
from tests import tiny
from tests.hosts import docker_client

pytestmark = pytest.mark.docker
LABELS = {"slipway.test": "image-files"}


@pytest.fixture
def client() -> Iterator[docker.DockerClient]:
    with docker_client() as client:
        yield client


def test_files_are_read_and_nothing_is_left(client: docker.DockerClient) -> None:
    with tiny.image(client, {"/srv/a.js": "one", "/srv/deep/b.html": "zwei ü"}, 'CMD ["/none"]') as reference:
        found = EngineImageFiles(lambda: client, LABELS).read(reference, "/srv")
    assert found == {"a.js": b"one", "deep/b.html": "zwei ü".encode()}
    assert client.containers.list(all=True, filters={"label": "slipway.test=image-files"}) == []


def test_a_folder_or_an_image_that_is_not_there_is_named(client: docker.DockerClient) -> None:
    files = EngineImageFiles(lambda: client, LABELS)
    with tiny.image(client) as reference, pytest.raises(Refused, match="has no /srv"):
        files.read(reference, "/srv")
    with pytest.raises(Refused):
        files.read("slipway-test/never-built:1", "/srv")
    assert client.containers.list(all=True, filters={"label": "slipway.test=image-files"}) == []


def test_a_name_is_taken_away_and_the_image_stays_under_its_other_one(client: docker.DockerClient) -> None:
    files = EngineImageFiles(lambda: client, LABELS)
    with tiny.image(client) as reference:
        other = reference.replace(":1", ":2")
        client.images.get(reference).tag(other)
        files.untag(other)
        files.untag(other)
        assert client.images.get(reference).tags == [reference]


def test_an_engine_that_does_not_answer_is_unreachable() -> None:
    lost = docker.DockerClient("tcp://127.0.0.1:9", version="1.41")
    with pytest.raises(Unreachable):
        EngineImageFiles(lambda: lost).read("a:1", "/srv")
    with pytest.raises(Unreachable):
        EngineImageFiles(lambda: lost).untag("a:1")
    lost.close()
