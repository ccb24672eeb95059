"""The two scripts of the portal images: the shim that drains nginx, with a stand-in for nginx, and the check."""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from .conftest import Running, eventually

SCRIPTS = Path(__file__).parents[2] / "images" / "portal"
# Python, for bash starts it with SIGQUIT ignored: a shell could not trap that, nginx does.
NGINX = f"""#!{sys.executable}
import os, pathlib, signal, sys, time
run = pathlib.Path(os.environ["SLIPWAY_RUN_DIR"])
def end(number, frame):
    (run / "signals").write_text(signal.Signals(number).name)
    sys.exit(0 if number == signal.SIGQUIT else 1)
for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT): signal.signal(number, end)
(run / "pid").write_text(str(os.getpid()))
while True: time.sleep(0.05)
"""


@pytest.fixture
def serve(run: Callable[..., Running], tmp_path: Path, run_dir: Path, portal_dir: Path) -> Callable[..., Running]:
    def start(nginx: str = NGINX, **variables: str) -> Running:
        (tmp_path / "nginx").write_text(nginx)
        (tmp_path / "nginx").chmod(0o755)
        told = {"SLIPWAY_PORTAL_DIR": str(portal_dir), "SLIPWAY_NGINX": str(tmp_path / "nginx")}
        running = run(str(SCRIPTS / "serve"), **told, **variables)
        if nginx == NGINX:
            eventually(lambda: (run_dir / "pid").exists() and (run_dir / "pid").read_text() != "")
        return running

    return start


def test_it_turns_red_at_once_serves_on_and_then_lets_nginx_finish(
    serve: Callable[..., Running], run_dir: Path
) -> None:
    running = serve(SLIPWAY_DRAIN_SECONDS="2")
    begin = time.monotonic()
    running.process.terminate()
    eventually((run_dir / "draining").exists, 0.5)
    time.sleep(1)
    assert not (run_dir / "signals").exists()
    assert running.ends() == 0
    assert 2.0 <= time.monotonic() - begin < 4.0
    assert (run_dir / "signals").read_text() == "SIGQUIT"


def test_a_second_signal_skips_the_drain(serve: Callable[..., Running], run_dir: Path) -> None:
    running = serve()
    running.process.terminate()
    eventually((run_dir / "draining").exists)
    running.process.send_signal(signal.SIGINT)
    assert running.ends(3) == 0
    assert (run_dir / "signals").read_text() == "SIGQUIT"


def test_a_drain_with_a_leading_zero_is_no_octal_number(serve: Callable[..., Running], run_dir: Path) -> None:
    running = serve(SLIPWAY_DRAIN_SECONDS="0000008")
    running.process.terminate()
    running.says("health is red, 8 s of serving on")
    running.process.send_signal(signal.SIGINT)
    assert running.ends(3) == 0


def test_an_nginx_that_ends_by_itself_ends_the_container_with_its_code(serve: Callable[..., Running]) -> None:
    running = serve("#!/bin/sh\nexit 3\n")
    assert running.ends() == 3
    running.says("nginx ended by itself with 3")


def test_an_nginx_that_dies_in_the_drain_ends_the_drain(serve: Callable[..., Running], run_dir: Path) -> None:
    running = serve()
    running.process.terminate()
    eventually((run_dir / "draining").exists)
    os.kill(int((run_dir / "pid").read_text()), signal.SIGKILL)
    assert running.ends(3) == 137


def test_a_restart_forgets_that_it_drained(serve: Callable[..., Running], run_dir: Path) -> None:
    (run_dir / "draining").touch()
    running = serve(SLIPWAY_DRAIN_SECONDS="0")
    assert not (run_dir / "draining").exists()
    running.process.terminate()
    assert running.ends() == 0


@pytest.mark.parametrize("seconds", ["-1", "1.5", "soon", "99999", "1;id"])
def test_a_drain_that_is_no_number_is_refused(serve: Callable[..., Running], seconds: str) -> None:
    running = serve("#!/bin/sh\nsleep 9\n", SLIPWAY_DRAIN_SECONDS=seconds)
    assert running.ends() == 2
    running.says("SLIPWAY_DRAIN_SECONDS")


def test_a_run_directory_that_cannot_be_written_is_named(serve: Callable[..., Running], tmp_path: Path) -> None:
    running = serve("#!/bin/sh\nsleep 9\n", SLIPWAY_RUN_DIR=str(tmp_path / "none"))
    assert running.ends() == 2
    running.says("must be writable")


@pytest.fixture
def answers() -> Iterator[Callable[[int], int]]:
    """Serve /healthz with one status; return the port."""
    servers: list[HTTPServer] = []

    def start(status: int) -> int:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(status if self.path == "/healthz" else 404)
                self.end_headers()

            def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
                pass

        server = HTTPServer(("127.0.0.1", 0), Handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return server.server_port

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(("status", "code"), [(200, 0), (204, 1), (301, 1), (503, 1)])
def test_only_200_is_green(run: Callable[..., Running], answers: Callable[[int], int], status: int, code: int) -> None:
    assert run(str(SCRIPTS / "healthcheck"), PORT=str(answers(status))).ends() == code


def test_a_draining_portal_is_red(run: Callable[..., Running], answers: Callable[[int], int], run_dir: Path) -> None:
    (run_dir / "draining").touch()
    assert run(str(SCRIPTS / "healthcheck"), PORT=str(answers(200))).ends() == 1


def test_nobody_there_is_red(run: Callable[..., Running], port: int) -> None:
    assert run(str(SCRIPTS / "healthcheck"), PORT=str(port)).ends() == 1


def test_nginx_starts_where_the_kernel_has_no_ipv6() -> None:
    conf = (SCRIPTS.parents[1] / "templates" / "nginx" / "portal.conf").read_text()
    listening = [words[1] for line in conf.splitlines() if (words := line.split())[:1] == ["listen"]]
    assert listening == ["8080"]
