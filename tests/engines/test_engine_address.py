import gc
from pathlib import Path

import pytest

from slipway.engines.engine_address import EngineAddress
from slipway.errors import Unreachable, UsageError


@pytest.mark.parametrize(
    ("given", "socket"),
    [
        (None, "/var/run/docker.sock"),
        ("", "/var/run/docker.sock"),
        ("unix:///run/user/1000/docker.sock", "/run/user/1000/docker.sock"),
        ("http+unix://%2Frun%2Fother.sock", "/run/other.sock"),
    ],
)
def test_an_engine_behind_a_socket(monkeypatch: pytest.MonkeyPatch, given: str | None, socket: str) -> None:
    if given is not None:
        monkeypatch.setenv("DOCKER_HOST", given)
    assert EngineAddress.configured().socket() == socket


@pytest.mark.parametrize("given", ["tcp://127.0.0.1:2375", "ssh://me@build.example.org", "https://a:2376"])
def test_a_rehearsal_needs_an_engine_with_a_socket_here(monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    monkeypatch.setenv("DOCKER_HOST", given)
    with pytest.raises(UsageError, match="this machine's own engine") as raised:
        EngineAddress.configured().socket()
    assert raised.value.where == f"DOCKER_HOST={given}"
    assert "unset DOCKER_HOST" in raised.value.hint


def test_the_tls_variables_count_as_for_any_docker_program(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:2376")
    monkeypatch.setenv("DOCKER_TLS_VERIFY", "1")
    monkeypatch.setenv("DOCKER_CERT_PATH", str(tmp_path))
    with pytest.raises(UsageError, match="TLS files cannot be used") as raised:
        EngineAddress.configured()
    assert raised.value.where == "DOCKER_CERT_PATH"
    for name in ("ca.pem", "cert.pem", "key.pem"):
        (tmp_path / name).touch()
    tls = EngineAddress.configured().tls
    assert tls is not None
    assert (tls.ca_cert, tls.verify) == (str(tmp_path / "ca.pem"), True)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_no_engine_is_told_with_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(Unreachable, match=r"(?s)DOCKER_HOST=.*no Docker engine answers.*unset DOCKER_HOST"):
        EngineAddress(f"unix://{tmp_path}/none.sock").client()
    gc.collect()  # docker-py drops the socket that could not connect without closing it
