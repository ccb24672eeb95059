"""The web server: how many processes, what a connection may do, and how a drain looks from outside."""

import http.client
import socket
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest
from slipway_runtime.gate import Draining
from slipway_runtime.options import WrongOption, read
from slipway_runtime.processes import MEMORY_EACH, UNLIMITED_MOST, fitting
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from tests.runtime.conftest import Running, eventually

APPLICATION = """
import asyncio, os
async def application(scope, receive, send):
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.send", "text": str(os.getpid())})
        while (await receive())["type"] != "websocket.disconnect": pass
        return
    if scope["type"] != "http":
        raise ValueError(scope["type"])
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        size += len(message.get("body", b""))
        if not message.get("more_body"):
            break
    seen = b"x" * 40_000_000 if scope["path"] == "/big" else str(size).encode()
    length = (b"content-length", str(len(seen)).encode())
    await send({"type": "http.response.start", "status": 200, "headers": [length]})
    await send({"type": "http.response.body", "body": seen})
"""


@pytest.fixture
def web(python: Callable[..., Running], tmp_path: Path, port: int) -> Callable[..., Running]:
    def start(**variables: str) -> Running:
        (tmp_path / "core").mkdir(exist_ok=True)
        (tmp_path / "core" / "asgi.py").write_text(APPLICATION)
        chosen = {"WEB_CONCURRENCY": "1", "SLIPWAY_DRAIN_SECONDS": "0", **variables}
        running = python("-m", "slipway_runtime.start", "web", PORT=str(port), **chosen)
        eventually(lambda: _status(port) == 200, 20, lambda: "".join(running.lines))
        return running

    return start


def _status(port: int) -> int | str:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/")
        return connection.getresponse().status
    except OSError as error:
        return type(error).__name__
    finally:
        connection.close()


def _said(port: int, *pieces: bytes, pause: float = 0.0, seconds: float = 10.0) -> tuple[str, float]:
    """Send pieces and return the status line that comes back ("" for a close without a word) and after how long."""
    begin = time.monotonic()
    with socket.create_connection(("127.0.0.1", port), seconds) as connection:
        try:
            for piece in pieces:
                connection.sendall(piece)
                time.sleep(pause)
        except (BrokenPipeError, ConnectionResetError):
            pass
        answer = b""
        try:
            while b"\r\n" not in answer and (part := connection.recv(4096)):
                answer += part
        except ConnectionResetError:
            pass
    return answer.split(b"\r\n", 1)[0].decode(), time.monotonic() - begin


# --- processes


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"cpu.max": "100000 100000"}, 1),
        ({"cpu.max": "150000 100000"}, 2),
        ({"cpu.max": "20000 100000"}, 1),
        ({"cpu.max": "max 100000"}, 4),
        ({"cpu/cpu.cfs_quota_us": "300000", "cpu/cpu.cfs_period_us": "100000"}, 3),
        ({"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, 4),
        ({"cpu/cpu.cfs_quota_us": "300000", "cpu/cpu.cfs_period_us": "0"}, 4),
        ({"cpu.max": "9900000 100000"}, 8),
        ({"cpu.max": "400000 100000", "memory.max": str(2 * MEMORY_EACH)}, 2),
        ({"cpu.max": "400000 100000", "memory.max": "max"}, 4),
        ({"cpu.max": "400000 100000", "memory/memory.limit_in_bytes": "9223372036854771712"}, 4),
        ({"cpu.max": "400000 100000", "memory.max": "1000"}, 1),
        ({"cpu.max": "\udcff", "memory.max": "garbage"}, 4),
        ({}, 4),
    ],
)
def test_processes_fit_the_quota_and_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: dict[str, str], expected: int
) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda pid: set(range(8)))
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(text.encode(errors="surrogateescape"))
    assert UNLIMITED_MOST == 4
    assert fitting(tmp_path) == expected


def test_the_cpus_that_a_process_may_run_on_bound_the_quota(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda pid: {3})
    (tmp_path / "cpu.max").write_text("400000 100000\n")
    assert fitting(tmp_path) == 1


@pytest.mark.parametrize("text", ["two", "-1", "1.5", "9999", "²"])
def test_a_wrong_number_of_processes_is_named(text: str) -> None:
    with pytest.raises(WrongOption, match="WEB_CONCURRENCY"):
        read(["web"], {"WEB_CONCURRENCY": text})


@pytest.mark.parametrize("text", ["often", "-1", "1e5", "1000001"])
def test_a_wrong_threshold_of_the_collector_is_named(text: str) -> None:
    with pytest.raises(WrongOption, match="WEB_GC_THRESHOLD"):
        read(["web"], {"WEB_GC_THRESHOLD": text})


COLLECTOR = """
import gc, json
async def application(scope, receive, send):
    if scope["type"] == "http":
        body = json.dumps([gc.get_threshold()[0], gc.get_freeze_count() > 0]).encode()
        length = (b"content-length", str(len(body)).encode())
        await send({"type": "http.response.start", "status": 200, "headers": [length]})
        await send({"type": "http.response.body", "body": body})
"""


