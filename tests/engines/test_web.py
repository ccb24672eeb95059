import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import MappingProxyType
from typing import ClassVar

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection, serve

from slipway.engines.web import WebClient
from slipway.errors import Refused, Unreachable, UsageError
from slipway.rehearsal.certificates import throwaway_certificates

DOMAIN = "zamio.localhost"
API = f"api.{DOMAIN}"


PAGES: dict[str, tuple[int, bytes, dict[str, str]]] = {
    "/forbidden": (403, b"", {}),
    "/redirect": (302, b"", {"Location": "https://elsewhere.example/"}),
    "/latin": (200, "größer".encode("latin-1"), {"Content-Type": "text/plain; charset=latin-1"}),
    "/klingon": (200, b"gro\xc3\x9f \xff", {"Content-Type": "text/plain; charset=klingon"}),
    "/cookies": (503, b"no", {"Set-Cookie": "a=1", "X-Mixed-CASE": "Kept"}),
}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    seen: ClassVar[list[tuple[str, str, dict[str, str], bytes]]] = []

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.seen.append((self.command, self.path, {k.lower(): v for k, v in self.headers.items()}, body))
        self.close_connection = True
        match self.path:
            case "/slow":
                time.sleep(1.5)
            case "/dripping":
                self._answer(200, b"", length=1000)
                self._pour(b"x", 0.1)
            case "/endless":
                self._answer(200, b"", length=1 << 40)
                self._pour(b"x" * (1 << 20), 0)
            case "/half":
                self._answer(200, b"half", length=1000)
            case path:
                status, text, headers = PAGES.get(path, (200, b"hello", {}))
                self._answer(status, text, headers)

    def do_POST(self) -> None:
        self.do_GET()

    def _pour(self, data: bytes, pause: float) -> None:
        with suppress(OSError):  # until the client hangs up
            while True:
                self.wfile.write(data)
                time.sleep(pause)

    def _answer(
        self, status: int, body: bytes, headers: Mapping[str, str] = MappingProxyType({}), *, length: int | None = None
    ) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """A client that hangs up is what some tests are about."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tls")
    made = throwaway_certificates(DOMAIN, (DOMAIN, API))
    (folder / "ca.pem").write_bytes(made.authority)
    (folder / "server.pem").write_bytes(made.certificate)
    (folder / "server.key").write_bytes(made.key)
    (folder / "other.pem").write_bytes(throwaway_certificates(DOMAIN, (API,)).authority)
    return folder


@pytest.fixture(scope="module")
def tls(folder: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem", folder / "server.key")
    return context


@contextmanager
def serving(server: Server) -> Iterator[int]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def https(tls: ssl.SSLContext) -> Iterator[int]:
    Handler.seen.clear()
    server = Server(("127.0.0.1", 0), Handler)
    server.socket = tls.wrap_socket(server.socket, server_side=True)
    with serving(server) as port:
        yield port


@pytest.fixture
def client(folder: Path) -> WebClient:
    return WebClient(ca_file=folder / "ca.pem", address="127.0.0.1", timeout=5)


def test_a_name_below_localhost_is_asked_with_its_own_certificate(client: WebClient, https: int) -> None:
    answer = client.ask("GET", f"https://{API}:{https}/health/?a=1", headers={"X-Test": "1"})
    assert (answer.status, answer.body) == (200, "hello")
    method, path, headers, _ = Handler.seen[0]
    assert (method, path, headers["host"], headers["x-test"]) == ("GET", "/health/?a=1", f"{API}:{https}", "1")


def test_upper_case_names_are_asked_too(client: WebClient, https: int) -> None:
    assert client.ask("GET", f"https://API.Zamio.localhost:{https}/").status == 200
    assert Handler.seen[0][2]["host"] == f"{API}:{https}"


def test_json_is_sent(client: WebClient, https: int) -> None:
    client.ask("POST", f"https://{API}:{https}/login", json={"user": "ä"})
    method, _, headers, body = Handler.seen[0]
    assert (method, headers["content-type"], json.loads(body)) == ("POST", "application/json", {"user": "ä"})


def test_errors_are_answers_and_headers_are_lower_case(client: WebClient, https: int) -> None:
    answer = client.ask("GET", f"https://{API}:{https}/cookies")
    assert (answer.status, answer.body) == (503, "no")
    assert answer.headers["set-cookie"] == "a=1"
    assert answer.headers["x-mixed-case"] == "Kept"


def test_a_redirect_is_not_followed(client: WebClient, https: int) -> None:
    answer = client.ask("GET", f"https://{API}:{https}/redirect")
    assert (answer.status, answer.headers["location"]) == (302, "https://elsewhere.example/")
    assert len(Handler.seen) == 1


@pytest.mark.parametrize(("path", "body"), [("/latin", "größer"), ("/klingon", "groß \ufffd")])
def test_bodies_are_text_whatever_charset_they_claim(client: WebClient, https: int, path: str, body: str) -> None:
    assert client.ask("GET", f"https://{API}:{https}{path}").body == body


def test_the_system_proxy_is_not_used(client: WebClient, https: int, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert client.ask("GET", f"https://{API}:{https}/").status == 200


def refused(act: Callable[[], object], words: str) -> Unreachable:
    with pytest.raises(Unreachable, match=words) as raised:
        act()
    return raised.value


def test_another_authority_is_refused(folder: Path, https: int) -> None:
    stranger = WebClient(ca_file=folder / "other.pem", address="127.0.0.1")
    refused(lambda: stranger.ask("GET", f"https://{API}:{https}/"), "CERTIFICATE_VERIFY_FAILED")
    refused(lambda: WebClient(address="127.0.0.1").ask("GET", f"https://{API}:{https}/"), "CERTIFICATE_VERIFY_FAILED")
    assert Handler.seen == []


def test_a_certificate_for_another_name_is_refused(client: WebClient, https: int) -> None:
    refused(lambda: client.ask("GET", f"https://other.{DOMAIN}:{https}/"), "Hostname mismatch")


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def test_a_closed_port_is_refused(client: WebClient) -> None:
    port = free_port()
    error = refused(lambda: client.ask("GET", f"https://{API}:{port}/"), "refused")
    assert f"https://{API}:{port}/" in error.message
    assert "127.0.0.1" in error.hint
    refused(lambda: client.first_message(f"wss://{API}:{port}/ws/", 2), "refused")


@pytest.mark.parametrize("path", ["/slow", "/dripping"])
def test_an_answer_has_a_deadline(folder: Path, https: int, path: str) -> None:
    hasty = WebClient(ca_file=folder / "ca.pem", address="127.0.0.1", timeout=0.5)
    begin = time.monotonic()
    refused(lambda: hasty.ask("GET", f"https://{API}:{https}{path}"), "time")
    assert time.monotonic() - begin < 1.4


def test_an_endless_answer_ends(folder: Path, https: int) -> None:
    patient = WebClient(ca_file=folder / "ca.pem", address="127.0.0.1", timeout=30)
    refused(lambda: patient.ask("GET", f"https://{API}:{https}/endless"), "larger than 32 MiB")


def test_half_an_answer_is_none(client: WebClient, https: int) -> None:
    refused(
        lambda: client.ask("GET", f"https://{API}:{https}/half"), "without sending complete message body|incomplete"
    )


def test_tls_spoken_to_a_plain_port_is_no_answer(client: WebClient) -> None:
    Handler.seen.clear()
    with serving(Server(("127.0.0.1", 0), Handler)) as port:
        assert client.ask("GET", f"http://{API}:{port}/").body == "hello"
        refused(lambda: client.ask("GET", f"https://{API}:{port}/"), "SSL|TLS")


@pytest.mark.parametrize(
    "url", ["", "api.zamio.localhost", "ftp://x/", "https://", "https://x:99999/", "https://[::1/"]
)
def test_what_is_no_address_is_wrong_use(client: WebClient, url: str) -> None:
    with pytest.raises(UsageError):
        client.ask("GET", url)
    with pytest.raises(UsageError):
        client.first_message(url, 1)


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_a_ca_file_that_is_none_is_named(tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_text(content)
    broken = WebClient(ca_file=file, address="127.0.0.1")
    for act in (lambda: broken.ask("GET", f"https://{API}/"), lambda: broken.first_message(f"wss://{API}/", 1)):
        with pytest.raises(UsageError) as raised:
            act()
        assert raised.value.where == str(file)


def speak(connection: ServerConnection) -> None:
    assert connection.request is not None
    match connection.request.path:
        case "/text":
            connection.send("hello")
        case "/origin":
            connection.send(str(connection.request.headers.get("Origin")))
        case "/binary-first":
            connection.send(b"\x00\x01")
            connection.send("then text")
        case "/only-binary":
            with suppress(ConnectionClosed):
                while True:
                    connection.send(b"x")
                    time.sleep(0.05)
        case "/silent":
            time.sleep(1)
        case "/huge":
            connection.send("x" * (2 << 20))


@pytest.fixture
def wss(tls: ssl.SSLContext) -> Iterator[int]:
    with serve(speak, "127.0.0.1", 0, ssl=tls) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.socket.getsockname()[1]
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(("path", "message"), [("/text", "hello"), ("/binary-first", "then text")])
def test_the_first_text_message_of_a_websocket(client: WebClient, wss: int, path: str, message: str) -> None:
    assert client.first_message(f"wss://{API}:{wss}{path}", 5) == message


@pytest.mark.parametrize(
    ("path", "words"), [("/silent", "timed out"), ("/only-binary", "timed out"), ("/close", "1000")]
)
def test_a_websocket_that_says_nothing(client: WebClient, wss: int, path: str, words: str) -> None:
    begin = time.monotonic()
    refused(lambda: client.first_message(f"wss://{API}:{wss}{path}", 0.6), words)
    assert time.monotonic() - begin < 4


def test_a_message_beyond_all_measure_is_refused(client: WebClient, wss: int) -> None:
    refused(lambda: client.first_message(f"wss://{API}:{wss}/huge", 3), "1009|too big|exceeds")


def test_a_websocket_checks_the_certificate(folder: Path, wss: int, client: WebClient) -> None:
    stranger = WebClient(ca_file=folder / "other.pem", address="127.0.0.1")
    refused(lambda: stranger.first_message(f"wss://{API}:{wss}/text", 2), "CERTIFICATE_VERIFY_FAILED")
    refused(lambda: client.first_message(f"wss://other.{DOMAIN}:{wss}/text", 2), "Hostname mismatch")


def test_a_web_server_is_no_websocket(client: WebClient, https: int) -> None:
    refused(lambda: client.first_message(f"wss://{API}:{https}/", 2), "200")
    refused(lambda: client.first_message(f"wss://{API}:{https}/redirect", 2), "302|redirect")


@pytest.mark.parametrize("origin", [None, "https://admin.zamio.localhost"])
def test_the_origin_of_a_websocket_is_that_of_the_page(client: WebClient, wss: int, origin: str | None) -> None:
    assert client.first_message(f"wss://{API}:{wss}/origin", 20, origin=origin) == str(origin)


def test_an_origin_that_may_not_open_a_websocket_is_refused(client: WebClient, https: int) -> None:
    with pytest.raises(Refused, match=r"a page of https://admin\.zamio\.localhost may not open") as raised:
        client.first_message(f"wss://{API}:{https}/forbidden", 2, origin="https://admin.zamio.localhost")
    assert raised.value.where == f"wss://{API}:{https}/forbidden"
    refused(lambda: client.first_message(f"wss://{API}:{https}/forbidden", 2), "403")


def test_a_server_that_hangs_up_is_no_websocket(client: WebClient) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def hang_up() -> None:
            server.accept()[0].close()

        thread = threading.Thread(target=hang_up)
        thread.start()
        port = server.getsockname()[1]
        refused(lambda: client.first_message(f"ws://{API}:{port}/", 2), "WebSocket")
        thread.join()
