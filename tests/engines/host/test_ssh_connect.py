"""What can be said about an SSH host before it is asked."""

import socket
from dataclasses import replace
from pathlib import Path

import pytest

from slipway.command import command
from slipway.engines.host.ssh import Host
from slipway.engines.host.ssh_connect import Address
from slipway.errors import Unreachable, UsageError
from tests.hosts import keygen


@pytest.fixture
def address(tmp_path: Path) -> Address:
    keygen(tmp_path / "id")
    return Address("127.0.0.1", "root", tmp_path / "id", tmp_path / "known_hosts", _free_port(), connect_seconds=1.0)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_the_name_in_messages_and_in_known_hosts(address: Address) -> None:
    assert replace(address, port=22).place == "root@127.0.0.1:22"
    assert replace(address, port=22).known_as == "127.0.0.1"
    assert replace(address, port=2222).known_as == "[127.0.0.1]:2222"


def test_nothing_answers(address: Address) -> None:
    with pytest.raises(Unreachable, match="nothing answers") as raised:
        Host(address).run(command("true"))
    assert raised.value.exit_code == 3
    assert raised.value.where == address.place


def test_something_else_than_ssh_answers(address: Address) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", address.port))
        silent.listen(1)
        with pytest.raises(Unreachable, match="does not speak SSH"):
            Host(address).run(command("true"))


def test_there_is_no_key(address: Address, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no SSH key") as raised:
        Host(replace(address, key_file=tmp_path / "absent")).run(command("true"))
    assert raised.value.where == str(tmp_path / "absent")
    assert "ssh-keygen" in raised.value.hint


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not a key",
        b"\x00\xff" * 5000,
        b"-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n",
    ],
    ids=["empty", "text", "bytes", "cut"],
)
def test_the_key_is_no_key(address: Address, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "bad").write_bytes(content)
    with pytest.raises(UsageError, match="no SSH private key"):
        Host(replace(address, key_file=tmp_path / "bad")).run(command("true"))


def test_a_public_key_is_no_private_key(address: Address, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no SSH private key"):
        Host(replace(address, key_file=tmp_path / "id.pub")).run(command("true"))


def test_a_key_with_a_passphrase_asks_nobody(address: Address, tmp_path: Path) -> None:
    keygen(tmp_path / "locked", "a long passphrase")
    with pytest.raises(UsageError, match="has a passphrase"):
        Host(replace(address, key_file=tmp_path / "locked")).run(command("true"))


def test_known_hosts_that_cannot_be_read(address: Address, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(UsageError, match="known hosts cannot be read"):
        Host(replace(address, known_hosts=tmp_path / "folder")).run(command("true"))


def test_a_known_host_with_a_broken_key(address: Address, tmp_path: Path) -> None:
    (tmp_path / "known_hosts").write_text("host ssh-ed25519 AAAAC\n")
    with pytest.raises(UsageError, match="known hosts cannot be read"):
        Host(address).run(command("true"))


def test_there_is_no_such_host(address: Address, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(Unreachable, match="no host of this name"):
        Host(replace(address, host="nowhere.example.org")).run(command("true"))
