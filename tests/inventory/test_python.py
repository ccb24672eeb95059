import json

import pytest

from slipway.inventory.python import read_metadata


def metadata(*lines: str) -> str:
    return "\n".join(("Metadata-Version: 2.4", *lines, "", "Name: in-the-description"))


def test_a_name_is_as_indexes_compare_it() -> None:
    package = read_metadata(metadata("Name: Django_Rest.Framework", "Version: 3.16.0"))
    assert package is not None
    assert package.purl == "pkg:pypi/django-rest-framework@3.16.0"


@pytest.mark.parametrize(
    ("lines", "licence"),
    [
        (["License-Expression: MIT OR Apache-2.0", "License: other"], "MIT OR Apache-2.0"),
        (["License: BSD-3-Clause"], "BSD-3-Clause"),
        (["License: UNKNOWN", "Classifier: License :: OSI Approved :: MIT License"], "MIT License"),
        (["License: " + "whole text " * 50], ""),
        ([], ""),
    ],
)
def test_the_licence_is_the_makers_own_word(lines: list[str], licence: str) -> None:
    package = read_metadata(metadata("Name: a", "Version: 1", *lines))
    assert package is not None
    assert package.licence == licence


@pytest.mark.parametrize(
    "lines",
    [
        [],
        ["Name: a"],
        ["Name: a", "Version: 1; rm -rf"],
        ["Name: a\x00b", "Version: 1"],
        ["Name: -r/etc", "Version: 1"],
    ],
)
def test_what_names_no_package_is_none(lines: list[str]) -> None:
    assert read_metadata(metadata(*lines)) is None


def test_a_package_from_a_folder_is_our_own() -> None:
    text = metadata("Name: slipway-runtime", "Version: 1")
    own = read_metadata(text, json.dumps({"url": "file:///build/slipway", "dir_info": {}}))
    fetched = read_metadata(text, json.dumps({"url": "https://example.org/a.whl", "archive_info": {}}))
    broken = read_metadata(text, "[" * 100_000)
    assert [package.own for package in (own, fetched, broken) if package] == [True, False, False]
