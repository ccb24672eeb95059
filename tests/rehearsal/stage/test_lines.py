"""What a container's log says to a person."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.rehearsal.stage.lines import spoken


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("Applying auth.0001_initial... OK", "Applying auth.0001_initial... OK"),
        ('{"level": "INFO", "message": "waiting for PostgreSQL", "role": "web"}', "waiting for PostgreSQL"),
        ('Applying a.0003... {"message": "migration a.0003 failed"}', "Applying a.0003... migration a.0003 failed"),
        ('{"ok": false, "error": "a.0003 failed", "applied": []}', "a.0003 failed"),
        ('{"message": "uncaught", "traceback": "Traceback\\n  File\\nKeyError: 1\\n"}', "uncaught KeyError: 1"),
        ('{"ok": true, "applied": []}', '{"ok": true, "applied": []}'),
        ('{"message": 5}', '{"message": 5}'),
        ("{cut off", "{cut off"),
        ("", ""),
    ],
)
def test_a_line_for_programs_is_told_as_one_for_people(line: str, said: str) -> None:
    assert spoken(line) == said


def test_a_line_without_end_is_cut() -> None:
    assert len(spoken("x" * 5_000)) == len(spoken(json.dumps({"message": "x" * 5_000}))) == 400


@given(st.text())
def test_any_line_is_said_somehow(line: str) -> None:
    assert len(spoken(line)) <= 400
