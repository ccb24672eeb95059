"""Domains of applications: how they are written, where two clash, which one is made up."""

import ipaddress
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from .answers import Answer, Refusal, invalid
from .store import Row, Store

_HOST = re.compile(r"(?=.{1,253}\Z)[a-z0-9*]([a-z0-9-]{0,62})(\.[a-z0-9]([a-z0-9-]{0,62}))*\Z")
_PATH = re.compile(r"(/[A-Za-z0-9._~%/-]*)?\Z")


@dataclass(frozen=True)
class Domain:
    """One domain taken apart; `port` is the container's port behind it, if written."""

    scheme: str
    host: str
    port: int | None
    path: str


def parse(written: str) -> Domain | None:
    """`http(s)://host[:containerPort][/path]`, or None if it is not one."""
    try:
        parts = urlsplit(written)
        port = parts.port
    except ValueError:
        return None
    host = parts.hostname or ""
    good = parts.scheme in {"http", "https"} and not parts.query and not parts.fragment and "@" not in parts.netloc
    if not good or not (_HOST.match(host) or _is_address(host)) or not _PATH.match(parts.path):
        return None
    return Domain(parts.scheme, host, port, parts.path or "/")


def all_of(fqdn: str | None) -> list[Domain]:
    """The domains of a stored comma list."""
    return [domain for written in (fqdn or "").split(",") if (domain := parse(written))]


def normal(written: str) -> str:
    """The list as it is stored: trimmed, lower-cased, without doubles. Raises a Refusal (422, `errors` a bare list)."""
    names = dict.fromkeys(name for part in written.split(",") if (name := part.strip().lower()))
    wrong = [f"Invalid domain: {name}" for name in names if parse(name) is None]
    if wrong or not names:
        raise invalid(wrong or ["Invalid domain: "])
    return ",".join(names)


def refuse_conflicts(store: Store, fqdn: str, own_uuid: str | None) -> None:
    """Raises a Refusal (409) if another application already answers for one of the domains."""
    conflicts: list[dict[str, Any]] = []
    for other in store.where("applications"):
        taken = {(domain.host, domain.path) for domain in all_of(other["fqdn"])}
        conflicts += [
            {
                "domain": domain.host,
                "resource_name": other["name"],
                "resource_uuid": other["uuid"],
                "resource_type": "application",
                "message": f"Domain {domain.host} is already in use by application '{other['name']}'",
            }
            for domain in all_of(fqdn)
            if other["uuid"] != own_uuid and (domain.host, domain.path) in taken
        ]
    if conflicts:
        body = {
            "message": "Domain conflicts detected. Use force_domain_override=true to proceed.",
            "conflicts": conflicts,
            "warning": "Using the same domain for multiple resources can cause routing conflicts.",
        }
        raise Refusal(Answer(409, body))


def generated(uuid: str, wildcard: str) -> str:
    """The domain made up for an application without one: `<uuid>.<wildcard>`, or under sslip.io without a wildcard."""
    scheme, separator, host = wildcard.rpartition("://")
    host = host.strip("/") or "127.0.0.1.sslip.io"
    return f"{scheme if separator else 'http'}://{uuid}.{host}"


def without_scheme(fqdn: str) -> str:
    """The comma list without `http://` and `https://`."""
    return re.sub(r"https?://", "", fqdn)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def of(application: Row) -> list[Domain]:
    """The application's domains."""
    return all_of(application["fqdn"])
