from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict

from slipway.config.document import load, read_document
from slipway.errors import UsageError


def read(tmp_path: Path, content: str | bytes) -> object:
    file = tmp_path / "a.yaml"
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return load(file, "a.yaml").data


def complaint(tmp_path: Path, content: str | bytes) -> str:
    with pytest.raises(UsageError) as caught:
        read(tmp_path, content)
    return str(caught.value)


def test_only_plain_words_and_decimal_numbers_are_more_than_text(tmp_path: Path) -> None:
    text = "[no, on, 12:30, 0777, 0x10, 1e3, 2024-01-01, '5', true, -7, 1.5, ~, '']"
    assert read(tmp_path, text) == [
        "no", "on", "12:30", "0777", "0x10", "1e3", "2024-01-01", "5", True, -7, 1.5, None, "",
    ]  # fmt: skip


def test_every_path_knows_its_line(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("a: 1\n\nb:\n  - x\n  - y: 2\n    z: {k: v}\n")
    document = load(tmp_path / "a.yaml", "a.yaml")
    assert document.data == {"a": 1, "b": ["x", {"y": 2, "z": {"k": "v"}}]}
    assert document.where(("b", 1, "z", "k")) == "a.yaml:6"
    assert document.where(("b", 1, "missing", "deeper")) == "a.yaml:5"
    assert document.where(("nothing",)) == "a.yaml:1"


@pytest.mark.parametrize(
    ("content", "where", "words"),
    [
        ("a: 1\nb: 2\na: 3\n", "a.yaml:3", "a: is written a second time (first in line 1)"),
        ("a: &x 1\nb: 2\n", "a.yaml:1", "anchor"),
        ("a: &x [1]\nb: *x\n", "a.yaml:2", "alias"),
        ("a: !!python/object/apply:os.system [ls]\n", "a.yaml:1", "tag"),
        ("a: 1\n? [b]\n: 2\n", "a.yaml:2", "as a key"),
        ("a: 1\n---\nb: 2\n", "a.yaml:2", "second document"),
        ("a: b: c\n", "a.yaml:1", "is not YAML"),
        ("a:\n  - 1\n -2\n", "a.yaml:3", "is not YAML"),
        ("a: 1\nb: 'open\n", "a.yaml:", "is not YAML"),
        ("a: 1\nb: \x07\n", "a.yaml:2", "control character"),
        ("[" * 200_000, "a.yaml:1", "nested deeper than 40"),
        ("- " * 200_000, "a.yaml:1", "nested deeper than 40"),
        ("a: 1\n# \xe9\n".encode("latin-1"), "a.yaml:2", "not UTF-8"),
        (b"a: 1\n\x00\n", "a.yaml:2", "zero byte"),
        ("a: 1\n".encode("utf-16"), "a.yaml:1", "UTF-16"),
        (b"#" * 1_000_001, "a.yaml", "larger than 1 MB"),
    ],
)
def test_what_is_no_plain_yaml_is_refused_with_its_line(
    tmp_path: Path, content: str | bytes, where: str, words: str
) -> None:
    message = complaint(tmp_path, content)
    assert where in message
    assert words in message


def test_an_alias_bomb_stays_small(tmp_path: Path) -> None:
    bomb = "a0: &a0 x\n" + "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 30))
    assert "problems" in complaint(tmp_path, bomb)


def test_a_byte_order_mark_is_read_over_and_told(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_bytes(b"\xef\xbb\xbfa: 1\n")
    document, faults = read_document(tmp_path / "a.yaml", "a.yaml")
    assert document is not None
    assert document.data == {"a": 1}
    assert [(fault.id, fault.fatal) for fault in faults] == [("file.bom", False)]


def test_missing_file_and_folder_are_told_apart(tmp_path: Path) -> None:
    for file, words in ((tmp_path / "no.yaml", "there is no such file"), (tmp_path, "is a folder")):
        with pytest.raises(UsageError, match=words):
            load(file, "x")


class Inner(BaseModel):
    model_config = ConfigDict(extra="forbid")
    port: int
    version: str


class Outer(BaseModel):
    model_config = ConfigDict(extra="forbid")
    parts: list[Inner]


def test_all_faults_of_a_model_come_at_once_with_their_lines(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("parts:\n  - port: x\n    version: 15\n  - prot: 1\n    version: a\nmore: 1\n")
    value, faults = load(tmp_path / "a.yaml", "a.yaml").validate(Outer)
    assert value is None
    assert sorted(str(fault) for fault in faults) == [
        "a.yaml:2: parts.0.port: Input should be a valid integer, unable to parse string as an integer",
        "a.yaml:3: parts.0.version: must be text -> write it in quotes",
        "a.yaml:4: parts.1.port: is missing",
        "a.yaml:4: parts.1.prot: is not a key known here -> did you mean port?",
        "a.yaml:6: more: is not a key known here",
    ]


@pytest.mark.parametrize("content", ["", "- a\n", "text\n", "~\n"])
def test_a_file_that_is_no_mapping_is_said_to_be_none(tmp_path: Path, content: str) -> None:
    (tmp_path / "a.yaml").write_text(content)
    value, faults = load(tmp_path / "a.yaml", "a.yaml").validate(Outer)
    assert value is None
    assert [fault.message for fault in faults] == ["must be a mapping of keys to values"]


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused_never_a_crash(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    file = tmp_path_factory.getbasetemp() / "any.yaml"
    file.write_bytes(text.encode("utf-8", "surrogatepass"))
    document, faults = read_document(file, "any.yaml")
    assert (document is None) == any(fault.fatal for fault in faults)