@pytest.mark.slow
@pytest.mark.parametrize(("given", "seen"), [({}, b"[50000, true]"), ({"WEB_GC_THRESHOLD": "0"}, b"[700, false]")])
def test_the_collector_leaves_the_loaded_application_alone(
    python: Callable[..., Running], tmp_path: Path, port: int, given: dict[str, str], seen: bytes
) -> None:
    (tmp_path / "core").mkdir()
    (tmp_path / "core" / "asgi.py").write_text(COLLECTOR)
    fixed = {"PORT": str(port), "WEB_CONCURRENCY": "1", "SLIPWAY_DRAIN_SECONDS": "0"}
    running = python("-m", "slipway_runtime.start", "web", **fixed, **given)
    eventually(lambda: _status(port) == 200, 20, lambda: "".join(running.lines))
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    connection.request("GET", "/")
    assert connection.getresponse().read() == seen
    connection.close()


def test_several_processes_that_cannot_load_the_application_end_the_container(python: Callable[..., Running]) -> None:
    running = python("-m", "slipway_runtime.start", "web", SLIPWAY_ASGI="nowhere.asgi", WEB_CONCURRENCY="2")
    assert running.ends(30) == 1
    running.says("nowhere")


# --- the drain


@pytest.mark.slow
@pytest.mark.parametrize("processes", ["1", "3"])
def test_websockets_of_every_process_are_closed_with_1012(web: Any, port: int, processes: str) -> None:
    with ExitStack() as stack:
        running = web(WEB_CONCURRENCY=processes)
        sockets: list[Any] = []
        pids: set[str | bytes] = set()
        until = time.monotonic() + 20
        while len(pids) < int(processes) and time.monotonic() < until:  # the kernel spreads connections as it likes
            sockets.append(stack.enter_context(connect(f"ws://127.0.0.1:{port}/")))
            pids.add(sockets[-1].recv(5))
        assert len(pids) == int(processes)
        begin = time.monotonic()
        running.process.terminate()
        codes = set()
        for one in sockets:
            with pytest.raises(ConnectionClosed) as closed:
                one.recv(10)
            assert closed.value.rcvd
            codes.add(closed.value.rcvd.code)
        assert codes == {1012}
        assert running.ends(10) == 0
        assert time.monotonic() - begin < 5


@pytest.mark.slow
def test_kept_connections_are_told_to_go_while_the_container_drains(web: Any, port: int) -> None:
    running = web(SLIPWAY_DRAIN_SECONDS="4", WEB_CONCURRENCY="2")
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    for _ in range(3):
        connection.request("GET", "/")
        answer = connection.getresponse()
        assert (answer.read(), answer.getheader("connection")) == (b"0", None)
    running.process.terminate()
    running.says("health is red")
    time.sleep(1.1)
    connection.request("GET", "/")
    answer = connection.getresponse()
    assert (answer.read(), answer.getheader("connection")) == (b"0", "close")
    assert _status(port) == 200
    connection.close()
    assert running.ends(10) == 0


def test_the_marker_is_looked_at_once_in_a_while(tmp_path: Path) -> None:
    slow, fast = Draining(tmp_path, every=60), Draining(tmp_path, every=0)
    assert not slow()
    assert not fast()
    (tmp_path / "draining").touch()
    assert not slow()
    assert fast()


# --- what a connection may do


def test_headers_that_are_too_long_are_refused_however_they_come(web: Any, port: int) -> None:
    web(HEADERS_MAX_KB="4")
    fits = b"GET / HTTP/1.1\r\nhost: x\r\na: " + b"x" * 3000 + b"\r\nconnection: close\r\n\r\n"
    whole = b"GET / HTTP/1.1\r\nhost: x\r\na: " + b"x" * 5000 + b"\r\n\r\n"
    target = b"GET /" + b"x" * 5000 + b" HTTP/1.1\r\nhost: x\r\n\r\n"
    upgrade = (
        b"GET / HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\na: " + b"x" * 5000 + b"\r\n\r\n"
    )
    assert _said(port, fits)[0] == "HTTP/1.1 200 OK"
    for message in (whole, target, upgrade):
        assert _said(port, message)[0] == "HTTP/1.1 431 Request Header Fields Too Large"
    endless = [b"GET / HTTP/1.1\r\nhost: x\r\n", *(b"a%d: %s\r\n" % (n, b"x" * 1000) for n in range(50))]
    assert _said(port, *endless, pause=0.01)[0] in {"HTTP/1.1 431 Request Header Fields Too Large", ""}
    assert _status(port) == 200


