"""Coolify's HTTP API as a line that can be trusted: address, token, version, limits, retries, errors.

What is retried: a GET after a lost connection or a 5xx, anything after a 429 (it was not processed) or when no
connection came about (it was never sent). A POST, PATCH or DELETE that got no answer is never repeated here.
"""

import logging
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from slipway.engines.coolify.errors import Caller, NoAnswer, NotFound, Reply, Uncertain, clean, error_for
from slipway.errors import SlipwayError, Unreachable, UsageError
from slipway.secret import Mask, Secret

if TYPE_CHECKING:
    import ssl

    import httpx

_OLDEST = (4, 2)
_VERSION = re.compile(r"v?(\d+)\.(\d+)[\w.+-]{0,40}")
_LARGEST_BODY = 64 * 1024 * 1024
_SLOWEST_BODY = 120.0


@dataclass(frozen=True, slots=True)
class Patience:
    """How long the client waits, in seconds; the names say for what."""

    answer: float = 30.0
    connection: float = 10.0
    retries: float = 30.0
    rate_limit: float = 130.0
    queue: float = 900.0
    pull: float = 900.0
    poll: float = 2.0
    appear: float = 10.0


@dataclass(frozen=True, slots=True)
class Time:
    """The clock and the way to wait; tests bring their own."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


@dataclass(frozen=True, slots=True)
class _Request:
    """One request: `line` is its quoted path, `wait` how many seconds a 429 may be waited out."""

    method: str
    line: str
    wait: float
    body: Mapping[str, Any] | None = None
    query: Mapping[str, str | int] | None = None

    @property
    def name(self) -> str:
        return f"{self.method} {self.line}"


def api_address(base_url: str) -> str:
    """Return `<scheme>://<host>[:port][/path]/api/v1` for an instance's address, with or without `/api/v1`.

    Raises `UsageError` for what is no http(s) address.
    """
    parts = urlsplit(base_url.strip())
    try:
        fine = parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        fine = False
    if not fine or parts.query or parts.fragment or "@" in parts.netloc:
        raise UsageError(
            f"{clean(base_url.rpartition('@')[2])!r} is no address of a Coolify instance",
            hint="write it as https://coolify.example.org, without user, query or fragment",
        )
    path = parts.path.rstrip("/").removesuffix("/api/v1")
    return f"{parts.scheme}://{parts.netloc}{path}/api/v1"


class Api:
    """Requests to one instance. The first one asks for the version and refuses what is older than 4.2."""

    def __init__(
        self,
        base_url: str,
        token: Secret,
        *,
        token_source: str,
        ca_file: Path | None = None,
        patience: Patience | None = None,
        clock: Time | None = None,
        mask: Mask | None = None,
        transport: "httpx.BaseTransport | None" = None,
    ) -> None:
        self.patience = patience or Patience()
        self.time = clock or Time()
        self.mask = mask or Mask()
        self.mask.add([token, Secret(token.reveal().partition("|")[2])])
        self.caller = Caller(api_address(base_url), token_source, self.mask, token_has_number="|" in token.reveal())
        self._token = token
        self._ca_file = ca_file
        self._transport = transport
        self._client: httpx.Client | None = None
        self._version = ""

    def close(self) -> None:
        """Give the connections back."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def version(self) -> str:
        """Return the instance's version (`4.3.11`). Raises `UsageError` below 4.2 or where no Coolify answers."""
        if not self._version:
            text = self._exchange(_Request("GET", "/version", self.patience.rate_limit)).text.strip()
            found = _VERSION.fullmatch(text)
            if not found:
                raise UsageError(
                    f"this is no Coolify: /version answered {self.caller.show(text)[:60]!r}",
                    where=self.caller.address,
                    hint="the address is the one in the browser when Coolify's dashboard is open",
                )
            if (int(found[1]), int(found[2])) < _OLDEST:
                raise UsageError(
                    f"Coolify {text} is too old: Slipway needs 4.2 or newer",
                    where=self.caller.address,
                    hint="update Coolify (Settings -> Update), then run this again",
                )
            self._version = text
        return self._version

    def get(self, *path: str, **query: str | int) -> Any:
        """Return the JSON at `path` (its parts are quoted here). Raises `NotFound`, `NoAnswer` and the other errors."""
        return self._json(_Request("GET", _line(path), self.patience.rate_limit, query=query))

    def send(self, method: str, *path: str, body: Mapping[str, Any] | None = None, wait: float | None = None) -> Any:
        """Send a POST, PATCH or DELETE once and return the JSON answered.

        `wait` is how many seconds a 429 may be waited out. Raises `Uncertain` when it may have taken effect unanswered.
        """
        return self._json(_Request(method, _line(path), self.patience.rate_limit if wait is None else wait, body))

    def _json(self, request: _Request) -> Any:
        self.version()
        reply = self._exchange(request)
        try:
            return reply.json()
        except ValueError as error:
            kind = NoAnswer if request.method == "GET" else Uncertain
            raise kind(
                f"answered something that is no JSON: {self.caller.show(reply.text)[:80]!r}",
                where=self._where(request),
                hint="does a proxy or a log-in page stand before Coolify?",
            ) from error

    def _where(self, request: _Request) -> str:
        return f"{self.caller.address} ({request.name})"

    def _exchange(self, request: _Request) -> Reply:
        if request.method != "GET":
            return self._through_limits(request)
        import stamina

        # Without a handler of its own, the library's notes about retries would reach stderr in Python's last resort.
        logging.getLogger("stamina").addHandler(logging.NullHandler())
        for attempt in stamina.retry_context(on=NoAnswer, attempts=5, timeout=self.patience.retries, wait_initial=0.3):
            with attempt:
                return self._through_limits(request)
        raise AssertionError("the last attempt returns or raises")

    def _through_limits(self, request: _Request) -> Reply:
        until = self.time.now() + request.wait
        while True:
            reply = self._once(request)
            if reply.status < 300:
                return reply
            if reply.status != 429:
                raise error_for(reply, request.method, request.line, self.caller)
            pause = retry_after(reply)
            if self.time.now() + pause > until:
                said = self.caller.show(reply.text)
                raise Unreachable(
                    f"is too busy ({said}) and asks to wait {pause:.0f} s",
                    where=self._where(request),
                    hint="wait until other deployments and runs with this token are over, then run this again",
                )
            self.time.sleep(pause)

    def _once(self, request: _Request) -> Reply:
        import httpx

        where = self._where(request)
        begin = self.time.now()
        try:
            with self._open().stream(
                request.method, request.line.lstrip("/"), json=request.body, params=dict(request.query or {})
            ) as response:
                chunks, size = [], 0
                for chunk in response.iter_bytes():
                    size += len(chunk)
                    if size > _LARGEST_BODY or self.time.now() - begin > _SLOWEST_BODY:
                        raise Unreachable("sends an answer without an end", where=where)
                    chunks.append(chunk)
                return Reply(response.status_code, dict(response.headers), b"".join(chunks))
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise self._no_connection(error, where) from error
        except (httpx.TransportError, httpx.DecodingError) as error:
            reason = self.caller.show(str(error) or type(error).__name__)
            if request.method == "GET":
                raise NoAnswer(f"did not answer: {reason}", where=where) from error
            raise Uncertain(
                f"did not answer: {reason}; whether the request took effect is unknown",
                where=where,
                hint="run this again: it looks at what exists before it acts",
            ) from error

    def _no_connection(self, error: Exception, where: str) -> SlipwayError:
        text = self.caller.show(str(error) or type(error).__name__)
        if "CERTIFICATE" in text.upper():
            return Unreachable(
                f"shows a certificate that is not trusted: {text}",
                where=where,
                hint="give the file of the authority that signed it as the CA file of this environment",
            )
        return NoAnswer(
            f"cannot be reached: {text}",
            where=where,
            hint="is the address right, is Coolify running, does a firewall stand between?",
        )

    def _open(self) -> "httpx.Client":
        if self._client is None:
            import httpx

            token = self._token.reveal()
            if not re.fullmatch(r"[\x21-\x7e]+", token):
                raise UsageError(
                    f"the Coolify token from {self.caller.token_source} is empty or has characters no token has",
                    hint="copy it whole, in one line: 12|abc...",
                )
            try:
                self._client = self._new_client(token)
            except httpx.InvalidURL as error:
                raise UsageError(f"no address of a Coolify instance: {error}", where=self.caller.address) from error
        return self._client

    def _new_client(self, token: str) -> "httpx.Client":
        import httpx

        host = urlsplit(self.caller.address).hostname or ""
        return httpx.Client(
            base_url=self.caller.address,
            headers={"Authorization": f"Bearer {token}", "Accept": "application/json", "User-Agent": "slipway"},
            timeout=httpx.Timeout(self.patience.answer, connect=self.patience.connection),
            verify=trusted(self._ca_file) if self.caller.address.startswith("https:") else True,
            transport=self._transport,
            # A proxy named in the machine's settings leads to the world, never to this machine itself.
            trust_env=host not in {"127.0.0.1", "localhost", "::1"},
        )


