import string
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.config.dotenv import parse_env, read_env_file, with_value
from slipway.config.generated import ALPHABET
from slipway.secret import Secret

CANARY = "Zq7-canary_Value"


def read(tmp_path: Path, content: bytes) -> tuple[dict[str, tuple[str, str]], list[tuple[str, str, str]]]:
    file = tmp_path / "x.env"
    file.write_bytes(content)
    lines, faults = read_env_file(file, "x.env")
    values = {line.name: (line.value.reveal(), line.where) for line in lines}
    return values, [(fault.id, fault.where, fault.message) for fault in faults]


def test_values_keep_the_line_of_their_name(tmp_path: Path) -> None:
    text = b"# head\n\nA=1\n\n\n  B=\"two\nlines\"\nexport C='3' # note\nD=\n\n# end\nE=a#b\n"
    values, faults = read(tmp_path, text)
    assert faults == []
    assert values == {
        "A": ("1", "x.env:3"),
        "B": ("two\nlines", "x.env:6"),
        "C": ("3", "x.env:8"),
        "D": ("", "x.env:9"),
        "E": ("a#b", "x.env:12"),
    }


@pytest.mark.parametrize(
    ("line", "fault", "where", "words"),
    [
        (f'A="{CANARY}\nB=1\n', "env.syntax", "x.env:1", "never closed"),
        (f"A='{CANARY}' more\n", "env.syntax", "x.env:1", "text after the closing quote"),
        (f"\n\n={CANARY}\n", "env.syntax", "x.env:3", "is not NAME=value"),
        (f"A=1\n{CANARY}\n", "env.syntax", "x.env:2", "a name without ="),
        (f"A=1\n{CANARY}=\n", "env.name", "x.env:2", "capital letters"),
        ("A=1\nB: 2=3\n", "env.syntax", "x.env:2", ""),
        (f"A=1\rB={CANARY}\r", "env.line-end", "x.env:1", "lone carriage return"),
        (f"A=1\nB={CANARY}\x00\n", "file.binary", "x.env:2", "zero byte"),
    ],
)
def test_a_malformed_line_is_named_by_place_and_never_shown(
    tmp_path: Path, line: str, fault: str, where: str, words: str
) -> None:
    _, faults = read(tmp_path, line.encode())
    assert faults[0][:2] == (fault, where)
    assert words in faults[0][2]
    assert CANARY not in str(faults)


def test_latin_1_names_the_line_and_no_byte(tmp_path: Path) -> None:
    values, faults = read(tmp_path, f"A=1\nB={CANARY}é\n".encode("latin-1"))
    assert values == {}
    assert [(fault[0], fault[1]) for fault in faults] == [("file.encoding", "x.env:2")]
    assert CANARY not in str(faults)
    assert "0xe9" not in str(faults)


def test_windows_line_ends_and_a_byte_order_mark_are_read_and_told(tmp_path: Path) -> None:
    values, faults = read(tmp_path, b"\xef\xbb\xbfA=1\r\nB=2\r\n")
    assert values == {"A": ("1", "x.env:1"), "B": ("2", "x.env:2")}
    assert [fault[0] for fault in faults] == ["file.bom", "env.line-end"]


@pytest.mark.parametrize("piece", [b"A", b"\n", b"A=1\n", b'"', b'A="\n', b"#", b" ", b"\\", b"A='"])
def test_a_long_run_of_one_piece_ends(tmp_path: Path, piece: bytes) -> None:
    read(tmp_path, (piece * 1_000_000)[:60_000])


def test_a_larger_file_is_not_read(tmp_path: Path) -> None:
    values, faults = read(tmp_path, b"A=1\n" * 2_500_000)
    assert (values, [fault[0] for fault in faults]) == ({}, ["file.huge"])


names = st.text(string.ascii_uppercase + string.digits + "_", min_size=1, max_size=30).filter(
    lambda n: not n[0].isdigit()
)
generated = st.text(ALPHABET, min_size=1, max_size=80)


@given(st.dictionaries(names, generated, max_size=8), st.lists(st.sampled_from(["", "# note"]), max_size=4))
def test_a_generated_value_is_read_back_as_it_is_with_its_line(
    tmp_path_factory: pytest.TempPathFactory, values: dict[str, str], head: list[str]
) -> None:
    file = tmp_path_factory.getbasetemp() / "round.env"
    before = "".join(f"{line}\n" for line in head)
    file.write_text(before + "".join(f"{name}={value}\n" for name, value in values.items()))
    lines, faults = read_env_file(file, "f")
    assert faults == []
    assert {line.name: line.value.reveal() for line in lines} == values
    assert [line.where for line in lines] == [f"f:{len(head) + n}" for n in range(1, len(values) + 1)]


@given(st.binary(max_size=300))
def test_any_bytes_give_values_or_faults_inside_the_file(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    file = tmp_path_factory.getbasetemp() / "any.env"
    file.write_bytes(data)
    lines, faults = read_env_file(file, "f")
    last = data.count(b"\n") + data.count(b"\r") + 1
    for where in [line.where for line in lines] + [fault.where for fault in faults]:
        _, _, line = where.partition(":")
        assert 1 <= int(line or 1) <= last


NEW = st.text(st.characters(codec="ascii", exclude_characters="'\\\r\n\0", exclude_categories=["Cc"]), max_size=20)
LINES = st.sampled_from(
    ["# a comment", "", "B='1 2'", 'C="x\\ny"', "export D=4", "A=old # why", "export A='old'", "  A=3"]
)


@given(st.lists(LINES, max_size=8), st.sampled_from(["\n", "\r\n"]), st.booleans(), NEW)
def test_a_new_value_changes_its_own_lines_and_no_other(lines: list[str], end: str, is_ended: bool, value: str) -> None:
    text = end.join(lines) + (end if is_ended else "")
    changed = with_value(text, "A", value)
    before, after = (parse_env(each, [], "x")[0] for each in (text, changed))
    assert {line.value.reveal() for line in after if line.name == "A"} == {value}
    assert [(line.name, line.value) for line in before if line.name != "A"] == [
        (line.name, line.value) for line in after if line.name != "A"
    ]
    assert [line for line in text.splitlines() if "A=" not in line and line] == [
        line for line in changed.splitlines() if "A=" not in line and line
    ]
    assert with_value(changed, "A", value) == changed


@pytest.mark.parametrize("value", ["it's", "a\\b", "a\nb"])
def test_a_value_without_a_spelling_that_all_agree_on_is_not_written(value: str) -> None:
    with pytest.raises(ValueError, match="no spelling"):
        with_value("A=1\n", "A", value)


@given(st.text(max_size=80), NEW)
def test_whatever_a_file_holds_that_can_be_read_the_rest_of_it_means_the_same(text: str, value: str) -> None:
    before, faults = parse_env(text, [], "x")
    if faults or "A" in {line.name for line in before}:
        return
    after, more = parse_env(with_value(text, "A", value), [], "x")
    assert [(line.name, line.value) for line in after] == [(line.name, line.value) for line in before] + [
        ("A", Secret(value))
    ]
    assert more == []
