import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.release.image import Version
from slipway.release.release import Release

TEXTS = st.dictionaries(st.text(), st.text(), max_size=3)
RELEASES = st.builds(
    Release,
    st.builds(Version, st.text(), st.text(), st.booleans()),
    TEXTS,
    st.datetimes(timezones=st.just(UTC)),
    TEXTS,
    TEXTS,
)
RELEASE = Release(
    Version("1.0.0", "abc"), {"api": "r@sha256:1"}, datetime(2024, 1, 2, tzinfo=UTC), {}, {"core": "0001"}
)


@given(RELEASES)
def test_a_release_survives_its_record(release: Release) -> None:
    line = release.to_json()
    assert "\n" not in line
    assert Release.from_json(line) == release
    assert Release.from_json(line).to_json() == line


@pytest.mark.parametrize("text", ["", "{", "null", "[]", '"x"', "1", "{}", "[" * 100_000, "\0"])
def test_what_is_no_record_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a release record"):
        Release.from_json(text)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("version", 1),
        ("revision", None),
        ("images", ["api"]),
        ("images", {"api": 1}),
        ("created", "yesterday"),
        ("created", 5),
        ("fingerprints", "x"),
        ("migrations", None),
    ],
)
def test_a_record_with_a_wrong_field_is_refused(key: str, value: object) -> None:
    record = json.loads(RELEASE.to_json()) | {key: value}
    with pytest.raises(ValueError, match="not a release record"):
        Release.from_json(json.dumps(record))


@pytest.mark.parametrize("key", ["version", "revision", "dirty", "images", "created", "fingerprints", "migrations"])
def test_a_record_without_a_field_is_refused(key: str) -> None:
    record = json.loads(RELEASE.to_json())
    del record[key]
    with pytest.raises(ValueError, match=key):
        Release.from_json(json.dumps(record))
