"""Lists of packages read from real images, of which none is ever started."""

import gzip
import json

import docker
import pytest

from slipway.engines.image_contents import LABEL, ImageContents
from slipway.errors import Unreachable
from slipway.inventory.package import Ecosystem
from slipway.ports import BuiltImage
from tests import tiny

SYSTEM = {"etc/os-release": 'ID=debian\nVERSION_ID="12"\nVERSION_CODENAME=bookworm\n'}
METADATA = "Metadata-Version: 2.4\nName: {}\nVersion: 1.0\n\nText\n"
VENV = "opt/venv/lib/python3.11/site-packages"


def image(reference: str, image_id: str = "") -> BuiltImage:
    return BuiltImage("backend", image_id or reference, (reference,), 1)


@pytest.mark.docker
def test_every_list_in_an_image_is_read_and_nothing_runs() -> None:
    client = docker.from_env()
    files = SYSTEM | {
        "var/lib/dpkg/status": "Package: bash\nStatus: install ok installed\nVersion: 5.2-1\nArchitecture: amd64\n",
        "var/lib/dpkg/status.d/tini": "Package: tini\nVersion: 0.19.0-1\n",
        "var/lib/dpkg/status.d/tini.md5sums": "d41d8cd98f00b204e9800998ecf8427e  usr/bin/tini\n",
        "usr/share/doc/bash/copyright": "Format: https://x/copyright-format/1.0/\n\nFiles: *\nLicense: GPL-3+\n",
        f"{VENV}/Django-5.1.7.dist-info/METADATA": METADATA.format("Django"),
        f"{VENV}/own-1.0.dist-info/METADATA": METADATA.format("own"),
        f"{VENV}/own-1.0.dist-info/direct_url.json": '{"url": "file:///build", "dir_info": {}}',
        f"{VENV}/broken-1.dist-info/METADATA": "no name at all",
        "usr/lib/python3/dist-packages/apt-1.dist-info/METADATA": METADATA.format("debians-own"),
        "srv/old.egg-info/PKG-INFO": METADATA.format("old"),
    }
    with tiny.image(client, files, 'ENTRYPOINT ["/no/such/program"]') as reference:
        inventory = ImageContents(client).inventory(image(reference))
    named = {(str(p.ecosystem), p.name): p for p in inventory.packages}
    assert set(named) == {("deb", "bash"), ("deb", "tini"), ("pypi", "django"), ("pypi", "old"), ("pypi", "own")}
    assert named["deb", "bash"].licence == "GPL-3+"
    assert named["deb", "bash"].suite == "bookworm"
    assert [p.name for p in inventory.packages if p.own] == ["own"]
    assert inventory.system == "debian 12"
    assert inventory.unread == (f"/{VENV}/broken-1.dist-info/METADATA: has no usable name and version",)
    assert client.containers.list(all=True, filters={"label": LABEL}) == []


@pytest.mark.docker
def test_a_portals_bundle_is_what_its_image_carries_of_the_lock() -> None:
    client = docker.from_env()
    portal = {"": {}, "admin": {"dependencies": {"react": "19"}}, "node_modules/react": {"version": "19.1.0"}}
    lock = gzip.compress(json.dumps({"portal": "admin", "lockfileVersion": 3, "packages": portal}).encode())
    for content, names, unread in ((lock, ["react"], 0), (lock[:-9], [], 1)):
        with tiny.image(client, {"etc/slipway/lock.gzip": content}) as reference:
            inventory = ImageContents(client).inventory(image(reference))
        assert [package.name for package in inventory.of(Ecosystem.NPM)] == names
        assert len(inventory.unread) == unread
        assert all(told.startswith("/etc/slipway/lock.gzip: ") for told in inventory.unread)


@pytest.mark.docker
def test_an_image_without_any_list_has_no_packages() -> None:
    client = docker.from_env()
    with tiny.image(client) as reference:
        inventory = ImageContents(client).inventory(image(reference))
    assert (inventory.packages, inventory.system, inventory.unread) == ((), "", ())
    assert inventory.of(Ecosystem.DEBIAN) == ()


@pytest.mark.docker
def test_an_image_that_went_away_is_told() -> None:
    with pytest.raises(Unreachable, match="did not hand the image out"):
        ImageContents(docker.from_env()).inventory(image("slipway-test/absent:1"))


@pytest.mark.docker
def test_cancel_ends_the_reading_and_leaves_nothing_behind() -> None:
    client = docker.from_env()
    contents = ImageContents(client)
    contents.cancel()
    with tiny.image(client) as reference:
        with pytest.raises(Unreachable, match="was cancelled"):
            contents.inventory(image(reference))
        assert client.containers.list(all=True, filters={"label": LABEL}) == []
