"""Requirements as people write them: what is read, and what is refused with its line."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.config.requirements import Requirements, parse_requirement, read_requirements
from slipway.errors import UsageError


def read(folder: Path, text: str, **others: str) -> Requirements:
    for name, content in {"requirements": text, **others}.items():
        (folder / f"{name}.txt").write_text(content)
    return read_requirements(folder / "requirements.txt", folder)


def complaint(folder: Path, text: str, **others: str) -> str:
    with pytest.raises(UsageError) as caught:
        read(folder, text, **others)
    return str(caught.value)


def test_each_line_has_a_name_a_text_and_a_place(tmp_path: Path) -> None:
    found = read(tmp_path, "# web\nDjango >= 5 , <6  # the framework\n\nPillow[xmp]>=10; python_version > '3'\n").asked
    assert [(asked.name, asked.text, asked.where) for asked in found] == [
        ("django", "Django<6,>=5", "requirements.txt:2"),
        ("pillow", 'Pillow[xmp]>=10; python_version > "3"', "requirements.txt:4"),
    ]


def test_included_files_are_read_once_and_constraints_stay_constraints(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        "-r base.txt\n--requirement=base.txt\n-c limits.txt\ncelery\n",
        base="-r requirements.txt\ndjango\n",
        limits="-r more.txt\nkombu<5.6\n",
        more="redis<6\n",
    )
    assert [asked.name for asked in found.asked] == ["django", "celery"]
    assert [asked.text for asked in found.constraints] == ["redis<6", "kombu<5.6"]


def test_a_line_may_go_on_and_hold_hashes(tmp_path: Path) -> None:
    (asked,) = read(tmp_path, "django==5.1 \\\n    --hash=sha256:bb \\\n    --hash=sha256:aa\n").asked
    assert asked.text == "django==5.1 --hash=sha256:aa  --hash=sha256:bb"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("django >== 5", "is no requirement"),
        ("django 5", "is no requirement"),
        ("-e ./local", "which no hash can be made of"),
        ("./local", "which no hash can be made of"),
        ("git+https://example.org/a.git", "which no hash can be made of"),
        ("a @ git+https://example.org/a.git", "which no hash can be made of"),
        ("a @ https://me:hunter2@example.org/a.whl", "a name or password in its address"),
        ("a @ https://${TOKEN}@example.org/a.whl", "uses a variable"),
        ("--extra-index-url https://me:hunter2@example.org", "the option --extra-index-url is not read"),
        ("--index-url=https://example.org", "the option --index-url is not read"),
        ("-r absent.txt", "absent.txt"),
        ("-r ../../etc/passwd", "lies outside of the source"),
    ],
)
def test_what_cannot_be_locked_is_refused_with_its_line_and_no_secret(tmp_path: Path, line: str, words: str) -> None:
    said = complaint(tmp_path, f"django\n{line}\n")
    assert words in said
    assert "requirements.txt:2" in said
    assert "hunter2" not in said


def test_every_mistake_is_told_at_once(tmp_path: Path) -> None:
    said = complaint(tmp_path, "a b\n-e .\n-r more.txt\n", more="c d\n")
    assert "requirements.txt has 3 problems" in said
    assert {"requirements.txt:1", "requirements.txt:2", "more.txt:1"} <= set(said.replace(": ", "\n").split())


@pytest.mark.parametrize("data", [b"\xff\xfe\x00", b"x" * 2_000_000])
def test_a_file_that_is_no_text_or_has_no_end_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "requirements.txt").write_bytes(data)
    with pytest.raises(UsageError, match=r"requirements\.txt"):
        read_requirements(tmp_path / "requirements.txt", tmp_path)


@given(st.text(max_size=60))
def test_any_line_is_a_requirement_or_a_reason(line: str) -> None:
    try:
        asked = parse_requirement(line, "")
    except ValueError:
        return
    assert parse_requirement(asked.text, "") == asked
