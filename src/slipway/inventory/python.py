"""Reads what pip and uv leave beside an installed package: METADATA, and direct_url.json for one from a folder."""

import json
import re
from email.parser import HeaderParser

from slipway.inventory.package import Ecosystem, Package, is_package

_CLASSIFIER = "License :: OSI Approved :: "


def read_metadata(text: str, direct_url: str = "") -> Package | None:
    """Return the package that METADATA (or PKG-INFO) describes, None where it names none."""
    head = HeaderParser().parsestr(text.partition("\n\n")[0])
    name = re.sub(r"[-_.]+", "-", str(head.get("Name", "")).strip()).lower()  # as PEP 503 compares names
    version = str(head.get("Version", "")).strip()
    if not is_package(Ecosystem.PYTHON, name, version):
        return None
    return Package(Ecosystem.PYTHON, name, version, licence=_licence(head.get_all), own=_from_a_folder(direct_url))


def _licence(all_of: object) -> str:
    assert callable(all_of)
    for field in ("License-Expression", "License"):
        for value in all_of(field) or ():
            text = str(value).strip()
            # Some put the licence's whole text here.
            if text and text.upper() != "UNKNOWN" and "\n" not in text and len(text) < 100:
                return text
    approved = [str(value) for value in all_of("Classifier") or () if str(value).startswith(_CLASSIFIER)]
    return " AND ".join(value.removeprefix(_CLASSIFIER) for value in approved)


def _from_a_folder(direct_url: str) -> bool:
    """Whether the package was installed from a folder (PEP 610): a build stage's own, published nowhere."""
    try:
        found = json.loads(direct_url or "{}")
    except (ValueError, RecursionError):
        return False
    return isinstance(found, dict) and isinstance(found.get("dir_info"), dict)
