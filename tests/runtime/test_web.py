"""The role web: a real uvicorn with an application of a few lines, asked over HTTP while it drains."""

import http.client
import json
import logging
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from slipway_runtime.web import NotTheProbe, logging_settings
from uvicorn.config import LOGGING_CONFIG

from .conftest import RUNTIME, Running, eventually

APPLICATION = """
import asyncio, json
async def application(scope, receive, send):
    if scope["type"] != "http":
        raise ValueError(scope["type"])
    if scope["path"] == "/slow":
        await asyncio.sleep(1.5)
    seen = json.dumps({"scheme": scope["scheme"], "client": scope["client"][0]}).encode()
    length = (b"content-length", str(len(seen)).encode())
    await send({"type": "http.response.start", "status": 200, "headers": [length]})
    await send({"type": "http.response.body", "body": seen})
"""


@pytest.fixture
def web(python: Callable[..., Running], tmp_path: Path, port: int) -> Callable[..., Running]:
    def start(**variables: str) -> Running:
        (tmp_path / "core").mkdir(exist_ok=True)
        (tmp_path / "core" / "asgi.py").write_text(APPLICATION)
        running = python("-m", "slipway_runtime.start", "web", PORT=str(port), **variables)
        eventually(lambda: get(port) == 200, 20, lambda: "".join(running.lines))
        return running

    return start


def get(port: int, path: str = "/", **headers: str) -> int | str:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path, headers=headers)
        return connection.getresponse().status
    except OSError as error:
        return type(error).__name__
    finally:
        connection.close()


def health(python: Callable[..., Running], port: int) -> int:
    script = RUNTIME / "slipway_runtime" / "healthcheck.py"
    return python("-I", "-S", str(script), PORT=str(port)).ends()


@pytest.mark.slow
def test_health_turns_red_at_once_and_no_request_fails_until_the_drain_is_over(
    web: Callable[..., Running], python: Callable[..., Running], port: int
) -> None:
    running = web(SLIPWAY_DRAIN_SECONDS="2")
    assert health(python, port) == 0
    running.process.terminate()
    begin = time.monotonic()
    running.says("health is red")
    assert health(python, port) == 1
    while time.monotonic() - begin < 1.8:
        assert get(port) == 200
    assert running.ends() == 0
    assert 2.0 <= time.monotonic() - begin < 5.0
    assert get(port) == "ConnectionRefusedError"


@pytest.mark.slow
def test_a_request_that_runs_when_the_drain_ends_is_answered(web: Callable[..., Running], port: int) -> None:
    running = web(SLIPWAY_DRAIN_SECONDS="0")
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", "/slow")
    time.sleep(0.3)
    running.process.terminate()
    assert connection.getresponse().status == 200
    connection.close()
    assert running.ends() == 0


def test_a_restart_forgets_that_it_drained(web: Callable[..., Running], run_dir: Path) -> None:
    (run_dir / "draining").touch()
    (run_dir / "worker.heartbeat").touch()
    web()
    assert sorted(path.name for path in run_dir.iterdir()) == ["role"]
    assert (run_dir / "role").read_text() == "web\n"


def test_a_proxy_in_a_private_network_tells_scheme_and_client(web: Callable[..., Running], port: int) -> None:
    web()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    connection.request("GET", "/", headers={"X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.9, 10.0.0.7"})
    answer = connection.getresponse()
    assert json.loads(answer.read()) == {"scheme": "https", "client": "203.0.113.9"}
    assert answer.getheader("server") is None
    connection.close()


def test_a_proxy_that_is_not_named_is_not_believed(web: Callable[..., Running], port: int) -> None:
    web(FORWARDED_ALLOW_IPS="192.0.2.1")
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    connection.request("GET", "/", headers={"X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.9"})
    assert json.loads(connection.getresponse().read()) == {"scheme": "http", "client": "127.0.0.1"}
    connection.close()


def test_a_project_that_does_not_import_ends_the_container(python: Callable[..., Running]) -> None:
    running = python("-m", "slipway_runtime.start", "web", SLIPWAY_ASGI="nowhere.asgi:application")
    assert running.ends(20) == 1
    running.says("nowhere")


def test_a_run_directory_that_cannot_be_written_is_named(python: Callable[..., Running], tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    running = python("-m", "slipway_runtime.start", "web", SLIPWAY_RUN_DIR=str(tmp_path / "file"))
    assert running.ends() == 2
    running.says(f"{tmp_path / 'file'} must be writable")


def test_the_log_leaves_out_answered_probes_of_this_container_and_nothing_else() -> None:
    assert logging_settings("/health/", LOGGING_CONFIG)["handlers"]["access"]["filters"] == ["not_the_probe"]
    assert "filters" not in LOGGING_CONFIG["handlers"]["access"]
    keep = NotTheProbe("/health/").filter
    assert not keep(_line("127.0.0.1:0", "/health/", 200))
    assert keep(_line("127.0.0.1:0", "/health/", 503))
    assert keep(_line("10.0.0.1:4711", "/health/", 200))
    assert keep(_line("127.0.0.1:0", "/health/x", 200))
    assert keep(logging.LogRecord("uvicorn.access", logging.INFO, "", 0, "starting", (), None))


def _line(client: str, path: str, status: int) -> logging.LogRecord:
    arguments = (client, "GET", path, "1.1", status)
    return logging.LogRecord("uvicorn.access", logging.INFO, "", 0, '%s - "%s %s HTTP/%s" %d', arguments, None)


def test_the_supervisor_loads_neither_a_server_nor_a_framework() -> None:
    heavy = "{'uvicorn', 'django', 'celery', 'asyncio'}"
    code = f"import sys, slipway_runtime.start; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONPATH": str(RUNTIME)}, capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"
