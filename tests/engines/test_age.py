"""Sealing with the real age, opened with the right key, another one or none; files that are cut, damaged, or none."""

import stat
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slipway.config.sealed import NoIdentity, stanzas
from slipway.engines.age import Age, new_key, read_recipients
from slipway.engines.private_file import replace_file
from slipway.engines.sealed_files import is_sealed_already, kept_key, seal, sealed_for, unsealed
from slipway.errors import Unreachable, UsageError
from slipway.secret import Mask

KEY, PUBLIC = new_key()
OTHER, OTHER_PUBLIC = new_key()
TEXT = "SECRET_KEY='a $b #c'\n"


def somebody(key: str = KEY.reveal(), own: Path = Path("/nowhere/age.txt")) -> Age:
    return Age(key, Mask(), own)


@given(st.binary(max_size=200))
def test_what_is_sealed_opens_as_it_was_for_each_recipient(text: bytes) -> None:
    data = somebody().seal(text, [PUBLIC, OTHER_PUBLIC], "x")
    assert data.isascii()
    assert stanzas(data, "x") == ("X25519", "X25519")
    assert somebody().unseal(data, "x") == somebody(OTHER.reveal()).unseal(data, "x") == text


@pytest.fixture(scope="module")
def data() -> bytes:
    return somebody().seal(TEXT.encode(), [PUBLIC], "x")


def test_another_key_is_told_with_its_public_half_and_never_the_secret_one(data: bytes) -> None:
    with pytest.raises(UsageError, match="sealed for other keys") as raised:
        somebody(OTHER.reveal()).unseal(data, "env/x.age")
    assert OTHER_PUBLIC in raised.value.message
    assert raised.value.where == "env/x.age"
    assert OTHER.reveal() not in str(raised.value)


def test_no_key_at_all_says_how_to_get_one(data: bytes) -> None:
    with pytest.raises(NoIdentity, match="no key is at hand") as raised:
        somebody("").unseal(data, "x")
    assert "inv env.keygen" in raised.value.hint


@settings(max_examples=150)
@given(st.data())
def test_a_cut_or_changed_file_is_refused_whatever_was_done_to_it(data: bytes, draw: st.DataObject) -> None:
    at = draw.draw(st.integers(0, len(data) - 2))
    cut = (
        data[:at]
        if draw.draw(st.booleans())
        else data[:at] + bytes([data[at] ^ draw.draw(st.integers(1, 255))]) + data[at + 1 :]
    )
    try:
        opened = somebody().unseal(cut, "x")
    except UsageError:
        return
    assert opened == TEXT.encode(), "a lone line break more or less is the same file"


def test_a_passphrase_and_a_thing_that_is_no_age_file_are_told_apart() -> None:
    sealed = (
        b"age-encryption.org/v1\n-> scrypt 3X1HoeJAecaz6NGX6Wo0NQ 18\n" + b"A" * 43 + b"\n--- " + b"B" * 43 + b"\nxyz"
    )
    with pytest.raises(UsageError, match="with a passphrase"):
        somebody().unseal(sealed, "x")
    for junk in (
        b"",
        b"SECRET_KEY=x\n",
        b"-----BEGIN AGE ENCRYPTED FILE-----\nAAAA\n",
        b"\0" * 100,
        "ä".encode("latin-1"),
    ):
        with pytest.raises(UsageError, match=r"age file|cut off"):
            somebody().unseal(junk, "x")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("AGE-SECRET-KEY-1AAAA", "no key that can be used"),
        ("-----BEGIN OPENSSH PRIVATE KEY-----\njunk\n", "no key that can be used"),
    ],
)
def test_a_key_that_is_none_is_told_without_showing_it(data: bytes, text: str, told: str) -> None:
    with pytest.raises(UsageError, match=told) as raised:
        somebody(text).unseal(data, "x")
    assert text not in str(raised.value)


def test_a_key_comes_from_a_file_that_nobody_else_may_read(data: bytes, tmp_path: Path) -> None:
    file = tmp_path / "age.txt"
    file.write_text(f"# mine\n{KEY.reveal()}\n")
    file.chmod(0o644)
    for age in (somebody(str(file)), somebody("", file)):
        with pytest.raises(UsageError, match="others may read this key"):
            age.unseal(data, "x")
    file.chmod(0o600)
    for age in (somebody(str(file)), somebody("", file)):
        assert age.unseal(data, "x") == TEXT.encode()
    assert somebody("", file).own_public_key() == PUBLIC
    with pytest.raises(UsageError, match="no such file"):
        somebody(str(tmp_path / "absent")).unseal(data, "x")
    file.write_text("nothing\n")
    with pytest.raises(UsageError, match="holds no key"):
        somebody("", file).unseal(data, "x")


