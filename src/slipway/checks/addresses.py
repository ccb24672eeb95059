"""Rules over public addresses: what a browser is sent to must be reachable from outside, over https."""

import ipaddress
from collections.abc import Iterator

from slipway.checks.facts import Facts, Seen, issue
from slipway.checks.issue import Issue, Severity
from slipway.config.config import DOMAIN
from slipway.config.kinds import Kind, split_url
from slipway.config.schema import Stage

# Reserved by RFC 2606, RFC 6761 and RFC 6762: no public resolver answers for them.
_RESERVED = frozenset({"localhost", "local", "test", "invalid", "example", "internal", "lan", "home"})
_URL_TYPES = frozenset({Kind.URL})


def public_addresses(facts: Facts) -> Iterator[Issue]:
    """`address.http`, `address.private`, `address.docker`: an address for browsers that browsers cannot use."""
    for seen in facts.seen if facts.is_public else ():
        parts = split_url(seen.text) if seen.text and seen.setting.variable.type in _URL_TYPES else None
        if parts is None or parts.hostname is None:
            continue
        if parts.scheme not in {"https", "wss"}:
            yield issue(seen, "address.http", "is plain http", "https://")
        if problem := unreachable(facts, parts.hostname):
            yield _finding(seen, *problem)


def domain(facts: Facts) -> Iterator[Issue]:
    """`address.private`: the environment's domain is one that no public resolver knows."""
    for seen in facts.of(DOMAIN) if facts.is_public else ():
        if problem := unreachable(facts, seen.text or ""):
            yield _finding(seen, *problem)


def api_of_portals(facts: Facts) -> Iterator[Issue]:
    """`address.api`: a portal is told an API that this environment does not serve, or not at such an address."""
    hosts = set(facts.apis.values())
    for seen in facts.of("VITE_API_URL") if facts.is_public and hosts else ():
        parts = split_url(seen.text or "")
        hint = f"VITE_API_URL=${{service.{min(facts.apis)}.public_url}}"
        if parts is None or unreachable(facts, parts.hostname or ""):
            continue
        if parts.hostname not in hosts:
            yield issue(seen, "address.api", "is no API that this environment serves", hint, Severity.WARNING)
        elif parts.port not in {None, 443}:
            yield issue(seen, "address.api", f"names port {parts.port}: the proxy answers at 443 alone", hint)
        elif parts.scheme == "wss" or parts.query or parts.fragment:
            yield issue(seen, "address.api", "is no address that a path can be added to", hint)


def _finding(seen: Seen, kind: str, message: str) -> Issue:
    return issue(seen, kind, message, "use the public name: ${service.api.public_url}")


def unreachable(facts: Facts, host: str) -> tuple[str, str] | None:
    """Return the id and the reason why no browser outside reaches `host`, None where one may."""
    workspace = facts.config.workspace
    if host in workspace.services or host in workspace.databases:
        return "address.docker", f"points at {host}, a name inside the platform's network"
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        last = host.rsplit(".", 1)[-1]
        # The rehearsal's names end in .localhost, which leads every browser to this machine.
        if last == "localhost" and host != last and facts.config.stage is Stage.REHEARSAL:
            return None
        if last in _RESERVED:
            return "address.private", f"ends in .{last}, which no public resolver answers for"
        return None if "." in host else ("address.docker", "has a host without a dot, as inside a Docker network")
    return None if address.is_global else ("address.private", "points at an address of a private network")