def _line(path: tuple[str, ...]) -> str:
    return "/" + "/".join(quote(part, safe="") for part in path)


def trusted(ca_file: Path | None) -> "ssl.SSLContext":
    """Return a TLS context with the system's authorities, httpx's own and those of `ca_file` (PEM)."""
    import ssl

    import certifi

    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    if ca_file is not None:
        try:
            context.load_verify_locations(ca_file)
        except (OSError, ssl.SSLError) as error:
            raise UsageError(
                f"no certificates can be read from it: {error}", where=str(ca_file), hint="it has to be a PEM file"
            ) from error
    return context


def retry_after(reply: Reply) -> float:
    """Return the seconds a 429 asks to wait; 5 where it does not say so in a whole number."""
    text = reply.headers.get("retry-after", "")
    return float(max(1, int(text))) if re.fullmatch(r"\d{1,6}", text) else 5.0


def as_object(value: Any, what: str) -> dict[str, Any]:
    """Return `value` as a JSON object. Raises `Unreachable` when Coolify answered something else."""
    if isinstance(value, dict):
        return value
    raise Unreachable(f"Coolify answered {type(value).__name__} where {what} was expected")


def as_list(value: Any, what: str) -> list[dict[str, Any]]:
    """Return the objects of a list. PHP writes a list with gaps in its keys as an object; both are taken."""
    items = list(value.values()) if isinstance(value, dict) else value
    if isinstance(items, list) and all(isinstance(item, dict) for item in items):
        return items
    raise Unreachable(f"Coolify answered {type(value).__name__} where a list of {what} was expected")


def text_of(record: Mapping[str, Any], name: str) -> str:
    """Return a field as text, "" where it is missing or null."""
    value = record.get(name)
    return "" if value is None else str(value)


__all__ = ["Api", "NotFound", "Patience", "Time", "api_address", "as_list", "as_object", "text_of", "trusted"]