def test_recipients_are_read_by_line_and_every_mistake_is_told_at_once(tmp_path: Path) -> None:
    file = tmp_path / "recipients.txt"
    ssh = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHsKLqeplhpW+uObz5dvMgjz1OxfM/XXUB+VHtZ6isGN"
    file.write_text(f"# team\n{PUBLIC}\n\n{OTHER_PUBLIC}\n{PUBLIC}\n{ssh} anna, at home\n")
    assert read_recipients(file, "r") == (PUBLIC, OTHER_PUBLIC, ssh)
    sealed = tmp_path / "x.age"
    seal(somebody(), TEXT, sealed, "x", (PUBLIC, ssh))
    assert sealed_for(somebody(), sealed, "x") == (PUBLIC, ssh)
    file.write_text(f"age1nothing\n{PUBLIC}\nssh-dss AAAA\n{KEY.reveal()}\n")
    with pytest.raises(UsageError) as raised:
        read_recipients(file, "r")
    assert [line.partition(": ")[0] for line in raised.value.details] == ["r:1", "r:3", "r:4"]
    assert KEY.reveal() not in str(raised.value)


def test_a_file_is_sealed_for_the_team_and_the_same_again_changes_nothing(tmp_path: Path) -> None:
    file, age = tmp_path / "x.age", somebody()
    assert "opened again with your key" in seal(age, TEXT, file, "x", [PUBLIC])
    assert stat.S_IMODE(file.stat().st_mode) == 0o644
    assert unsealed(age, file, "x") == TEXT
    assert sealed_for(age, file, "x") == (PUBLIC,)
    assert is_sealed_already(age, TEXT, file, "x", [PUBLIC])
    assert not is_sealed_already(age, TEXT + "A=1\n", file, "x", [PUBLIC])
    assert not is_sealed_already(age, TEXT, file, "x", [OTHER_PUBLIC]), "somebody who left must not be able to read on"
    assert not is_sealed_already(somebody(""), TEXT, file, "x", [PUBLIC]), "nobody here can tell"
    assert "no key is here" in seal(somebody(""), TEXT, file, "x", [PUBLIC])
    assert "you cannot open it" in seal(age, TEXT, file, "x", [OTHER_PUBLIC])


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_an_interrupted_write_leaves_the_old_file_and_no_half_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    file = tmp_path / "x.secrets.env"
    replace_file(file, b"old", "x")

    def fail(descriptor: int) -> None:
        raise error

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises((Unreachable, KeyboardInterrupt)):
        replace_file(file, b"new", "x")
    assert file.read_bytes() == b"old"
    assert [one.name for one in tmp_path.iterdir()] == ["x.secrets.env"]


def test_a_private_file_is_private_and_never_written_through_a_link(tmp_path: Path) -> None:
    file, link = tmp_path / "x", tmp_path / "link"
    (tmp_path / ".partial.x").write_text("left by a run that was killed")
    replace_file(file, b"1", "x")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    link.symlink_to(file)
    with pytest.raises(UsageError, match="symbolic link"):
        replace_file(link, b"2", "link")
    assert file.read_bytes() == b"1"
    with pytest.raises(Unreachable, match="cannot be written"):
        replace_file(file / "below a file" / "x", b"", "x")


def test_the_key_of_digests_is_made_once_and_stays(tmp_path: Path) -> None:
    file = tmp_path / ".slipway" / "digests.key"
    key = kept_key(file, "k")
    assert len(key) == 32
    assert kept_key(file, "k") == key
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    file.write_bytes(b"short")
    assert len(kept_key(file, "k")) == 32


def test_an_ssh_key_does_as_well_and_one_with_a_passphrase_is_told(tmp_path: Path) -> None:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import (
        BestAvailableEncryption,
        Encoding,
        KeySerializationEncryption,
        NoEncryption,
        PrivateFormat,
        PublicFormat,
    )

    key, file = Ed25519PrivateKey.generate(), tmp_path / "id_ed25519"
    public = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    sealed = somebody().seal(b"x", [f"{public} anna@laptop"], "s")
    assert stanzas(sealed, "s") == ("ssh-ed25519",)

    def write(encryption: KeySerializationEncryption) -> Age:
        file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, encryption))
        file.chmod(0o600)
        return somebody(str(file))

    assert write(NoEncryption()).unseal(sealed, "s") == b"x"
    with pytest.raises(UsageError, match="no key that can be used") as raised:
        write(BestAvailableEncryption(b"word")).unseal(sealed, "s")
    assert raised.value.hint == "an SSH key must have no passphrase"
    with pytest.raises(UsageError, match="key's file"):
        somebody("~no-such-user/key").unseal(sealed, "s")
