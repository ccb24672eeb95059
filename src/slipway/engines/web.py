"""Web: HTTPS and WebSocket questions as a client from outside would ask them."""

import socket
import ssl
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from slipway.errors import Unreachable
from slipway.ports import Answer


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
        """Send one request without following redirects. Raises `Unreachable` when no HTTP answer came."""
        import httpx

        parts = urlsplit(url)
        host = parts.hostname or ""
        sent = dict(headers or {})
        extensions: dict[str, str] = {}
        if self._address:
            sent["Host"] = parts.netloc
            extensions["sni_hostname"] = host
            url = parts._replace(netloc=parts.netloc.replace(host, self._address, 1)).geturl()
        try:
            with httpx.Client(verify=self._context(), timeout=self._timeout, trust_env=False) as client:
                answer = client.request(method, url, json=json, headers=sent, extensions=extensions)
        except httpx.HTTPError as error:
            raise Unreachable(
                f"{method} {parts.geturl()}: {_words(error)}",
                hint="is the proxy running, and does the name lead to it?",
            ) from error
        return Answer(answer.status_code, {k.lower(): v for k, v in answer.headers.items()}, answer.text)

    def first_message(self, url: str, seconds: float) -> str:
        """Open a WebSocket and return its first text message. Raises `Unreachable` when none came in time."""
        from websockets.exceptions import WebSocketException
        from websockets.sync.client import connect

        parts = urlsplit(url)
        secure = parts.scheme == "wss"
        port = parts.port or (443 if secure else 80)
        try:
            raw = socket.create_connection((self._address or parts.hostname or "", port), timeout=seconds)
            with connect(
                url,
                sock=raw,
                ssl=self._context() if secure else None,
                server_hostname=parts.hostname if secure else None,
                open_timeout=seconds,
                close_timeout=2,
            ) as opened:
                return str(opened.recv(timeout=seconds))
        except (OSError, TimeoutError, WebSocketException) as error:
            raise Unreachable(f"WebSocket {url}: {_words(error)}") from error

    def _context(self) -> ssl.SSLContext:
        context = ssl.create_default_context()
        if self._ca_file:
            context.load_verify_locations(cafile=str(self._ca_file))
        return context


def _words(error: Exception) -> str:
    return str(error) or type(error).__name__
