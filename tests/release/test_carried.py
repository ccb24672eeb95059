import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from slipway.rehearsal.standin.env_file import encoded
from slipway.release.carried import Carried, Uncarried, arrives, carry

NASTY = st.text(st.sampled_from("ab \\'\"$#{}[]:,\n\t`;&"), min_size=1, max_size=12)


def carried(value: str, *, run: bool = True, build: bool = False) -> Carried:
    found = carry("NAME", value, run=run, build=build)
    assert isinstance(found, Carried), found
    return found


@pytest.mark.parametrize(
    "value",
    [
        "pa$word ${X} $$",
        "a #b",
        'say "hi"',
        "a\\b",
        "line one\nline two",
        '{"a": "b", "c": [1, 2]}',
        "{not json $x}",
        "[brackets",
        "ünïcode → ok",
        "postgres://u:p@host:5432/db?sslmode=require",
        "x" * 100_000,
        "{{ jinja }}",
        "{{team}}",
        "{{team.X",
        '["a\t#b"]',  # a raw tab inside a JSON string is no JSON: Coolify quotes it
        "twice \\\\",
    ],
)
def test_most_values_are_stored_as_they_are_for_every_phase(value: str) -> None:
    for phases in ({"run": True}, {"run": False, "build": True}, {"run": True, "build": True}):
        found = carried(value, **phases)
        assert (found.text, found.is_literal) == (value, True)


@pytest.mark.parametrize(
    ("value", "text", "is_literal"),
    [
        ("it's", "it\\'s", True),
        ("'", "\\'", True),
        ("{'a': 1}", "{\\'a\\': 1}", True),
        ("two \\\\'", "two \\\\\\'", True),
        ("it\\'s", "it's", False),
        ("\\'$", "'$$", False),
        ('{"a": "$X"}', '{"a": "$$X"}', True),
        ('["a #b $"]', '["a\\u0020#b $$"]', True),
    ],
)
def test_a_way_round_is_found_for_the_running_process(value: str, text: str, is_literal: bool) -> None:
    found = carried(value)
    assert (found.text, found.is_literal, found.is_buildtime) == (text, is_literal, False)
    assert arrives(found.text, is_literal=found.is_literal, is_multiline=found.is_multiline) == value


def test_json_with_a_cut_in_it_is_the_same_json_in_both_phases() -> None:
    found = carried('{"a": "b #c"}', build=True)
    assert json.loads(found.text) == {"a": "b #c"}


def test_a_build_argument_is_never_written_into_the_dockerfile() -> None:
    assert carried("a b", run=False, build=True).is_multiline


@pytest.mark.parametrize(
    ("value", "phases", "why"),
    [
        ("ends with \\", {}, "backslash at the end"),
        ('x\\\'y "z"', {}, "after a backslash"),
        ("it's", {"build": True}, "which the build keeps"),
        ('{"a": "$X"}', {"build": True}, "must be doubled"),
        ("'a", {"run": False, "build": True}, "at its ends"),
        ('{\n  "a": 1\n}', {}, "several lines"),
        ('{"a": "\\u0020#"}', {}, "u0020#"),
        (" padded", {}, "white space"),
        ("padded\n", {}, "white space"),
        ("\u200bpadded", {}, "white space"),
        ("padded\ufeff", {}, "white space"),
        ("", {}, "empty"),
        ("   ", {}, "white space"),
        ("a\r\nb", {}, "carriage return"),
        ("a\x00b", {}, "no text"),
        ("a\ud800b", {}, "no text"),
        ("{{team.SECRET}}", {}, "shared variables"),
        ("a {{ environment.X }}", {}, "shared variables"),
        ("x" * 140_000, {}, "this long"),
        ("[" * 100_000 + "$", {}, "does not arrive"),
    ],
)
def test_what_has_no_spelling_is_refused_with_the_reason(value: str, phases: dict[str, bool], why: str) -> None:
    found = carry("NAME", value, **phases)
    assert isinstance(found, Uncarried)
    assert why in found.why
    assert found.way_out


@pytest.mark.parametrize("name", ["", "1A", "A-B", "A B", "Ä", "A" * 256, "A\n", "NIXPACKS_X", "RAILPACK_X"])
def test_names_that_coolify_refuses_or_drops_are_refused(name: str) -> None:
    assert isinstance(carry(name, "x"), Uncarried)


def test_a_stored_text_whose_outcome_is_not_sure_has_none() -> None:
    assert arrives("p$word", is_literal=False, is_multiline=False) is None
    assert arrives("it's", is_literal=True, is_multiline=False) is None


@given(NASTY)
@example("\\")
@example("'{\"a\":1}'")
def test_what_is_carried_reads_back_as_the_value_for_every_phase(value: str) -> None:
    for run, build in ((True, False), (False, True), (True, True)):
        found = carry("NAME", value, run=run, build=build)
        if isinstance(found, Carried):
            flags = {"is_literal": found.is_literal, "is_multiline": found.is_multiline}
            assert not run or arrives(found.text, **flags) == value
            assert not build or arrives(found.text, **flags, build=True) == value


@given(NASTY)
def test_nothing_but_an_apostrophe_a_backslash_json_or_white_space_is_refused(value: str) -> None:
    """The stand-in's writer, which shares no code with this, quotes everything else whole."""
    if value == value.strip() and "'" not in value and not value.endswith("\\"):
        written = encoded(value, is_literal=True, is_multiline=False)
        assert isinstance(carry("NAME", value), Carried) or written == value
