"""SBOMs, held against CycloneDX's own schema."""

import json
from pathlib import Path

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL

from slipway.engines.sbom import sbom, write_sboms
from slipway.errors import UsageError
from slipway.inventory.package import Ecosystem, Inventory, Package

PACKAGES = (
    Package(
        Ecosystem.DEBIAN,
        "libstdc++6",
        "12.2.0-14+deb12u1",
        "GPL-3+ AND LGPL-2.1+",
        "gcc-12",
        "12.2.0-14+deb12u1",
        "amd64",
        "debian-12",
        "bookworm",
    ),
    Package(Ecosystem.DEBIAN, "tzdata", "1:2024a-0+deb12u1~x", "", "tzdata", "1:2024a-0+deb12u1~x"),
    Package(Ecosystem.PYTHON, "django", "5.1.7", "BSD-3-Clause"),
    Package(Ecosystem.PYTHON, "odd", "1.0+local.1", "a licence (of my own) OR <nothing> \u2603"),
    Package(Ecosystem.NPM, "@remix-run/router", "1.19.0-rc.1+b", "MIT OR Apache-2.0"),
)
IMAGE = Inventory("backend", "zamio/backend:0.1.0-abc", "sha256:" + "a1" * 32, PACKAGES, "debian 12")


def test_the_document_is_valid_and_names_every_package() -> None:
    text = sbom(IMAGE)
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    document = json.loads(text)
    purls = {component["purl"] for component in document["components"] if "purl" in component}
    assert purls == {package.purl for package in PACKAGES}
    assert {"type": "operating-system", "name": "debian", "version": "12", "bom-ref": "system"} in document[
        "components"
    ]


def test_the_image_itself_is_the_subject_with_its_digest() -> None:
    subject = json.loads(sbom(IMAGE))["metadata"]["component"]
    assert (subject["type"], subject["name"], subject["version"]) == ("container", "zamio/backend", "0.1.0-abc")
    assert subject["hashes"] == [{"alg": "SHA-256", "content": "a1" * 32}]
    assert PackageURL.from_string(subject["purl"]).version == IMAGE.id


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.name)
def test_a_purl_is_in_canonical_form(package: Package) -> None:
    read = PackageURL.from_string(package.purl)
    assert read.to_string() == package.purl
    assert read.version == package.version


def test_licences_are_known_ones_expressions_or_the_makers_words() -> None:
    by_name = {component["name"]: component.get("licenses") for component in json.loads(sbom(IMAGE))["components"]}
    assert by_name["django"] == [{"license": {"id": "BSD-3-Clause"}}]
    assert by_name["router"] == [{"expression": "MIT OR Apache-2.0"}]
    assert by_name["odd"] == [{"license": {"name": "a licence (of my own) OR <nothing> \u2603"}}]
    assert by_name["tzdata"] is None


def test_the_same_image_gives_the_same_bytes_and_another_one_others() -> None:
    assert sbom(IMAGE) == sbom(IMAGE)
    assert sbom(IMAGE) != sbom(Inventory("backend", IMAGE.reference, "sha256:" + "b" * 64, PACKAGES))


def test_an_image_without_packages_has_a_valid_document() -> None:
    text = sbom(Inventory("admin", "zamio/admin:1", "sha256:" + "c" * 64, ()))
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None


def test_files_are_named_after_images_and_a_folder_that_cannot_be_is_told(tmp_path: Path) -> None:
    written = write_sboms((IMAGE,), tmp_path / "reports" / "sbom")
    assert written == {"backend": tmp_path / "reports" / "sbom" / "backend.cdx.json"}
    assert [file.name for file in written["backend"].parent.iterdir()] == ["backend.cdx.json"]
    with pytest.raises(UsageError, match="cannot be written"):
        write_sboms((IMAGE,), written["backend"])
