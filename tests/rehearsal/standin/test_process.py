"""The stand-in as a process: its environment, its state file, what a restart does."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from slipway.rehearsal.standin.__main__ import Misconfigured, settings_from
from slipway.rehearsal.standin.store import StateUnreadable, Store
from tests.rehearsal.standin import ground

PROGRAM = Path("/bin/true")
GOOD = {"STANDIN_TOKENS": "/run/tokens.json", "STANDIN_COMPOSE": str(PROGRAM)}


def test_the_environment_is_read() -> None:
    settings, tokens, port = settings_from({
        **GOOD, "STANDIN_PORT": "8001", "STANDIN_DATA": "/d", "STANDIN_NETWORK": "net", "STANDIN_LABELS": '{"a": "b"}',
        "STANDIN_WILDCARD_DOMAIN": "zamio.localhost", "STANDIN_RATE_LIMIT": "5", "DOCKER_HOST": "unix:///x.sock",
    })  # fmt: skip
    assert (tokens, port) == (Path("/run/tokens.json"), 8001)
    assert (settings.data, settings.network, settings.labels) == (Path("/d"), "net", {"a": "b"})
    assert (settings.wildcard_domain, settings.rate_limit) == ("zamio.localhost", 5)
    assert (settings.compose, settings.docker_host) == (PROGRAM, "unix:///x.sock")
    plain, _, port = settings_from(GOOD)
    assert (plain.data, plain.network, port, plain.rate_limit) == (Path("/data/coolify"), "coolify", 8000, 200)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("STANDIN_TOKENS", ""),
        ("STANDIN_LABELS", "a=b"),
        ("STANDIN_LABELS", '{"a": 1}'),
        ("STANDIN_LABELS", "[]"),
        ("STANDIN_COMPOSE", "/absent/docker-compose"),
        ("STANDIN_PORT", "http"),
        ("STANDIN_PORT", "70000"),
        ("STANDIN_PORT", "9" * 5000),
        ("STANDIN_RATE_LIMIT", "0"),
    ],
)
def test_a_bad_environment_names_the_variable(name: str, value: str) -> None:
    with pytest.raises(Misconfigured, match=name):
        settings_from({**GOOD, name: value})


def test_a_restart_knows_its_applications_and_fails_what_was_active(tmp_path: Path) -> None:
    with ground.running(ground.settings(tmp_path), held=True) as first:
        uuid = first.application(name="Api")
        first.good("POST", f"/applications/{uuid}/envs", {"key": "A", "value": "secret-value"})
        running, waiting = first.deploy(uuid), first.deploy(uuid)
    state = tmp_path / "coolify" / "standin.json"
    assert state.stat().st_mode & 0o777 == 0o600
    with ground.running(ground.settings(tmp_path), held=True) as second:
        assert second.good("GET", f"/applications/{uuid}")["name"] == "Api"
        statuses = [second.good("GET", f"/deployments/{one}")["status"] for one in (running, waiting)]
        assert statuses == ["failed", "failed"]
        third = second.deploy(uuid)
        assert second.good("GET", f"/deployments/{third}")["id"] == 3


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "{}", '{"tables": {}}', '{"tables": 5, "last_id": {}, "instance": {}}']
)
def test_a_broken_state_file_is_named_and_left_alone(content: str, tmp_path: Path) -> None:
    file = tmp_path / "standin.json"
    file.write_text(content)
    with pytest.raises(StateUnreadable, match=r"standin\.json"):
        Store(file)
    assert file.read_text() == content


def test_rows_handed_out_are_copies_and_a_transaction_saves_once(tmp_path: Path) -> None:
    store = Store(tmp_path / "standin.json")
    with store.transaction():
        row = store.insert("projects", {"name": "a"})
        assert not (tmp_path / "standin.json").exists()
    row["name"] = "changed outside"
    found = store.find("projects", row["uuid"])
    assert found is not None
    assert found["name"] == "a"

    def break_off() -> None:
        with store.transaction():
            store.update("projects", row["uuid"], name="kept")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        break_off()
    kept = Store(tmp_path / "standin.json").find("projects", row["uuid"])
    assert kept is not None
    assert kept["name"] == "kept"


def test_the_program_serves_stops_on_sigterm_and_prints_no_secret(tmp_path: Path) -> None:
    tokens = tmp_path / "tokens.json"
    tokens.touch(mode=0o600)
    tokens.write_text(json.dumps([{"token": ground.BEARERS["root"], "abilities": ["root"]}]))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    own = {"STANDIN_TOKENS": tokens, "STANDIN_COMPOSE": PROGRAM, "STANDIN_DATA": tmp_path / "d", "STANDIN_PORT": port}
    environment = {**os.environ, **{name: str(value) for name, value in own.items()}}
    command = [sys.executable, "-m", "slipway.rehearsal.standin"]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
            until = time.monotonic() + 20
            while time.monotonic() < until:
                try:
                    assert client.get("/api/health").text == "OK"
                    break
                except httpx.TransportError:
                    time.sleep(0.1)
            headers = {"Authorization": f"Bearer {ground.BEARERS['root']}"}
            assert client.get("/api/v1/version", headers=headers).text == "4.3.11"
    finally:
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=30)
    assert "GET /api/v1/version" in output
    assert ground.SECRET not in output


def test_the_program_refuses_a_bad_configuration_with_2(tmp_path: Path) -> None:
    environment = {**os.environ, "STANDIN_TOKENS": str(tmp_path / "absent.json"), "STANDIN_COMPOSE": str(PROGRAM)}
    command = [sys.executable, "-m", "slipway.rehearsal.standin"]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=30, check=False)
    assert ended.returncode == 2
    assert ended.stderr == f"standin: {tmp_path}/absent.json: No such file or directory\n"
