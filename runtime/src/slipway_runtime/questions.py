"""The probe's questions: each origin to each name of the API, with and without X-Forwarded-Proto; and the health's."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from slipway_runtime.conf.origins import FOREIGN

UNSAFE = ("POST", "PUT", "PATCH", "DELETE")
HEADERS = ("authorization", "content-type", "x-csrftoken")
"""What a portal's requests carry beyond what a browser sends by itself."""
_HINTS = {
    "probe.host": "ALLOWED_HOSTS must have the name",
    "probe.csrf": "CSRF_TRUSTED_ORIGINS must have the origin, as a browser writes it",
    "probe.cors": "CORS_ALLOWED_ORIGINS must have the origin, and CorsMiddleware must be the project's first",
    "probe.redirect": "FORWARDED_ALLOW_IPS must have the proxy; the health path must be SLIPWAY_HEALTH_PATH",
    "probe.wide": "every site could do this",
    "probe.health": "SLIPWAY_HEALTH_PATH and SLIPWAY_HEALTH_HOST are what the container asks itself for",
    "probe.cookie": "CSRF_COOKIE_SECURE=true",
    "probe.error": "a middleware of the project raises",
}


@dataclass(frozen=True, slots=True)
class Issue:
    """One thing that would not work, or is wrong already."""

    id: str
    severity: str
    subject: str
    where: str
    message: str
    hint: str


@dataclass(frozen=True, slots=True)
class Names:
    """Who asks for what: origins (scheme and host), names of the API, names that the health check asks for."""

    origins: tuple[str, ...]
    api_hosts: tuple[str, ...]
    health_hosts: tuple[str, ...]
    health_path: str = "/health/"


