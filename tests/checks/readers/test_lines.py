import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.checks.readers.lines import chunks, is_plain, is_plain_file, meant
from slipway.checks.readers.spellings import spellings
from tests.engines.readers.asked import corpus, readers

ODD = st.text(st.sampled_from("ab1 \"'`$#\\&;|<>(){}~=:\t\nß"), max_size=12)


@pytest.mark.parametrize("line", ["", "K=", "K=a", "_k9=!%*+,-./:=?@[]^_{}a~", '# it\'s "all" `right` $(here)'])
def test_a_line_of_safe_characters_is_plain(line: str) -> None:
    assert is_plain(line)


@pytest.mark.parametrize(
    "line",
    [" K=a", "K =a", "K= a", "K=a ", "K=a\r", "export K=a", "K='a'", "K=~", "K=a:~b", "K=a#b", "K=$a", "K", "K: a"]
    + [f"{name}=a" for name in ("PATH", "UID", "BASH_ENV", "_", "IFS", "RANDOM")]
    + ["9K=a", "K-L=a", "K=ä", "# ä", "\ufeffK=a", "K=a\x00"],
)  # fmt: skip
def test_whatever_some_reader_takes_otherwise_is_not(line: str) -> None:
    assert not is_plain(line)


def test_a_name_that_stands_twice_is_not_plain() -> None:
    assert is_plain_file("A=1\n\n# B=2\nB=1\n")
    assert not is_plain_file("A=1\nA=2\n")


def test_plain_lines_mean_themselves_to_every_program_here() -> None:
    """A hundred files at once; the benchmark does the same with a hundred thousand lines and every reader."""
    chance = random.Random(7)
    alphabet = "abzAZ019!%*+,-./:=?@[]^_{}~"
    files = []
    for _ in range(100):
        values = {f"K{n}": "".join(chance.choices(alphabet, k=chance.randint(0, 12))) for n in range(30)}
        files.append({name: value for name, value in values.items() if is_plain(f"{name}={value}")})
    texts = ["".join(f"{name}={value}\n" for name, value in said.items()) for said in files]
    for reader in readers().values():
        assert [reading.values for reading in reader.read(texts)] == files


def test_what_the_author_meant_is_told_where_a_line_tells_it() -> None:
    told = {}
    for case in corpus():
        first = next(chunks(case["text"]), None)
        if first is not None and first.name == "K" and meant(first) is not None:
            told[case["text"]] = (meant(first), case["meant"])
    assert len(told) > 35
    # Two lines whose quotes can be taken in two ways.
    unlike = {text for text, (guess, known) in told.items() if guess != known}
    assert unlike <= {'K="abc\nL=w', "K=first\nK=second", "K=v\u00a0"}


@pytest.mark.parametrize("line", ['K="a\\nb"', "K=a\\nb", "K=${A}", 'K="a"b', "K='it'\\''s'", "nonsense", "K='open"])
def test_nothing_is_guessed_where_it_does_not(line: str) -> None:
    assert meant(next(chunks(line))) is None


@given(ODD)
def test_any_text_is_cut_into_chunks_without_losing_or_inventing_a_line(text: str) -> None:
    found = list(chunks(text))
    assert all(chunk.text in text for chunk in found)
    assert [chunk.line for chunk in found] == sorted({chunk.line for chunk in found})
    assert all(meant(chunk) is None or chunk.name for chunk in found)


@given(ODD)
def test_every_spelling_stands_once_and_says_how_without_the_value(value: str) -> None:
    found = list(spellings("K", value))
    assert len({way.line for way in found}) == len(found)
    assert found[0].form == "without quotes"
    assert all(way.line.startswith("K=") and way.line not in repr(way) for way in found)
