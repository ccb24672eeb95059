from datetime import UTC, datetime

import pytest

from slipway.release.image import ImageName, Version, oci_labels


def test_a_tag_names_version_revision_and_changes() -> None:
    assert Version("0.1.0", "1f2e3d4c5b6a").tag == "0.1.0-1f2e3d4c5b6a"
    assert Version("0.1.0", "1f2e3d4c5b6a", dirty=True).tag == "0.1.0-1f2e3d4c5b6a-dirty"


@pytest.mark.parametrize("number", ["", "1.0+x", "a b", "1/2", "x" * 128, "1.0\n", "ä"])
def test_what_docker_would_refuse_is_no_tag(number: str) -> None:
    with pytest.raises(ValueError, match="is no image tag"):
        _ = Version(number, "abc").tag


def test_a_repository_with_and_without_registry() -> None:
    name = ImageName("127.0.0.1:5000", "zamio", "backend")
    assert name.repository == "127.0.0.1:5000/zamio/backend"
    assert name.tagged("1-a") == "127.0.0.1:5000/zamio/backend:1-a"
    assert ImageName("", "zamio", "backend").repository == "zamio/backend"


def test_labels_say_where_an_image_comes_from() -> None:
    labels = oci_labels("api", Version("1.2.3", "abc", dirty=True), datetime(2024, 1, 2, 3, 4, 5, 6, UTC), "zamio")
    assert labels == {
        "org.opencontainers.image.title": "api",
        "org.opencontainers.image.version": "1.2.3",
        "org.opencontainers.image.revision": "abc",
        "org.opencontainers.image.created": "2024-01-02T03:04:05+00:00",
        "slipway.workspace": "zamio",
        "slipway.dirty": "true",
    }
