"""The secrets of a checkout's other environments: what must not be in an image that is the same for all."""

from pathlib import Path

import pytest

from slipway.config.layers import other_secrets, readable_secrets
from slipway.errors import UsageError


def test_each_file_of_secrets_is_read_whatever_it_is_called(tmp_path: Path) -> None:
    (tmp_path / "env").mkdir()
    (tmp_path / "env" / "staging.secrets.env").write_text("SECRET_KEY=one-of-staging\nEMPTY=\n")
    (tmp_path / "env" / "production.secrets.env").write_text("SECRET_KEY='one of production'\nNOT_IN_SCHEMA=two\n")
    (tmp_path / "env" / "production.env").write_text("DOMAIN=example.org\n")
    found = {name: [one.reveal() for one in held] for name, held in other_secrets(tmp_path).items()}
    assert found == {"production": ["one of production", "two"], "staging": ["one-of-staging"]}


def test_without_such_files_there_are_none(tmp_path: Path) -> None:
    assert other_secrets(tmp_path) == {}


def test_a_file_that_cannot_be_read_is_told_and_no_value_of_it(tmp_path: Path) -> None:
    (tmp_path / "env").mkdir()
    (tmp_path / "env" / "production.secrets.env").write_bytes(b'SECRET_KEY="caf\xe9-secret\n')
    with pytest.raises(UsageError) as raised:
        other_secrets(tmp_path)
    assert "env/production.secrets.env" in str(raised.value)
    assert "secret" not in raised.value.message.replace("secrets.env", "")


def test_one_file_that_cannot_be_read_hides_no_other(tmp_path: Path) -> None:
    (tmp_path / "env").mkdir()
    (tmp_path / "env" / "qa.secrets.env").write_bytes(b"SECRET_KEY=caf\xe9\n")
    (tmp_path / "env" / "staging.secrets.env").write_text("SECRET_KEY=one-of-staging\n")
    found, faults = readable_secrets(tmp_path)
    assert {name: [one.reveal() for one in held] for name, held in found.items()} == {"staging": ["one-of-staging"]}
    assert [(fault.id, fault.where) for fault in faults] == [("file.encoding", "env/qa.secrets.env:1")]
