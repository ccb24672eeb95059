"""Records of builds: there and back, damaged, and compared."""

from dataclasses import replace

import pytest

from slipway.release.built import BuildRecord, change

ONE = BuildRecord("1.0.0-a", "sha256:1", 1000, ("l1", "l2"), "ab" * 32, {"file a": "1"})


def test_a_record_comes_back_as_it_was_written() -> None:
    assert BuildRecord.from_json(ONE.to_json()) == ONE


@pytest.mark.parametrize(
    "text",
    ["", "[]", "null", "{}", "{" * 5000, ONE.to_json()[:-9], ONE.to_json().replace('"l1"', "7"), '{"size": "x"}'],
)
def test_a_damaged_record_is_none(text: str) -> None:
    with pytest.raises(ValueError, match="not a record of a build"):
        BuildRecord.from_json(text)


@pytest.mark.parametrize(
    ("size", "words"), [(1000, "same size"), (13_400, "+12 kB"), (0, "-1 kB"), (4_001_000, "+4.0 MB")]
)
def test_a_change_is_told_in_parts_bytes_and_layers(size: int, words: str) -> None:
    two = replace(ONE, tag="1.0.0-b", size=size, layers=("l1", "l3", "l4"), parts={"file a": "2"})
    found = change(ONE, two)
    assert found.in_words() == f"since 1.0.0-a 1 changed: a; {words}, 2 new layers, 1 shared"
    assert found.as_json()["inputs"] == ["a"]
