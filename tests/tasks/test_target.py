import getpass
from collections.abc import Iterator
from pathlib import Path

import pytest

from slipway.errors import Refused, Unreachable, UsageError
from slipway.testing import FakeLock, Lines
from tasks import _target
from tasks._session import Session, session
from tasks._target import giving_back
from tests.hosts import keygen


class LostLock(FakeLock):
    """A lock on a host that does not answer any more."""

    def release(self) -> None:
        raise Unreachable("the host does not answer")


def test_a_lock_that_cannot_be_given_back_never_hides_why_a_run_ended() -> None:
    said = Lines()
    with pytest.raises(Refused, match="the migration failed"), giving_back(LostLock(), said):
        raise Refused("the migration failed")
    assert said.lines == ["the lock could not be given back (the host does not answer); its lease ends by itself"]
    with pytest.raises(KeyboardInterrupt), giving_back(LostLock(), said):
        raise KeyboardInterrupt


def test_without_another_error_it_is_the_error() -> None:
    with pytest.raises(Unreachable, match="does not answer"), giving_back(LostLock(), Lines()):
        pass


def test_the_lock_is_given_back() -> None:
    lock = FakeLock()
    lock.acquire()
    with giving_back(lock, Lines()):
        pass
    assert lock.token is None


@pytest.fixture
def staging(monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    with session(env="staging") as s:
        yield s


@pytest.mark.parametrize("port", ["ssh", "0", "65536", "22 ", "-1", "9" * 5000, "2²", "22.5"])
def test_a_port_that_is_none_is_named_with_its_place(staging: Session, port: str) -> None:
    config = staging.load_config({"SLIPWAY_SSH_PORT": port, "SLIPWAY_COOLIFY_TOKEN": "1|x"})
    with pytest.raises(UsageError, match="SLIPWAY_SSH_PORT is no port") as raised, staging.target(config):
        pass
    assert raised.value.where == "given value"
    assert len(raised.value.message) < 80


def test_a_user_without_a_name_holds_the_lock_by_number(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody() -> str:
        raise KeyError("getpwuid(): uid not found: 12345")

    monkeypatch.setattr(getpass, "getuser", nobody)
    assert _target._user().startswith("uid ")


def test_a_user_without_a_folder_is_told_to_name_the_file(staging: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    config = staging.load_config({"SLIPWAY_SSH_KEY_FILE": "~no-such-user/key", "SLIPWAY_COOLIFY_TOKEN": "1|x"})
    with pytest.raises(UsageError, match="SLIPWAY_SSH_KEY_FILE") as raised, staging.target(config):
        pass
    assert "whole path" in raised.value.hint


def test_no_engine_of_this_machine_is_asked_for_what_happens_elsewhere(
    staging: Session, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """`inv deploy.status` and its like as root installed Docker once. The host is a port where nothing listens."""

    def refuse(_: object) -> None:
        pytest.fail("an engine was asked for")

    monkeypatch.setattr("slipway.engines.engine_setup.ensure_engine", refuse)
    keygen(tmp_path / "id")
    settings = {
        "SLIPWAY_SSH_HOST": "127.0.0.1",
        "SLIPWAY_SSH_PORT": "9",
        "SLIPWAY_SSH_KEY_FILE": str(tmp_path / "id"),
        "SLIPWAY_SSH_KNOWN_HOSTS": str(tmp_path / "known_hosts"),
        "SLIPWAY_COOLIFY_TOKEN": "1|x",
    }
    with pytest.raises(Unreachable, match="nothing answers"), staging.target(staging.load_config(settings)) as opened:
        opened[0].state.history()
