"""The env files of a source, looked at as `inv check.env` and `inv check.readers` do."""

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from slipway.config.workspace import Workspace
from slipway.engines.checkout import Checkout
from slipway.engines.console import Console
from slipway.secret import Mask
from tasks._environment import show_readers
from tasks._session import Session


@pytest.fixture
def looked_at(tmp_path: Path, workspace: Workspace) -> Session:
    """A session on a source whose settings read `.env`, with a memory of its own."""
    source = tmp_path / "source"
    source.mkdir()
    (source / "settings.py").write_text("from dotenv import load_dotenv\nload_dotenv()\n")
    mask = Mask()
    session = Session(Console(as_json=True, mask=mask, out=StringIO()), mask, "local", source, source, {}, as_json=True)
    session.checkout = Checkout(tmp_path, workspace.model_copy(update={"source": source}), tmp_path / "kept")
    return session


@pytest.mark.parametrize(
    ("content", "ids"),
    [
        (b"", []),
        (b"A=1\nB=2\n", []),
        (b"A='1' 2\n", ["readers.rejected"]),
        (b"\xef\xbb\xbfA=1\n", ["file.bom"]),
        (b"A=caf\xe9\n", ["file.encoding"]),
        (b"\xff\xfeA\x00", ["file.encoding"]),
        (b"A=\x00\n", ["file.binary"]),
        (b"A" * 1_000_001, ["file.huge"]),
        (b'A="never closed\n', ["readers.rejected"]),
        (b"A=1\r\nB=2\r\n", []),
    ],
)
def test_whatever_the_file_is_it_is_told_and_no_byte_of_it_shown(
    looked_at: Session, content: bytes, ids: list[str]
) -> None:
    (looked_at.source / ".env").write_bytes(content)
    for _ in range(2):  # from the programs, then from memory
        assert [issue.id for issue in looked_at.checkout.reader_issues()] == ids


def test_a_file_that_nobody_reads_is_nobody_s_business(looked_at: Session) -> None:
    (looked_at.source / "other.env").write_text("A='1' 2\n")
    assert looked_at.checkout.reader_issues() == []


def test_who_reads_what_is_shown_with_the_line_that_says_so(looked_at: Session) -> None:
    (looked_at.source / ".env").write_text("A=1\n")
    out = StringIO()
    looked_at.console = Console(as_json=True, mask=looked_at.mask, out=out)
    show_readers(looked_at, fetch=False)
    document: dict[str, Any] = json.loads(out.getvalue())
    (use,) = document["uses"]
    assert (use["file"], use["reader"], use["evidence"]) == (".env", "python-dotenv", "settings.py:2")
    assert use["program"].startswith("python-dotenv 1.")
