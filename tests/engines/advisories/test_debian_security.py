"""The comparison with what a suite offers, and the real security suite asked through a container."""

import threading
import time
from contextlib import closing

import docker
import pytest

from slipway.engines.advisories.debian_security import LABEL, DebianSecurity, compared, read_offer
from slipway.errors import Unreachable
from slipway.inventory.package import Ecosystem, Inventory, Package
from slipway.release.bases import RECIPES
from tests import tiny

LISTS = """begin bookworm
list bookworm
Package: libssl3
Source: openssl
Version: 3.1-1

Package: zlib1g
Source: zlib
Version: 1:1.2.13.dfsg-1

list bookworm-security
Package: libssl3
Source: openssl
Version: 3.0.17-1~deb12u2

Package: libssl3
Source: openssl
Version: 3.0.17-1~deb12u1

Package: bash
Version: 5.2.15-2+b13

end
"""


def package(name: str, version: str, suite: str = "bookworm", *, own: bool = False) -> Package:
    return Package(Ecosystem.DEBIAN, name, version, source=name, suite=suite, own=own)


def test_the_newest_version_of_the_suite_counts() -> None:
    offer = read_offer(LISTS, "here")
    assert offer.suite == "bookworm"
    assert offer.updates == {"libssl3": ("3.0.17-1~deb12u2", "openssl"), "bash": ("5.2.15-2+b13", "bash")}
    assert {("zlib1g", "1:1.2.13.dfsg-1"), ("libssl3", "3.1-1"), ("libssl3", "3.0.17-1~deb12u1")} < offer.published


def test_what_is_older_than_the_suite_is_found_and_the_update_is_the_advisory() -> None:
    old, same, newer = package("libssl3", "3.0.16-1"), package("bash", "5.2.15-2+b13"), package("libssl3", "3.1-1")
    (finding,) = compared(
        frozenset({old, same, newer, package("mine", "1")}), read_offer(LISTS, "here").updates, "suite"
    )
    assert (finding.package, finding.id, finding.fixed) == (
        old,
        "DEBIAN-openssl-3.0.17-1~deb12u2",
        "3.0.17-1~deb12u2",
    )


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (LISTS[:-20], "was cut off"),
        ("", "was cut off"),
        ("rubbish", "was cut off"),
        ("begin bookworm\n\nend\n", "no package sources of a security suite"),
        ("begin bookworm\nlist bookworm\nPackage: bash\nVersion: 5\n\nend\n", "no package sources of a security suite"),
        ("begin bookworm\nlist bookworm-security\n\nend\n", "is empty"),
    ],
)
def test_a_list_that_is_not_whole_is_no_answer(text: str, says: str) -> None:
    with pytest.raises(Unreachable, match=says):
        read_offer(text, "here")


class Told(DebianSecurity):
    """A suite whose container said this."""

    def _lists(self) -> str:
        return LISTS


def test_what_debian_publishes_nowhere_is_not_answered_by_its_silence() -> None:
    known, old = package("zlib1g", "1:1.2.13.dfsg-1"), package("libssl3", "3.0.16-1")
    newer, unheard = package("zlib1g", "2.0-1~other"), package("docker-ce", "5:28.0-1")
    image = Inventory(
        "backend", "zamio/backend:1", "sha256:a", (known, old, newer, unheard, package("own", "1", own=True))
    )
    with closing(docker.DockerClient("tcp://127.0.0.1:1", version="1.41")) as client:
        answer = Told(client, "base").ask([image], {})
    assert answer.asked == {known, old}
    assert answer.strangers == {newer, unheard}
    assert answer.silence == "Debian bookworm does not publish docker-ce 5:28.0-1, zlib1g 2.0-1~other"
    assert "never found" in answer.blind


@pytest.mark.docker
def test_the_real_suite_knows_an_old_openssl_and_the_base_is_up_to_it() -> None:
    client = docker.from_env()
    old, foreign = package("libssl3", "3.0.9-1"), package("libssl3", "1.1-1", "bullseye")
    third = package("bash", "99-1~third")
    image = Inventory("backend", "zamio/backend:1", "sha256:" + "a" * 64, (old, foreign, third))
    answer = DebianSecurity(client, RECIPES["debian"].image).ask([image], {})
    (finding,) = answer.findings
    assert finding.package == old
    assert finding.id.startswith("DEBIAN-openssl-3.0.")
    assert answer.asked == {old}
    assert answer.strangers == {third}
    assert "bullseye" in answer.silence
    assert "does not publish bash 99-1~third" in answer.silence
    assert client.containers.list(all=True, filters={"label": LABEL}) == []


@pytest.mark.docker
def test_a_base_without_sources_is_no_answer() -> None:
    client = docker.from_env()
    with tiny.image(client) as reference, pytest.raises(Unreachable, match="apt could not fetch its list"):
        DebianSecurity(client, reference).ask([], {})
    assert client.containers.list(all=True, filters={"label": LABEL}) == []


@pytest.mark.docker
def test_a_mirror_that_hangs_is_left_at_the_deadline() -> None:
    client = docker.from_env()
    slow = {"etc/os-release": "VERSION_CODENAME=bookworm\n", "bin/apt-get": "#!/bin/sh\nsleep 60\n"}
    with tiny.image(client, slow) as reference, pytest.raises(Unreachable, match="could not be fetched"):
        DebianSecurity(client, reference, seconds=1).ask([], {})
    assert client.containers.list(all=True, filters={"label": LABEL}) == []


@pytest.mark.docker
def test_cancel_ends_the_container_and_lets_none_be_started() -> None:
    client = docker.from_env()
    slow = {"etc/os-release": "VERSION_CODENAME=bookworm\n", "bin/apt-get": "#!/bin/sh\nsleep 60\n"}

    with tiny.image(client, slow) as reference:
        suite = DebianSecurity(client, reference)

        def cancel() -> None:
            tiny.wait_until(lambda: client.containers.list(filters={"label": LABEL}), 10)
            suite.cancel()

        stop = threading.Thread(target=cancel)
        stop.start()
        begin = time.monotonic()
        for _ in range(2):
            with pytest.raises(Unreachable):
                suite.ask([], {})
        assert time.monotonic() - begin < 15
        stop.join()
    assert client.containers.list(all=True, filters={"label": LABEL}) == []


@pytest.mark.docker
def test_an_image_that_is_not_there_is_no_answer() -> None:
    with pytest.raises(Unreachable, match="could not be fetched"):
        DebianSecurity(docker.from_env(), "slipway-test/absent:1").ask([], {})
