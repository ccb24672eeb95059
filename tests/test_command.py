import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.command import Command, Result, command
from slipway.errors import Unreachable
from slipway.secret import Secret


@given(st.lists(st.text(st.characters(exclude_characters="\0")), min_size=1))
def test_a_line_splits_into_the_same_words(words: list[str]) -> None:
    assert shlex.split(command(*words).line()) == words


@pytest.mark.parametrize(
    ("given_stdin", "sent"), [(None, None), (b"\x00\xff", b"\x00\xff"), (Secret("pässword"), "pässword".encode())]
)
def test_standard_input(given_stdin: bytes | Secret | None, sent: bytes | None) -> None:
    asked = command("cat", stdin=given_stdin, seconds=3)
    assert asked == Command(("cat",), given_stdin, 3)
    assert asked.input_bytes() == sent
    assert "ssword" not in repr(asked)


def test_success_passes_through() -> None:
    result = Result(command("true"), 0, "out", "err")
    assert result.ok
    assert result.checked(where="here") is result


@pytest.mark.parametrize(
    ("out", "err", "tail"),
    [
        ("", "", ()),
        ("only out\n", "", ("only out",)),
        ("out", "err\n", ("err",)),
        ("", "\n".join(map(str, range(20))), tuple(map(str, range(12, 20)))),
    ],
)
def test_failure_says_where_and_ends_with_the_last_lines(out: str, err: str, tail: tuple[str, ...]) -> None:
    with pytest.raises(Unreachable) as raised:
        Result(command("psql", "x" * 500), 7, out, err).checked(where="the host", hint="look")
    error = raised.value
    assert (error.where, error.hint, error.details, error.exit_code) == ("the host", "look", tail, 3)
    assert "answered 7" in error.message
    assert len(error.message) < 230
