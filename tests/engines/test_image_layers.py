"""Layers of real images: what a later layer deletes is still in the one below."""

import base64
import gzip
import io
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import docker
import pytest

from slipway.checks.images.secrets import recognisable
from slipway.engines.clean_layers import CleanLayers
from slipway.engines.image_layers import LayerSearch
from slipway.errors import Unreachable
from slipway.ports import BuiltImage
from slipway.rehearsal.stage.weighing import LayerRule
from slipway.secret import Secret
from slipway.testing import Lines
from tests import tiny
from tests.engines.images.fake_engine import fake_engine

pytestmark = pytest.mark.docker
VALUE = "a/hidden+value of %41"


@pytest.fixture
def client() -> Iterator[docker.DockerClient]:
    client = docker.from_env()
    yield client
    client.close()


def grown(client: docker.DockerClient, below: str, command: str) -> str:
    """Return an image with one layer more: what `command` changes."""
    with tiny.running(client, below, command=["sh", "-c", command]) as container:
        container.wait()
        return str(container.commit(repository=f"{below.partition(':')[0]}-grown").id)


def check(client: docker.DockerClient, image: str, clean: CleanLayers, said: Any = None) -> list[str]:
    rule = LayerRule(LayerSearch(client), clean, (Secret(VALUE), Secret("another-secret")), said or Lines())
    built = BuiltImage("admin", image, ("x/admin:1",), 1)
    issues = rule.check({"admin": built, "again": built})
    assert [i.message for i in issues if i.subject == "admin"] == [i.message for i in issues if i.subject == "again"]
    return [issue.message for issue in issues if issue.subject == "admin"]


@pytest.mark.parametrize(
    "text",
    [
        VALUE,
        f"x{base64.b64encode(VALUE.encode()).decode()}y",
        base64.urlsafe_b64encode(b"user:" + VALUE.encode()).decode(),
        quote(VALUE, safe=""),
        VALUE.encode().hex(),
        "\0" * 70_000 + VALUE + "\0" * 2_000_000,
        "é" * 1_100_000 + VALUE,
    ],
    ids=["plain", "base64", "urlsafe", "percent", "hex", "zeros", "long line"],
)
def test_a_value_is_found_however_it_is_written(client: docker.DockerClient, tmp_path: Any, text: str) -> None:
    with tiny.image(client, {"/app/a b.py": text, "/app/z": "nothing"}) as image:
        found = check(client, image, CleanLayers(tmp_path / "clean"))
        assert found == ["a secret's value is in /app/a b.py of layer 1"]


def test_a_deleted_file_is_found_in_the_layer_below(client: docker.DockerClient, tmp_path: Any) -> None:
    with tiny.image(client, {"/app/key": VALUE}) as below:
        image = grown(client, below, "> /app/key; echo clean > /app/other")
        try:
            assert check(client, image, CleanLayers(tmp_path / "clean")) == [
                "a secret's value is in /app/key of layer 1"
            ]
        finally:
            client.images.remove(image, force=True)


def test_a_clean_layer_is_read_once(client: docker.DockerClient, tmp_path: Any) -> None:
    clean, said = CleanLayers(tmp_path / "clean"), Lines()
    with tiny.image(client, {"/app/x": "nothing"}) as image:
        assert check(client, image, clean, said) == []
        assert check(client, image, clean, said) == []
        assert ["0 of them before" in said.lines[0], "1 of them before" in said.lines[1]] == [True, True]
    with tiny.image(client, {"/app/x": VALUE}) as image:
        assert check(client, image, clean) == check(client, image, clean) != []


def test_file_capabilities_are_found(client: docker.DockerClient, tmp_path: Any) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        entry = tarfile.TarInfo("bin/able")
        # vfs_cap_data, revision 2: cap_net_bind_service, effective (capabilities(7)).
        entry.pax_headers = {"SCHILY.xattr.security.capability": "\x01\0\0\x02\0\x04" + "\0" * 14}
        tar.addfile(entry)
    repository = "slipway-test/able"
    client.api.import_image_from_data(buffer.getvalue(), repository=repository, tag="1")
    try:
        found = check(client, f"{repository}:1", CleanLayers(tmp_path / "clean"))
        assert found == ["/bin/able in layer 1 has file capabilities"]
    finally:
        client.images.remove(f"{repository}:1", force=True)


def test_a_stopped_search_says_so(client: docker.DockerClient) -> None:
    stop = threading.Event()
    stop.set()
    with tiny.image(client) as image, pytest.raises(Unreachable, match="was stopped"):
        LayerSearch(client, stop).search([image], ["value"])


def test_an_image_that_is_not_there_is_told(client: docker.DockerClient) -> None:
    with pytest.raises(Unreachable, match="hands out no layers"):
        LayerSearch(client).search(["slipway-test/there-is-none:1"], ["value"])


def test_texts_have_no_line_break_and_none_is_short() -> None:
    key = Secret("-----BEGIN-----\nthe-longest-line-of-a-key\n-----END-----\n")
    texts = recognisable((key, Secret("short"), Secret(""), Secret("\n\n")))
    assert "the-longest-line-of-a-key" in texts
    assert not any("\n" in text or "BEGIN" in text or len(text) < 6 for text in texts)


@pytest.mark.parametrize(
    "compressed", [gzip.compress(b"a layer", mtime=0), b"\x28\xb5\x2f\xfd and more"], ids=["gzip", "zstd"]
)
def test_a_compressed_layer_is_no_clean_one(tmp_path: Path, compressed: bytes) -> None:
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        member = tarfile.TarInfo("blobs/sha256/" + "a" * 64)
        member.size = len(compressed)
        tar.addfile(member, io.BytesIO(compressed))
    with fake_engine(tmp_path) as engine:
        engine.answers["/images/get"] = [[archive.getvalue()]]
        client = docker.DockerClient(engine.url, version="1.41")
        with pytest.raises(Unreachable, match="compressed layers"):
            LayerSearch(client).search(["sha256:a"], ["another-secret"])
        client.close()
