"""Web: HTTPS and WebSocket questions as a client from outside would ask them."""

import socket
import ssl
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from slipway.errors import Refused, Unreachable, UsageError
from slipway.ports import Answer

_PORTS = {"https": 443, "http": 80, "wss": 443, "ws": 80}
_LARGEST_BODY = 32 << 20


class WebClient:
    """Port `Web` over httpx and websockets.

    `ca_file` is trusted besides the system's authorities (the rehearsal's throwaway CA). `address` replaces DNS for
    every host name: names below `.localhost` resolve to loopback in browsers only, not in the C library.
    """

    def __init__(self, *, ca_file: Path | None = None, address: str | None = None, timeout: float = 15.0) -> None:
        self._ca_file = ca_file
        self._address = address
        self._timeout = timeout

    def ask(
        self, method: str, url: str, *, json: object | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Send one request without following redirects. Raises `Unreachable` when no HTTP answer came in time."""
        import httpx

        host, port = _host_and_port(url)
        sent = dict(headers or {})
        extensions: dict[str, str] = {}
        target = httpx.URL(url)
        if self._address:
            sent["Host"] = target.netloc.decode()
            extensions["sni_hostname"] = host
            target = target.copy_with(host=self._address)
        context = self._context()
        deadline = time.monotonic() + self._timeout
        try:
            with (
                httpx.Client(verify=context, timeout=self._timeout, trust_env=False) as client,
                client.stream(method, target, json=json, headers=sent, extensions=extensions) as answer,
            ):
                body = _body(answer.iter_bytes(), deadline)
                text = _text(body, answer.charset_encoding)
                return Answer(answer.status_code, {k.lower(): v for k, v in answer.headers.items()}, text)
        except (httpx.HTTPError, TimeoutError) as error:
            raise Unreachable(
                f"{method} {url}: {_words(error)}",
                hint=f"is the proxy running, and does the name lead to it ({self._address or host}, port {port})?",
            ) from error

    def first_message(self, url: str, seconds: float, *, origin: str | None = None) -> str:
        """Open a WebSocket and return its first text message. Raises `Unreachable` when none came in time.

        `origin` is the page that would open it; raises `Refused` when the server answers 403 to it.
        """
        from websockets.exceptions import InvalidStatus, WebSocketException
        from websockets.sync.client import connect
        from websockets.typing import Origin

        host, port = _host_and_port(url)
        secure = urlsplit(url).scheme == "wss"
        context = self._context() if secure else None
        deadline = time.monotonic() + seconds
        try:
            raw = socket.create_connection((self._address or host, port), timeout=seconds)
            with connect(
                url,
                sock=raw,
                ssl=context,
                server_hostname=host if secure else None,
                origin=Origin(origin) if origin else None,
                open_timeout=max(0.0, deadline - time.monotonic()),
                close_timeout=2,
            ) as opened:
                while not isinstance(message := opened.recv(timeout=max(0.0, deadline - time.monotonic())), str):
                    continue  # a binary message is none that was asked for
                return message
        except InvalidStatus as error:
            if origin and error.response.status_code == 403:
                raise Refused(
                    f"a page of {origin} may not open this WebSocket: HTTP 403",
                    where=url,
                    hint="does its routing compare the origin with ALLOWED_HOSTS, or with a list that lacks it?",
                ) from error
            raise Unreachable(f"WebSocket {url}: {error}", hint="does the proxy pass upgrades on?") from error
        except (OSError, WebSocketException) as error:  # TimeoutError is an OSError
            raise Unreachable(f"WebSocket {url}: {_words(error)}", hint="does the proxy pass upgrades on?") from error

    def _context(self) -> ssl.SSLContext:
        context = ssl.create_default_context()
        if self._ca_file:
            try:
                context.load_verify_locations(cafile=str(self._ca_file))
            except (OSError, ssl.SSLError) as error:
                raise UsageError(f"no CA certificates can be read: {error}", where=str(self._ca_file)) from error
        return context


def _host_and_port(url: str) -> tuple[str, int]:
    try:
        parts = urlsplit(url)
        if parts.hostname and parts.scheme in _PORTS:
            return parts.hostname, parts.port or _PORTS[parts.scheme]
    except ValueError as error:
        raise UsageError(f"is no address: {error}", where=url) from error
    raise UsageError(f"is no address of the kinds {', '.join(_PORTS)}", where=url)


def _body(chunks: Iterable[bytes], deadline: float) -> bytes:
    """Collect an answer; the client's own timeout bounds every single wait, this bounds the whole."""
    body = bytearray()
    for chunk in chunks:
        body += chunk
        if len(body) > _LARGEST_BODY:
            raise TimeoutError(f"the answer is larger than {_LARGEST_BODY >> 20} MiB")
        if time.monotonic() > deadline:
            raise TimeoutError("the answer did not end in time")
    return bytes(body)


def _text(body: bytes, charset: str | None) -> str:
    try:
        return body.decode(charset or "utf-8", errors="replace")
    except LookupError:  # a server may name any charset
        return body.decode(errors="replace")


def _words(error: Exception) -> str:
    return str(error) or type(error).__name__
