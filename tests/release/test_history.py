"""The history of releases."""

from datetime import UTC, datetime

import pytest

from slipway.errors import PersonNeeded
from slipway.release.history import current, read_history
from slipway.release.image import Version
from slipway.release.release import Release


def _release(revision: str) -> Release:
    return Release(Version("0.1.0", revision), {}, datetime(2026, 1, 1, tzinfo=UTC), {}, {})


def test_no_history_has_no_current_release() -> None:
    assert read_history((), "h") == ()
    assert current(()) is None


def test_the_last_is_current() -> None:
    lines = [_release(name).to_json() for name in ("a", "b", "c", "c")]
    history = read_history(["", *lines, " "], "h")
    assert current(history) == _release("c")


@pytest.mark.parametrize("line", ["{", "[]", '{"version": "0.1.0"}', "text"])
def test_a_damaged_line_is_named_by_place_and_number(line: str) -> None:
    with pytest.raises(PersonNeeded, match="not a release record") as raised:
        read_history([_release("a").to_json(), line], "root@host:22:/data/slipway/production/history.jsonl")
    assert raised.value.where == "root@host:22:/data/slipway/production/history.jsonl:2"
