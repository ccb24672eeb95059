"""Writes an inventory as a CycloneDX 1.6 document: the same image gives the same bytes."""

import os
import uuid
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import slipway
from slipway.errors import UsageError
from slipway.inventory.package import Inventory, Package

if TYPE_CHECKING:
    from cyclonedx.model.component import Component
    from cyclonedx.model.license import License, LicenseExpression


def write_sboms(inventories: "tuple[Inventory, ...]", folder: Path) -> dict[str, Path]:
    """Write `<image>.cdx.json` for each inventory; return image -> file. Raises `UsageError` where that cannot be."""
    written = {}
    for inventory in inventories:
        file = folder / f"{inventory.image}.cdx.json"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            half = file.with_suffix(".part")
            half.write_text(sbom(inventory) + "\n", "utf-8")
            os.replace(half, file)  # noqa: PTH105 - whole or not at all
        except OSError as error:
            raise UsageError(f"cannot be written: {error.strerror}", where=str(file)) from error
        written[inventory.image] = file
    return written


def sbom(inventory: Inventory) -> str:
    """Return the document. It has no time of its own: what it tells of is the image, which its digest names."""
    from cyclonedx.model import HashAlgorithm, HashType
    from cyclonedx.model.bom import Bom
    from cyclonedx.model.component import Component, ComponentType
    from cyclonedx.output.json import JsonV1Dot6
    from packageurl import PackageURL

    name = inventory.reference.rpartition(":")[0] or inventory.image
    digest = inventory.id.removeprefix("sha256:")
    whole = Component(
        name=name,
        version=inventory.reference.rpartition(":")[2],
        type=ComponentType.CONTAINER,
        bom_ref=inventory.id,
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=digest)],
        purl=PackageURL.from_string(f"pkg:oci/{quote(name.rpartition('/')[2].lower())}@{quote(inventory.id)}"),
    )
    parts = [_component(package) for package in inventory.packages]
    if inventory.system:
        system, _, version = inventory.system.partition(" ")
        parts.append(
            Component(name=system, version=version or None, type=ComponentType.OPERATING_SYSTEM, bom_ref="system")
        )
    bom = Bom(
        components=parts,
        # Named after what it tells of, so that it is the same document when written again.
        serial_number=uuid.uuid5(uuid.NAMESPACE_OID, inventory.id),
    )
    bom.metadata.component = whole
    bom.metadata.tools.components.add(
        Component(name="slipway", version=slipway.__version__, type=ComponentType.APPLICATION, bom_ref="slipway")
    )
    bom.register_dependency(whole, parts)
    return _without_time(JsonV1Dot6(bom).output_as_string(indent=2))


def _component(package: Package) -> "Component":
    from cyclonedx.model import Property
    from cyclonedx.model.component import Component, ComponentType
    from packageurl import PackageURL

    return Component(
        name=package.name.rpartition("/")[2],
        group=package.name.rpartition("/")[0] or None,
        version=package.version,
        type=ComponentType.LIBRARY,
        purl=PackageURL.from_string(package.purl),
        bom_ref=package.purl,
        licenses=[_licence(package.licence)] if package.licence else [],
        properties=[Property(name=f"aquasecurity:trivy:{name}", value=value) for name, value in _source(package)],
    )


def _source(package: Package) -> list[tuple[str, str]]:
    """Name Debian's source package as Trivy reads it.

    Its advisories are kept by source, and it does not read the package URL's `upstream`: without these it finds
    nothing for libssl3 and does not say so (pkg/sbom/io/decode.go of Trivy).
    """
    epoch, colon, rest = package.source_version.rpartition(":")
    version, dash, release = rest.rpartition("-")
    told = {
        "SrcName": package.source,
        "SrcEpoch": epoch if colon else "",
        "SrcVersion": version if dash else rest,
        "SrcRelease": release if dash else "",
    }
    return [(name, value) for name, value in told.items() if value]


def _licence(text: str) -> "License | LicenseExpression":
    from cyclonedx.contrib.license.factories import LicenseFactory

    return LicenseFactory().make_from_string(text)


def _without_time(document: str) -> str:
    """Take the moment of writing out, which the library always puts in and the format does not ask for."""
    import json

    read = json.loads(document)
    read["metadata"].pop("timestamp", None)
    return json.dumps(read, indent=2, ensure_ascii=False)
