"""Literal addresses in a bundle that lead nowhere once it is shipped: this machine's, a network's, samples."""

import ipaddress
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

# Only a string that begins with the address is one: "Enter a URL such as https://example.com" is a text for people.
_ADDRESS = re.compile(r"""["'`]((?:https?|wss?)://(\[[0-9a-f:.]+\]|[A-Za-z0-9._-]+)(:[0-9]{2,5})?[^\s"'`<>\\$]*)""")
_SAMPLE = re.compile(
    r"(^|\.)example\.(com|org|net)$|change-?me|replace-?me|^(.*\.)?your[-.]?(site|web|domain|host|api|server|app|company|name"
    r"|station|portal|url)|\.(example|invalid)$",
    re.IGNORECASE,
)
# A placeholder in a form, a namespace, a schema's name: shown or compared, never asked.
_SHOWN = re.compile(
    r"""(placeholder|helperText|xmlns(:\w+)?|\$schema|\$id|namespaceURI)["']?\s*[:=]\s*$""", re.IGNORECASE
)
_FALLBACK = re.compile(r"(\|\||\?\?|:)\s*\(?\s*$")
# `{url: "http://..."}` has the colon of a ternary and is none.
_KEY = re.compile(r"""[{,]\s*["']?[\w$-]+["']?\s*:\s*\(?\s*$""")
_NAMED = re.compile(r"(url|uri|host|api|base|endpoint|origin|server|target)\w*[\"']?\s*[:=]\s*$", re.IGNORECASE)
_STATEMENT = 1000  # characters; what stands before an address in the same statement


@dataclass(frozen=True, slots=True)
class Literal:
    """An address in a text: `kind` (`local` or `placeholder`), what is wrong with it, and its statement up to it."""

    address: str
    kind: str
    problem: str
    before: str

    @property
    def is_fallback(self) -> bool:
        """Whether it only counts where what stands before it has no value."""
        return _FALLBACK.search(self.before) is not None and _KEY.search(self.before) is None


def literals(text: str, inner: Collection[str]) -> Iterator[Literal]:
    """Yield the addresses of `text` that a shipped bundle has no use for.

    `inner` are host names of the platform's own network. Left out is what is only shown (`placeholder: "https://..."`)
    and the bare "http://localhost" with which libraries make a URL of a path.
    """
    for match in _ADDRESS.finditer(text):
        address, host, port = match.groups()
        found = _problem(host.lower(), port, inner)
        before = text[max(0, match.start() - _STATEMENT) : match.start()]
        if found is None or _SHOWN.search(before) or _is_dummy(address, before):
            continue
        yield Literal(address[:120], *found, before[before.rfind(";") + 1 :])


def _is_dummy(address: str, before: str) -> bool:
    """Whether it is the base that axios, react-router and others hand to `new URL` where there is no window."""
    return address.rstrip("/") == "http://localhost" and _NAMED.search(before) is None


def _problem(host: str, port: str | None, inner: Collection[str]) -> tuple[str, str] | None:
    if host in {"localhost", "host.docker.internal"}:
        return "local", "it leads every browser to its own machine"
    if host in inner or (port and "." not in host and not host.startswith("[")):
        return "local", f"{host} is a name inside the platform's network"
    if _SAMPLE.search(host):
        return "placeholder", "it is a placeholder"
    try:
        address = ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return None
    return None if address.is_global else ("local", "no browser outside reaches it")