@pytest.mark.slow
def test_slow_headers_and_silent_connections_are_cut_off_while_others_are_served(web: Any, port: int) -> None:
    web(HEADER_TIMEOUT="1s")
    loris = [socket.create_connection(("127.0.0.1", port), 10) for _ in range(20)]
    silent, begun = loris[:10], loris[10:]
    begin = time.monotonic()
    for one in begun:
        one.sendall(b"GET / HTTP/1.1\r\nhost: x\r\n")
    for _ in range(6):
        for one in begun:
            try:
                one.sendall(b"a: b\r\n")  # a byte now and then buys no time
            except OSError:
                continue
        assert _status(port) == 200
        time.sleep(0.25)
    assert all(one.recv(100) == b"" for one in silent)
    answers = [_rest(one) for one in begun]
    assert set(answers) <= {b"HTTP/1.1 408 Request Timeout", b""}
    assert b"HTTP/1.1 408 Request Timeout" in answers
    assert time.monotonic() - begin < 4
    for one in loris:
        one.close()


def _rest(connection: socket.socket) -> bytes:
    try:
        return connection.recv(4096).split(b"\r\n", 1)[0]
    except ConnectionResetError:  # it wrote on after the end
        return b""


@pytest.mark.slow
def test_a_kept_connection_may_be_idle_and_a_request_may_come_in_pieces(web: Any, port: int) -> None:
    web(HEADER_TIMEOUT="1s")
    with socket.create_connection(("127.0.0.1", port), 10) as connection:
        for _ in range(2):
            for piece in (b"GET / HTTP/1.1\r\nho", b"st: x\r\n", b"\r\n"):
                connection.sendall(piece)
                time.sleep(0.2)
            assert connection.recv(4096).startswith(b"HTTP/1.1 200")
            time.sleep(1.3)


@pytest.mark.slow
def test_a_body_must_come_at_some_speed(web: Any, port: int) -> None:
    web(BODY_TIMEOUT="1s", BODY_MIN_RATE="100")
    head = b"POST / HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 500\r\n\r\n"
    assert _said(port, head, *[b"x" * 50] * 10, pause=0.15)[0] == "HTTP/1.1 200 OK"  # 330 bytes/s
    said, seconds = _said(port, head, *[b"x"] * 5, pause=0.15)
    assert said == "HTTP/1.1 408 Request Timeout"
    assert 0.9 < seconds < 3


@pytest.mark.slow
def test_a_client_that_does_not_read_is_cut_off(web: Any, port: int) -> None:
    web(SEND_TIMEOUT="1s")
    with socket.create_connection(("127.0.0.1", port), 10) as connection:
        connection.sendall(b"GET /big HTTP/1.1\r\nhost: x\r\n\r\n")
        time.sleep(2.5)
        received = 0
        with suppress(ConnectionResetError):
            while part := connection.recv(65536):
                received += len(part)
        assert received < 40_000_000
    with socket.create_connection(("127.0.0.1", port), 10) as connection:  # one that reads, and is slower than a second
        connection.sendall(b"GET /big HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        received, begin = 0, time.monotonic()
        while part := connection.recv(1_000_000):
            received += len(part)
            time.sleep(0.03)
        assert received > 40_000_000
        assert time.monotonic() - begin > 1


def test_a_body_is_measured_whatever_it_announces(web: Any, port: int) -> None:
    web(BODY_MAX_MB="1", UPLOAD_MAX_MB="2")
    json = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
    announced = json + b"content-length: 1048577\r\n\r\n"
    begin = time.monotonic()
    assert _said(port, announced)[0] == "HTTP/1.1 413 Request Entity Too Large"
    assert time.monotonic() - begin < 2, "it waited for the body"
    waits = announced.replace(b"\r\n\r\n", b"\r\nexpect: 100-continue\r\n\r\n")
    assert _said(port, waits)[0] == "HTTP/1.1 413 Request Entity Too Large"
    chunk = b"%x\r\n%s\r\n" % (100_000, b"x" * 100_000)
    chunked = json + b"transfer-encoding: chunked\r\nconnection: close\r\n\r\n"
    assert _said(port, chunked + chunk * 10 + b"0\r\n\r\n")[0] == "HTTP/1.1 200 OK"
    assert _said(port, chunked, *[chunk] * 11, pause=0.02)[0] == "HTTP/1.1 413 Request Entity Too Large"
    file = (
        b"POST / HTTP/1.1\r\nhost: x\r\ncontent-type: audio/wav\r\nconnection: close\r\ncontent-length: 1500000\r\n\r\n"
    )
    assert _said(port, file + b"x" * 1_500_000)[0] == "HTTP/1.1 200 OK"
    assert _status(port) == 200


def test_everything_can_be_switched_off(web: Any, port: int) -> None:
    web(SLIPWAY_OVERLAY_OFF="limits", HEADERS_MAX_KB="4", BODY_MAX_MB="1", HEADER_TIMEOUT="100ms")
    long = b"GET / HTTP/1.1\r\nhost: x\r\na: " + b"x" * 50_000 + b"\r\n"
    assert _said(port, long, b"\r\n", pause=0.3)[0] == "HTTP/1.1 200 OK"
    big = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-type: text/plain\r\ncontent-length: 1500000\r\n\r\n"
    assert _said(port, big + b"x" * 1_500_000)[0] == "HTTP/1.1 200 OK"
