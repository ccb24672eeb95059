"""The check of the backend image, as Docker runs it: a process of its own, asked about a real server."""

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from .conftest import RUNTIME

SCRIPT = RUNTIME / "slipway_runtime" / "healthcheck.py"
Check = Callable[..., tuple[int, str]]


@pytest.fixture
def check(run_dir: Path) -> Check:
    def ask(**variables: str) -> tuple[int, str]:
        words = [sys.executable, "-I", "-S", str(SCRIPT)]
        environment = {"SLIPWAY_RUN_DIR": str(run_dir), **variables}
        done = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=10, check=False)
        assert done.stderr == ""
        assert done.stdout.count("\n") == 1
        assert done.stdout.startswith("green: " if done.returncode == 0 else "red: ")
        return done.returncode, done.stdout.strip()

    return ask


@pytest.fixture
def server() -> Iterator[Callable[[bytes], tuple[int, list[bytes]]]]:
    """Answer every request with the given bytes; return the port and what was asked. b"" closes without a word."""
    listeners = []

    def start(answer: bytes | None) -> tuple[int, list[bytes]]:
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)
        asked: list[bytes] = []

        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                asked.append(connection.recv(4096))
                if answer is None:
                    time.sleep(6)
                else:
                    connection.sendall(answer)
                connection.close()

        threading.Thread(target=serve, daemon=True).start()
        return listener.getsockname()[1], asked

    yield start
    for listener in listeners:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def test_only_200_is_green(check: Check, server: Callable[..., tuple[int, list[bytes]]]) -> None:
    for status, code in (("200 OK", 0), ("204 No Content", 1), ("301 Moved", 1), ("400 Bad", 1), ("503 Busy", 1)):
        port, _ = server(f"HTTP/1.1 {status}\r\n\r\n".encode())
        answer = check(PORT=str(port))
        assert answer[0] == code
        assert f"answered {status[:3]}" in answer[1]


@pytest.mark.parametrize(
    ("variables", "host"),
    [
        ({}, "localhost"),
        ({"ALLOWED_HOSTS": ""}, "localhost"),
        ({"ALLOWED_HOSTS": "*"}, "localhost"),
        ({"ALLOWED_HOSTS": "api.zamio.example,other.example"}, "api.zamio.example"),
        ({"ALLOWED_HOSTS": " *, .zamio.example ,x"}, "zamio.example"),
        ({"ALLOWED_HOSTS": "a\r\nX-Evil: 1,good.example"}, "good.example"),
        ({"ALLOWED_HOSTS": "a.example", "SLIPWAY_HEALTH_HOST": "b.example"}, "b.example"),
    ],
)
def test_it_asks_as_the_router_would(
    check: Check, server: Callable[..., tuple[int, list[bytes]]], variables: dict[str, str], host: str
) -> None:
    port, asked = server(b"HTTP/1.1 200 OK\r\n\r\n")
    assert check(PORT=str(port), SLIPWAY_HEALTH_PATH="/up/?full=1", **variables)[0] == 0
    lines = asked[0].decode().split("\r\n")
    assert lines[0] == "GET /up/?full=1 HTTP/1.1"
    assert f"Host: {host}" in lines
    assert "X-Forwarded-Proto: https" in lines


@pytest.mark.parametrize("answer", [b"", b"SSH-2.0-OpenSSH\r\n", b"200 OK\r\n", b"\n", b"x" * 100_000])
def test_what_is_no_http_is_red(check: Check, server: Callable[..., tuple[int, list[bytes]]], answer: bytes) -> None:
    port, _ = server(answer)
    assert check(PORT=str(port))[0] == 1


@pytest.mark.slow
def test_a_server_that_hangs_is_red_before_docker_gives_up(
    check: Check, server: Callable[..., tuple[int, list[bytes]]]
) -> None:
    port, _ = server(None)
    begin = time.monotonic()
    assert check(PORT=str(port)) == (1, "red: GET /health/ did not answer within 4 s")
    assert time.monotonic() - begin < 4.8


def test_nobody_there_is_red(check: Check, port: int) -> None:
    code, why = check(PORT=str(port))
    assert code == 1
    assert f"nothing answers on port {port}" in why


@pytest.mark.parametrize(
    "variables",
    [
        {"PORT": "no"},
        {"PORT": "99999"},
        {"SLIPWAY_HEALTH_PATH": "health"},
        {"SLIPWAY_HEALTH_PATH": "/a b"},
        {"SLIPWAY_HEALTH_PATH": "/a\r\nX: 1"},
        {"SLIPWAY_ROLE": "cook"},
    ],
)
def test_hostile_variables_are_red_and_named(check: Check, variables: dict[str, str]) -> None:
    assert check(**variables)[0] == 1


def test_a_draining_container_is_red_whatever_the_server_says(
    check: Check, server: Callable[..., tuple[int, list[bytes]]], run_dir: Path
) -> None:
    port, asked = server(b"HTTP/1.1 200 OK\r\n\r\n")
    (run_dir / "draining").touch()
    assert check(PORT=str(port)) == (1, "red: draining since 0 s")
    assert asked == []


@pytest.mark.parametrize(("role", "fresh", "stale"), [("worker", 9, 11), ("beat", 14, 16)])
def test_a_loop_is_green_as_long_as_its_heart_beats(
    check: Check, run_dir: Path, role: str, fresh: float, stale: float
) -> None:
    file = run_dir / f"{role}.heartbeat"
    assert check(SLIPWAY_ROLE=role) == (1, f"red: {role} has not begun: no heartbeat yet")
    for seconds, code in ((0, 0), (fresh, 0), (stale, 1)):
        file.touch()
        os.utime(file, (time.time() - seconds,) * 2)
        assert check(SLIPWAY_ROLE=role)[0] == code


def test_the_role_that_was_started_counts_not_the_one_that_was_given(check: Check, run_dir: Path) -> None:
    (run_dir / "role").write_text("worker\n")
    assert "worker" in check(SLIPWAY_ROLE="web")[1]


def test_it_costs_next_to_nothing(check: Check, run_dir: Path) -> None:
    words = [sys.executable, "-I", "-S", "-X", "importtime", str(SCRIPT)]
    (run_dir / "worker.heartbeat").touch()
    environment = {"SLIPWAY_RUN_DIR": str(run_dir), "SLIPWAY_ROLE": "worker"}
    loaded = subprocess.run(words, env=environment, capture_output=True, text=True, check=True).stderr
    for heavy in ("socket", "ssl", "http", "email", "pathlib", "site", "asyncio", "typing"):
        assert f"| {heavy}\n" not in loaded.replace("  ", "")
