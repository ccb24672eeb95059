"""Rules over https behind a proxy: who is believed, what browsers remember, what cookies carry."""

import ipaddress
from collections.abc import Iterator

from slipway.checks.effective import number, text
from slipway.checks.facts import Facts, issue
from slipway.checks.issue import Issue, Severity
from slipway.config.kinds import items
from slipway.config.schema import Stage
from slipway.config.workspace import Role

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

YEAR = 31_536_000
_DAY = 86_400
_INNER = tuple(ipaddress.ip_network(text) for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"))
"""Where Docker and Coolify put a proxy."""
_PROTECTING = ("origins", "proxy", "secret_key", "security")


def proxy(facts: Facts) -> Iterator[Issue]:
    """`django.proxy`: the redirect to https is on, and whoever says that it was https already is not believed."""
    for seen in facts.of("FORWARDED_ALLOW_IPS") if facts.is_public else ():
        networks, wrong = _networks(seen.text or "")
        if wrong:
            yield issue(seen, "django.proxy", f"has an item that is no network (item {wrong})", "10.0.0.0/8")
            continue
        if any(network.prefixlen == 0 for network in networks):
            message = "believes everybody: whoever reaches the container, by a published port say, can claim https"
            yield issue(seen, "django.proxy-all", f"{message} and any address", "name the proxy's network: 10.0.0.0/8")
            continue
        redirects = text(facts.config, "SECURE_SSL_REDIRECT", seen.services[0] if seen.services else None)
        reached = any(_overlap(network, inner) for network in networks for inner in _INNER)
        if redirects.lower() == "true" and not reached:
            message = "holds no network that the platform's proxy can be in: its X-Forwarded-Proto is not believed"
            yield issue(seen, "django.proxy", f"{message}, and SECURE_SSL_REDIRECT redirects for ever", "10.0.0.0/8")


def _overlap(one: Network, other: Network) -> bool:
    return one.version == other.version and one.overlaps(other)


def _networks(given: str) -> tuple[list[Network], int]:
    """Return the networks, and the number of the first item that is none (0: all are)."""
    found: list[Network] = []
    for position, item in enumerate(items(given), 1):
        try:
            found.append(ipaddress.ip_network("0.0.0.0/0" if item == "*" else item, strict=False))
        except ValueError:
            return found, position
    return found, 0


def overlay_off(facts: Facts) -> Iterator[Issue]:
    """`django.overlay-off`: a part of the overlay that protects production is left out."""
    for seen in facts.of("SLIPWAY_OVERLAY_OFF") if facts.is_public else ():
        if off := [name for name in _PROTECTING if name in items(seen.text or "")]:
            message = f"leaves out {', '.join(off)}: what the project's own settings do instead is not checked here"
            if "proxy" in off:
                message += "; without SECURE_PROXY_SSL_HEADER the redirect to https never ends"
            yield issue(seen, "django.overlay-off", message, f"leave {', '.join(off)} on")


def hsts(facts: Facts) -> Iterator[Issue]:
    """`django.hsts`: figures of Strict-Transport-Security that the browsers' list refuses, or that protect nobody."""
    for seen in facts.flag("SECURE_HSTS_PRELOAD"):
        service = seen.services[0] if seen.services else None
        whole = text(facts.config, "SECURE_HSTS_INCLUDE_SUBDOMAINS", service).lower() != "false"
        hint = "SECURE_HSTS_SECONDS=31536000 and SECURE_HSTS_INCLUDE_SUBDOMAINS=true, or preload off"
        if number(facts.config, "SECURE_HSTS_SECONDS", YEAR, service) < YEAR or not whole:
            message = "is refused by the browsers' list without a year and every subdomain"
            yield issue(seen, "django.hsts", message, hint)
        elif portals := [name for name in seen.services if _refuses_preload(facts, name)]:
            message = f"asks {', '.join(portals)} to promise every subdomain too, which a portal does not unasked"
            yield issue(seen, "django.hsts", f"{message}: its container does not start", hint)
    if facts.config.stage is Stage.PRODUCTION:
        for seen in facts.of("SECURE_HSTS_SECONDS"):
            if int(seen.text or 0) < _DAY:
                message = "is less than a day: a visitor who comes back is not protected"
                yield issue(seen, "django.hsts", message, "a day first, then 31536000", Severity.WARNING)


def _refuses_preload(facts: Facts, service: str) -> bool:
    """Whether a portal that sends the header at all would send preload without a year or its subdomains."""
    if facts.config.workspace.services[service].role is not Role.STATIC:
        return False
    seconds = number(facts.config, "SECURE_HSTS_SECONDS", 0, service)
    whole = text(facts.config, "SECURE_HSTS_INCLUDE_SUBDOMAINS", service).lower() == "true"
    return seconds > 0 and (seconds < YEAR or not whole)


def same_site(facts: Facts) -> Iterator[Issue]:
    """`django.samesite`: SameSite=None without Secure, which browsers drop."""
    for cookie in ("SESSION_COOKIE", "CSRF_COOKIE"):
        for seen in facts.of(f"{cookie}_SAMESITE"):
            service = seen.services[0] if seen.services else None
            secure = text(facts.config, f"{cookie}_SECURE", service).lower()
            if (seen.text or "").lower() == "none" and secure == "false":
                message = f"is None without {cookie}_SECURE: browsers drop the cookie, nobody stays logged in"
                yield issue(seen, "django.samesite", message, f"{cookie}_SECURE=true, or Lax")


def log_level(facts: Facts) -> Iterator[Issue]:
    """`django.log-level`: DEBUG writes queries with their values, and so personal data, into the log."""
    if facts.config.stage is Stage.PRODUCTION:
        for name in ("LOG_LEVEL", "CELERY_LOG_LEVEL"):
            for seen in facts.of(name):
                if seen.text == "DEBUG":
                    message = "is DEBUG: values of queries and tasks stand in the log"
                    yield issue(seen, "django.log-level", message, f"{name}=INFO", Severity.WARNING)
