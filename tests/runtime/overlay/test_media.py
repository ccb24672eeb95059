"""Media in a bucket, against a real S3 server; and in a folder."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.runtime.faulty import s3_server

from .conftest import Shop

KEY, SECRET = "rehearsal-key", "rehearsal-secret-of-some-length"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """An S3 server with the bucket `media`; its address and its folder."""
    folder = tmp_path_factory.mktemp("s3")
    (folder / "media").mkdir()
    with s3_server(folder, KEY, SECRET) as address:
        yield address, folder / "media"


def bucket(address: str) -> dict[str, str | None]:
    return {
        "AWS_STORAGE_BUCKET_NAME": "media",
        "AWS_S3_ENDPOINT_URL": address,
        "AWS_S3_REGION_NAME": "us-east-1",
        "AWS_ACCESS_KEY_ID": KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


SAVE = """
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage as storage
import urllib.request, urllib.error
def fetched(url):
    try:
        return urllib.request.urlopen(url, timeout=10).read().decode()
    except urllib.error.HTTPError as error:
        return error.code
"""


@pytest.mark.slow
def test_a_file_goes_to_the_bucket_and_comes_back(shop: Shop, server: tuple[str, Path]) -> None:
    address, folder = server
    script = SAVE + (
        "names = [storage.save('covers/one.txt', ContentFile(text)) for text in (b'first', b'second')]\n"
        "url = storage.url(names[0])\n"
        "answer = [len(set(names)), [storage.open(name).read().decode() for name in names], fetched(url),\n"
        "          fetched(url.split('?')[0]), storage.exists(names[1]), storage.size(names[1])]\n"
    )
    count, texts, signed, unsigned, exists, size = shop.ask(script, **bucket(address))
    assert (count, texts, signed, exists, size) == (2, ["first", "second"], "first", True, 6)
    assert unsigned in (400, 403)
    assert sorted(path.read_text() for path in (folder / "covers").iterdir()) == ["first", "second"]
    assert not list((shop.folder / "shop" / "media").iterdir())


@pytest.mark.slow
def test_a_file_of_a_model_of_the_project_goes_there_too(shop: Shop, server: tuple[str, Path]) -> None:
    address, folder = server
    script = SAVE + (
        "from django.db.models import FileField\n"
        "field = FileField(upload_to='songs')\n"
        "answer = field.storage.save('songs/a.txt', ContentFile(b'sound'))"
    )
    assert shop.ask(script, AWS_LOCATION="/zamio/", **bucket(address)) == "songs/a.txt"
    assert (folder / "zamio" / "songs" / "a.txt").read_text() == "sound"


@pytest.mark.slow
def test_a_wrong_key_is_refused_by_the_server(shop: Shop, server: tuple[str, Path]) -> None:
    wrong = {**bucket(server[0]), "AWS_SECRET_ACCESS_KEY": "another-secret-of-some-length"}
    script = SAVE + (
        "from botocore.exceptions import ClientError\n"
        "try:\n    storage.save('x.txt', ContentFile(b'x'))\n    answer = 'saved'\n"
        "except ClientError as error:\n    answer = error.response['ResponseMetadata']['HTTPStatusCode']"
    )
    assert shop.ask(script, **wrong) == 403


def test_without_a_bucket_media_stay_in_the_projects_folder(shop: Shop) -> None:
    assert "STORAGES" not in shop.composed(SLIPWAY_OVERLAY_OFF=shop.right["SLIPWAY_OVERLAY_OFF"] + ",static_files")
    shop.ask(SAVE + "answer = storage.save('a.txt', ContentFile(b'x'))")
    assert (shop.folder / "shop" / "media" / "a.txt").exists()


def test_a_shared_volume_is_named_by_the_environment(shop: Shop, tmp_path: Path) -> None:
    shared = tmp_path / "volume"
    shared.mkdir()
    shop.ask(SAVE + "answer = storage.save('a.txt', ContentFile(b'x'))", MEDIA_ROOT=str(shared))
    assert (shared / "a.txt").exists()


def test_a_volume_that_takes_no_file_is_told(shop: Shop, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may write anywhere
    assert shop.problems(MEDIA_ROOT=str(tmp_path)) == ["slipway.E075"]


def test_the_bucket_and_the_hashed_static_files_live_side_by_side(shop: Shop) -> None:
    found = shop.composed(AWS_STORAGE_BUCKET_NAME="media")["STORAGES"]
    assert found["default"]["BACKEND"] == "storages.backends.s3.S3Storage"
    assert found["staticfiles"]["BACKEND"] == "slipway_runtime.static_storage.HashedFiles"
