"""What can be told of a sealed file without a key, and the sealed file as a layer."""

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.checks.environment import check_environment
from slipway.config.layers import Layer, other_secrets, read_layers
from slipway.config.sealed import (
    NoIdentity,
    Unseal,
    recipients_of,
    stanzas,
    with_recipients,
    without_recipients,
)
from slipway.config.workspace import Workspace
from slipway.engines.age import Age
from slipway.errors import UsageError
from slipway.secret import Mask

keys = st.lists(st.from_regex(r"age1[a-z0-9]{5,10}", fullmatch=True), min_size=1, max_size=3)
PLAIN, SEALED = "env/production.secrets.env", "env/production.secrets.env.age"


@given(st.text(), keys)
def test_for_whom_a_text_is_sealed_stands_in_it_and_comes_off_again(text: str, recipients: list[str]) -> None:
    body = without_recipients(text)
    whole = with_recipients(text, recipients)
    assert recipients_of(whole) == tuple(sorted(set(recipients)))
    assert without_recipients(whole) == (body if not body or body.endswith("\n") else f"{body}\n")
    assert with_recipients(whole, recipients) == whole


@given(st.binary(max_size=300))
def test_any_bytes_are_told_to_be_no_age_file(data: bytes) -> None:
    with pytest.raises(UsageError):
        stanzas(data, "x.age")


def opening(text: bytes) -> Unseal:
    return lambda data, where: text


def refusing(error: UsageError) -> Unseal:
    def refuse(data: bytes, where: str) -> bytes:
        raise error

    return refuse


@pytest.fixture
def sealed(root: Path) -> Path:
    file = root / SEALED
    file.write_bytes(b"sealed")
    return file


def test_a_sealed_file_is_read_in_memory_where_there_is_no_plain_one(
    root: Path, workspace: Workspace, sealed: Path
) -> None:
    before = sorted(root.rglob("*"))
    layers, faults = read_layers(
        root, "production", workspace, {}, None, opening(b"# c\nSECRET_KEY=a b\n# sealed for x\n")
    )
    (found,) = layers.chain("SECRET_KEY", "api")
    assert (found.layer, found.line.where, found.line.value.reveal()) == (Layer.SECRETS, f"{SEALED}:2", "a b")
    assert faults == []
    assert sorted(root.rglob("*")) == before


def test_without_a_key_that_is_told_and_nothing_is_called_missing_for_it(
    root: Path, workspace: Workspace, sealed: Path
) -> None:
    issues = check_environment(root, "production", workspace)
    assert [(issue.id, issue.where) for issue in issues] == [("file.locked", SEALED)]
    wrong = refusing(UsageError("is damaged", hint="take it again"))
    issues = check_environment(root, "production", workspace, unseal=wrong)
    assert [(issue.id, issue.message, issue.hint) for issue in issues] == [
        ("file.sealed", "is damaged", "take it again")
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (b"SECRET_KEY=caf\xe9\n", "is not UTF-8"),
        (b"\xff\xfeA", "is UTF-16"),
        (b"A=1\0", "zero byte"),
        (b"A='x\n", "quote"),
    ],
)
def test_what_is_inside_is_held_against_the_same_rules(
    root: Path, workspace: Workspace, sealed: Path, text: bytes, told: str
) -> None:
    _, faults = read_layers(root, "production", workspace, {}, None, opening(text))
    assert [fault.where for fault in faults] == [f"{SEALED}:1"]
    assert told in faults[0].message


def test_the_plain_file_counts_and_a_difference_is_told(root: Path, workspace: Workspace, sealed: Path) -> None:
    plain = root / PLAIN
    plain.write_text("SECRET_KEY=mine\n")
    plain.chmod(0o600)
    for text, ids in ((b"SECRET_KEY=mine\n# sealed for age1x\n", []), (b"SECRET_KEY=theirs\n", ["secret.unsealed"])):
        layers, faults = read_layers(root, "production", workspace, {}, None, opening(text))
        assert [fault.id for fault in faults] == ids
        assert not any(fault.fatal for fault in faults)
        assert layers.chain("SECRET_KEY", None)[-1].line.value.reveal() == "mine"
    assert read_layers(root, "production", workspace, {}, None, refusing(NoIdentity("no key")))[1] == []


def test_a_file_of_secrets_that_others_may_read_is_told(root: Path, workspace: Workspace, tmp_path: Path) -> None:
    plain = root / PLAIN
    for mode, expected in ((0o600, []), (0o640, ["secret.permissions"]), (0o602, ["secret.permissions"])):
        plain.write_text("SECRET_KEY=x\n")
        plain.chmod(mode)
        faults = read_layers(root, "production", workspace, {}, None)[1]
        assert [(fault.id, fault.fatal) for fault in faults] == [(each, False) for each in expected]
    plain.rename(tmp_path / "elsewhere")
    plain.symlink_to(tmp_path / "elsewhere")
    (fault,) = read_layers(root, "production", workspace, {}, None)[1]
    assert "symbolic link" in fault.message


def test_secrets_of_a_sealed_environment_are_sought_in_images_where_a_key_is_there(root: Path, sealed: Path) -> None:
    (root / "env" / ".partial.staging.secrets.env").write_text("half='")
    found = other_secrets(root, opening(b"SECRET_KEY=one\n"))
    assert {name: [one.reveal() for one in held] for name, held in found.items()} == {"production": ["one"]}
    assert other_secrets(root) == {}
    with pytest.raises(UsageError, match="is damaged"):
        other_secrets(root, refusing(UsageError("is damaged")))


def test_that_git_tracks_a_sealed_file_is_as_it_should_be(root: Path, workspace: Workspace, sealed: Path) -> None:
    for words in (["init", "-q"], ["add", "-f", SEALED]):
        subprocess.run(["git", *words], cwd=root, check=True, capture_output=True)
    issues = check_environment(root, "production", workspace, unseal=opening(b"SECRET_KEY=x\n"))
    assert [issue for issue in issues if issue.id == "secret.tracked"] == []


def test_who_has_no_sealed_file_pays_nothing_for_age(
    root: Path, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyrage", None)
    age = Age("", Mask())
    check_environment(root, "production", workspace, unseal=age.unseal)
    (root / SEALED).write_bytes(b"age-encryption.org/v1\n-> X25519 a\nb\n--- c\nd")
    with pytest.raises(ImportError):
        check_environment(root, "production", workspace, unseal=age.unseal)
