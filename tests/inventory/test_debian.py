import shutil
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slipway.inventory.debian import System, is_older, licences_of, read_status, source_of
from slipway.inventory.package import Ecosystem, Package

BOOKWORM = System("debian", "12", "bookworm")
OPENSSL = """Package: libssl3
Status: install ok installed
Architecture: amd64
Source: openssl (3.0.16-1)
Version: 3.0.16-1+b1
Description: a library
 Package: not-a-package
"""


def test_a_package_has_its_source_its_place_and_a_purl() -> None:
    (package,), unread = read_status(OPENSSL, BOOKWORM, {"libssl3": "Apache-2.0"})
    assert (package.name, package.version, package.source, package.source_version) == (
        "libssl3",
        "3.0.16-1+b1",
        "openssl",
        "3.0.16-1",
    )
    assert package.licence == "Apache-2.0"
    assert package.purl == (
        "pkg:deb/debian/libssl3@3.0.16-1%2Bb1?arch=amd64&distro=debian-12&upstream=openssl%403.0.16-1"
    )
    assert unread == []


def test_what_was_removed_is_not_there_and_what_is_half_there_is() -> None:
    text = "\n".join(
        f"Package: {name}\nStatus: {status}\nVersion: 1\n"
        for name, status in (
            ("whole", "hold ok installed"),
            ("gone", "deinstall ok config-files"),
            ("never", "unknown ok not-installed"),
            ("half", "install reinstreq half-installed"),
        )
    )
    packages, _ = read_status(text, BOOKWORM)
    assert [package.name for package in packages] == ["whole", "half"]


def test_a_file_of_status_d_needs_no_status() -> None:
    packages, unread = read_status("Package: tini\nVersion: 0.19.0-1\n", BOOKWORM)
    assert [package.purl for package in packages] == ["pkg:deb/debian/tini@0.19.0-1?distro=debian-12"]
    assert unread == []


@pytest.mark.parametrize(
    "text",
    [
        "Package: cut",
        "Package: \x1b[2Jevil\nVersion: 1\n",
        "Package: a/../../b\nVersion: 1\n",
        "Package: fine\nVersion: 1 2\n",
        "Version: 1\n",
        "\x00\x01\x02 rubbish",
        "<html>no status at all</html>\n" * 1000,
    ],
)
def test_a_corrupt_status_is_told_and_never_passes_for_empty(text: str) -> None:
    packages, unread = read_status(text, BOOKWORM)
    assert packages == []
    assert len(unread) == 1


def test_one_corrupt_entry_hides_no_other() -> None:
    packages, unread = read_status(f"Package: ?\nVersion: 1\n\n{OPENSSL}", BOOKWORM)
    assert [package.name for package in packages] == ["libssl3"]
    assert unread == ["entry 1 has no usable name and version: '?' '1'"]


def test_what_stands_in_for_packages_left_out_is_our_own() -> None:
    (package,), _ = read_status("Package: slipway-left-out\nVersion: 1\nMaintainer: Slipway\n", BOOKWORM)
    assert package.own


@pytest.mark.parametrize(
    ("fields", "source"),
    [
        ({"package": "bash", "version": "5.2.15-2+b13"}, ("bash", "5.2.15-2")),
        ({"package": "bash", "version": "5.2", "source": "shells"}, ("shells", "5.2")),
        ({"package": "a", "version": "1", "source": "b (2:3-4)"}, ("b", "2:3-4")),
    ],
)
def test_the_source_is_what_dpkg_says_or_what_it_leaves_out(fields: dict[str, str], source: tuple[str, str]) -> None:
    assert source_of(fields) == source


def test_a_licence_is_read_where_a_machine_may_read_it() -> None:
    readable = "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n\nFiles: *\nLicense: MIT\n"
    assert licences_of(readable + "\nLicense: GPL-2+\n text\n\nLicense: MIT\n text\n") == "MIT AND GPL-2+"
    assert licences_of("This package is free.\nLicense: as you like\n") == ""


def test_the_system_is_read_with_and_without_quotes() -> None:
    assert System.read('ID=debian\nVERSION_ID="12"\nVERSION_CODENAME=bookworm\n# x=y\n') == BOOKWORM
    assert System.read("nothing") == System()


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ("1.0", "1.0.1"),
        ("1.9", "1.10"),
        ("1.0~rc1", "1.0"),
        ("1.0~~", "1.0~"),
        ("0~", "0"),
        ("0~1a-0", "0-~"),
        ("9", "1:1"),
        ("3.0.16-1~deb12u1", "3.0.17-1~deb12u2"),
        ("1.0-1", "1.0-1+b1"),
        ("1.0a", "1.0+"),
        ("2.36-9+deb12u9", "2.36-9+deb12u13"),
    ],
)
def test_versions_have_dpkgs_order(older: str, newer: str) -> None:
    assert is_older(older, newer)
    assert not is_older(newer, older)


@pytest.mark.parametrize(("one", "other"), [("0", "0-0"), ("1.", "1.0"), ("1", "0:1"), ("1.0-1", "1.0-01")])
def test_some_versions_are_the_same_to_dpkg(one: str, other: str) -> None:
    assert not is_older(one, other)
    assert not is_older(other, one)


VERSIONS = st.from_regex(r"\A([0-3]:)?[0-9][0-9a-c.+~]{0,6}(-[0-9a-c.+~]{1,4})?\Z")


@pytest.mark.slow
@given(VERSIONS, VERSIONS)
@settings(max_examples=150, deadline=None)
def test_versions_have_the_order_that_dpkg_itself_gives_them(one: str, other: str) -> None:
    dpkg = shutil.which("dpkg")
    assert dpkg, "dpkg is what is compared with"
    said = subprocess.run([dpkg, "--compare-versions", one, "lt", other], check=False).returncode == 0
    assert is_older(one, other) == said


def test_a_purl_of_npm_keeps_the_scope_apart() -> None:
    assert Package(Ecosystem.NPM, "@scope/name", "1.0.0-rc.1+x").purl == "pkg:npm/%40scope/name@1.0.0-rc.1%2Bx"
