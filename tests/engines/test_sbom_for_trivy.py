"""What Trivy needs to find Debian's advisories, which are kept by source package."""

import json

import pytest

from slipway.engines.sbom import sbom
from slipway.inventory.package import Ecosystem, Inventory, Package


def properties(package: Package) -> dict[str, str]:
    document = json.loads(sbom(Inventory("a", "zamio/a:1", "sha256:" + "0" * 64, (package,), "debian 12")))
    (component,) = (c for c in document["components"] if c["name"] == package.name)
    return {entry["name"].removeprefix("aquasecurity:trivy:"): entry["value"] for entry in component["properties"]}


@pytest.mark.parametrize(
    ("version", "told"),
    [
        ("3.0.9-1", {"SrcVersion": "3.0.9", "SrcRelease": "1"}),
        ("1:2.38.1-5+deb12u3", {"SrcEpoch": "1", "SrcVersion": "2.38.1", "SrcRelease": "5+deb12u3"}),
        ("20230311", {"SrcVersion": "20230311"}),
        ("2:1.0-rc1-4", {"SrcEpoch": "2", "SrcVersion": "1.0-rc1", "SrcRelease": "4"}),
    ],
)
def test_a_debian_package_names_its_source_in_trivys_words(version: str, told: dict[str, str]) -> None:
    package = Package(Ecosystem.DEBIAN, "libssl3", "9-9", source="openssl", source_version=version)
    assert properties(package) == {"SrcName": "openssl", **told}


def test_other_packages_have_no_source_package() -> None:
    document = json.loads(
        sbom(Inventory("a", "zamio/a:1", "sha256:" + "0" * 64, (Package(Ecosystem.NPM, "react", "18.2.0"),)))
    )
    assert all("properties" not in component for component in document["components"])
