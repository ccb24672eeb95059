"""Which host names are answered, and which origins may ask: from the environment alone."""

import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from slipway_runtime.conf.env import Env

FOREIGN = "https://slipway-probe.invalid"
"""An origin that no environment trusts (RFC 2606)."""
CORS = "corsheaders.middleware.CorsMiddleware"
_USUAL_PORT = {"http": ":80", "https": ":443"}
_LABEL = r"[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?"
_HOST = re.compile(rf"\.?{_LABEL}(\.{_LABEL})*|\[[0-9a-f:.]+\]", re.IGNORECASE)
_LOCAL = re.compile(r"localhost|127\.\d+\.\d+\.\d+|\[::1\]")


def overlay(settings: Mapping[str, Any], env: Env) -> dict[str, Any]:
    """Return the settings of hosts, CSRF and CORS; what the project says about them does not count."""
    hosts = _hosts(env)
    csrf = _origins(env, "CSRF_TRUSTED_ORIGINS", wildcards=True)
    cors = _origins(env, "CORS_ALLOWED_ORIGINS", wildcards=False)
    everybody = env.boolean("CORS_ALLOW_ALL_ORIGINS", default=False)
    if env.serves:
        _missing(env, cors, csrf)
        _too_wide(settings, env, everybody)
        if cors and CORS not in settings.get("MIDDLEWARE", (CORS,)):
            message = f"has no effect: {CORS} is not among the project's MIDDLEWARE"
            env.problem("CORS_ALLOWED_ORIGINS", message, "add django-cors-headers", fatal=False, code="036")
    return {
        "ALLOWED_HOSTS": hosts,
        "CSRF_TRUSTED_ORIGINS": csrf,
        "CORS_ALLOWED_ORIGINS": cors,
        "CORS_ALLOW_ALL_ORIGINS": everybody,
    }


def covers(pattern: str, host: str) -> bool:
    """Return whether an entry of ALLOWED_HOSTS admits `host` (without a port)."""
    pattern, host = pattern.lower(), host.lower()
    return host == pattern or (pattern.startswith(".") and (host.endswith(pattern) or host == pattern[1:]))


def is_local(host: str) -> bool:
    """Return whether a host name means the machine itself."""
    return bool(_LOCAL.fullmatch(host.lower()))


def _hosts(env: Env) -> list[str]:
    name = "ALLOWED_HOSTS"
    given = env.items(name)
    good = [host for host in given if _HOST.fullmatch(host)]
    for host in given:
        if host == "*":
            env.problem(name, "has *, so anybody's host name ends up in links and mails", "name the hosts", code="022")
        elif host not in good:
            env.problem(name, f"has {host!r}, which is no host name", "no scheme, no port, no path", code="021")
    if not env.serves:
        return good
    if not given:
        env.problem(name, "is not set: every request would get 400", "api.example.org,localhost", code="020")
        return good
    if (health := env.text("SLIPWAY_HEALTH_HOST")) and not any(covers(host, health) for host in good):
        env.problem(name, f"lacks {health}, the host that the health check asks for", f"add {health}", code="023")
    if (public := _host_of(env.text("BASE_URL"))) and not any(covers(host, public) for host in good):
        env.problem(name, f"lacks {public}, the host of BASE_URL", f"add {public}", code="024")
    return good


def _host_of(url: str) -> str:
    try:
        return urlsplit(url).hostname or "" if "://" in url else ""
    except ValueError:
        return ""


def _origins(env: Env, name: str, *, wildcards: bool) -> list[str]:
    good = []
    for origin in env.items(name):
        if wrong := _wrong(origin, wildcards=wildcards):
            code, message = wrong
            env.problem(name, f"has {origin!r}: {message}", "https://app.example.org", code=code)
        elif origin not in good:
            good.append(origin)
    return good


def _wrong(origin: str, *, wildcards: bool) -> tuple[str, str] | None:
    """Return the check's number and why a browser's Origin header never equals this, or too often."""
    found = re.fullmatch(r"(https?)://(\*\.)?([^/?#@:\s*]+|\[[^\]\s]+\])(:\d{1,5})?", origin)
    if origin in ("*", "null", "https://*", "http://*"):
        return "032", "everybody can send that"
    if not found:
        return "030", "an origin is scheme and host, without path or slash at its end"
    scheme, star, host, port = found.groups()
    reasons = {
        ("030", "a browser sends the host name in lower case, and nothing else"): (
            host != host.lower() or not _HOST.fullmatch(host) or host.startswith(".")
        ),
        ("030", "a browser leaves out the port that goes without saying"): port == _USUAL_PORT[scheme],
        ("032", "CORS knows no wildcard: name each origin"): bool(star) and not wildcards,
        ("032", "that is a whole top-level domain"): bool(star) and "." not in host,
        ("031", "whoever is on the way can change what a page over plain http asks for"): (
            scheme == "http" and not is_local(host)
        ),
    }
    return next((reason for reason, holds in reasons.items() if holds), None)


def _missing(env: Env, cors: list[str], csrf: list[str]) -> None:
    for name in ("CSRF_TRUSTED_ORIGINS", "CORS_ALLOWED_ORIGINS"):
        if not env.items(name):
            env.problem(name, "is not set: no other origin may ask", "name the portals", fatal=False, code="035")
    if cors and csrf:
        wide = re.compile("|".join(re.escape(one).replace(r"\*", "[^/]+") for one in csrf))
        for origin in (one for one in cors if not wide.fullmatch(one)):
            message = f"lacks {origin}, which CORS_ALLOWED_ORIGINS has: it may read, its forms are refused"
            env.problem("CSRF_TRUSTED_ORIGINS", message, "the portals belong into both", fatal=False, code="034")
        for origin in (one for one in csrf if "*" not in one and one not in cors):
            if (_host_of(origin)) not in env.items("ALLOWED_HOSTS"):
                message = f"lacks {origin}, which CSRF_TRUSTED_ORIGINS has: a browser keeps the answers from it"
                env.problem("CORS_ALLOWED_ORIGINS", message, "the portals belong into both", fatal=False, code="034")


def _too_wide(settings: Mapping[str, Any], env: Env, everybody: bool) -> None:
    credentials = bool(settings.get("CORS_ALLOW_CREDENTIALS"))
    told: Callable[..., None] = env.problem
    ending = ", with the visitor's cookies" if credentials else ""
    if everybody:
        told("CORS_ALLOW_ALL_ORIGINS", f"lets every site read the API{ending}", "false", fatal=credentials, code="033")
    for pattern in settings.get("CORS_ALLOWED_ORIGIN_REGEXES", ()):
        if re.match(pattern, FOREIGN):
            message = f"of the project has a pattern that lets every site read the API{ending}"
            told("CORS_ALLOWED_ORIGIN_REGEXES", message, "end it with $", fatal=credentials, code="033")