class Questions:
    """Asks all of them when it is made; Django must be set up."""

    def __init__(self, settings: Any, names: Names) -> None:
        from django.test.client import ClientHandler

        from slipway_runtime.probe_urls import PATH

        self.handler = ClientHandler(enforce_csrf_checks=True)  # one for all: it loads the middleware
        self.settings = settings
        self.names = names
        self.path = "/" + PATH
        self.peer = str(next(iter(settings.SLIPWAY.get("trusted_proxies", ())), "127.0.0.1/32")).split("/")[0]
        self.asked = 0
        self.wrong: dict[tuple[str, str], list[str]] = {}
        for ask in (self._hosts, self._origins, self._strangers, self._health):
            ask()

    def issues(self) -> Iterable[Issue]:
        """Yield one issue for what is wrong with a pair of origin and host, with all the requests that show it."""
        for (identity, where), messages in self.wrong.items():
            told = "; ".join(dict.fromkeys(messages))
            yield Issue(identity, "error", "probe", where, told, _HINTS[identity])

    def _note(self, identity: str, where: str, message: str) -> None:
        self.wrong.setdefault((identity, where), []).append(message)

    def _ask(self, method: str, path: str, host: str, proto: str | None, client: Any = None, **headers: str) -> Any:
        self.asked += 1
        if proto:
            headers["HTTP_X_FORWARDED_PROTO"] = proto
        asker = client or self._client()
        body = "{}" if method in UNSAFE else ""
        extra = {"HTTP_HOST": host, "REMOTE_ADDR": self.peer, **headers}
        return asker.generic(method, path, body, content_type="application/json", **extra)

    def _client(self) -> Any:
        from django.test import Client

        client = Client(raise_request_exception=False)
        client.handler = self.handler
        return client

    def _judge(self, answer: Any, where: str, what: str, host: str, proto: str | None, path: str) -> bool:
        """Note what is wrong with a request that should be answered; True when it was answered, not redirected."""
        status = answer.status_code
        if status in (301, 302, 307, 308):
            target = urlsplit(answer.headers.get("Location", ""))
            if proto or (target.scheme, target.netloc, target.path) != ("https", host, path):
                reason = "for ever" if target.path == path else f"to {target.scheme}://{target.netloc}{target.path}"
                self._note("probe.redirect", where, f"{what} is redirected {reason} ({status})")
            return False
        kind = {400: "probe.host", 403: "probe.csrf"}.get(status, "probe.error")
        if status not in (200, 204):
            self._note(kind, where, f"{what} is answered with {status}")
        return status in (200, 204)

    def _hosts(self) -> None:
        for host in self.names.api_hosts:
            for proto in ("https", None):
                answer = self._ask("GET", self.path, host, proto)
                self._judge(answer, host, f"GET {_told(proto)}", host, proto, self.path)

    def _origins(self) -> None:
        for host in self.names.api_hosts:
            # The API's own pages, such as Django's admin, are an origin too; CORS does not concern them.
            own = f"https://{host}"
            for origin in dict.fromkeys((*self.names.origins, own)):
                for proto in ("https", None):
                    self._unsafe(origin, host, proto, own=origin == own)
                    if origin != own:
                        self._preflight(origin, host, proto)

    def _unsafe(self, origin: str, host: str, proto: str | None, *, own: bool) -> None:
        client, token = self._visitor(host, origin)
        where = f"{origin} -> {host}"
        if own and not proto:
            return  # over plain http its own origin would be another one
        for method in UNSAFE:
            headers = {"HTTP_ORIGIN": origin, self.settings.CSRF_HEADER_NAME: token}
            answer = self._ask(method, self.path, host, proto, client, **headers)
            what = f"{method} {_told(proto)}"
            if self._judge(answer, where, what, host, proto, self.path) and not own:
                self._readable(answer, origin, where, what)

    def _visitor(self, host: str, origin: str) -> tuple[Any, str]:
        """Return a client with the CSRF cookie of a page, and the token that belongs to it."""
        client = self._client()
        answer = self._ask("GET", self.path, host, "https", client, HTTP_ORIGIN=origin)
        cookie = answer.cookies.get(self.settings.CSRF_COOKIE_NAME)
        if cookie is not None and not cookie["secure"]:
            self._note("probe.cookie", host, "the CSRF cookie would travel over plain http")
        return client, answer.content.decode() if answer.status_code == 200 and not answer.streaming else ""

    def _preflight(self, origin: str, host: str, proto: str | None) -> None:
        where = f"{origin} -> {host}"
        for method in UNSAFE:
            answer = self._wishing(origin, host, proto, method)
            what = f"preflight for {method} {_told(proto)}"
            if self._judge(answer, where, what, host, proto, self.path):
                self._readable(answer, origin, where, what)
                allowed = {name: _words(answer, f"Access-Control-Allow-{name}") for name in ("Methods", "Headers")}
                for missing in [method.lower()] if method.lower() not in allowed["Methods"] else []:
                    self._note("probe.cors", where, f"{what} does not allow {missing.upper()}")
                for missing in sorted(set(HEADERS) - allowed["Headers"]):
                    self._note("probe.cors", where, f"{what} does not allow the header {missing}")

    def _wishing(self, origin: str, host: str, proto: str | None, method: str) -> Any:
        wish = {"HTTP_ACCESS_CONTROL_REQUEST_METHOD": method, "HTTP_ACCESS_CONTROL_REQUEST_HEADERS": ",".join(HEADERS)}
        return self._ask("OPTIONS", self.path, host, proto, HTTP_ORIGIN=origin, **wish)

    def _readable(self, answer: Any, origin: str, where: str, what: str) -> None:
        allowed = answer.headers.get("Access-Control-Allow-Origin")
        if allowed not in (origin, "*"):
            self._note("probe.cors", where, f"{what} is answered without Access-Control-Allow-Origin")
        elif getattr(self.settings, "CORS_ALLOW_CREDENTIALS", False) and (
            answer.headers.get("Access-Control-Allow-Credentials") != "true"
        ):
            self._note("probe.cors", where, f"{what} is answered without Access-Control-Allow-Credentials")

    def _strangers(self) -> None:
        for host in self.names.api_hosts:
            where = f"{FOREIGN} -> {host}"
            answer = self._wishing(FOREIGN, host, "https", "POST")
            if answer.headers.get("Access-Control-Allow-Origin"):
                self._note("probe.wide", where, "a foreign origin may read the API")
            client, token = self._visitor(host, FOREIGN)
            headers = {"HTTP_ORIGIN": FOREIGN, self.settings.CSRF_HEADER_NAME: token}
            if self._ask("POST", self.path, host, "https", client, **headers).status_code == 200:
                self._note("probe.wide", where, "a foreign origin's POST is accepted")
        stranger = FOREIGN.partition("://")[2]
        if self._ask("GET", self.path, stranger, "https").status_code == 200:
            self._note("probe.wide", stranger, "any host name is answered")

    def _health(self) -> None:
        path = self.names.health_path
        for host in self.names.health_hosts:
            for proto in ("https", None):
                status = self._ask("GET", path, host, proto).status_code
                if status not in (200, 503):  # what it looks at is not there in this process
                    self._note("probe.health", f"{host}{path}", f"GET {_told(proto)} is answered with {status}")


def _told(proto: str | None) -> str:
    return "behind the proxy" if proto else "without X-Forwarded-Proto"


def _words(answer: Any, header: str) -> set[str]:
    return {word.strip().lower() for word in answer.headers.get(header, "").split(",")}
