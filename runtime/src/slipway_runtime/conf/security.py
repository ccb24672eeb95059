"""Debug mode, https, cookies and the headers that Django knows."""

import re
from collections.abc import Mapping
from typing import Any

from slipway_runtime.conf import place
from slipway_runtime.conf.env import Env

HEADERS = "slipway_runtime.middleware.headers.Headers"
_SECURITY = "django.middleware.security.SecurityMiddleware"
_FRAMES = "django.middleware.clickjacking.XFrameOptionsMiddleware"
YEAR = 31_536_000
_REFERRER = frozenset(
    {"no-referrer", "no-referrer-when-downgrade", "origin", "origin-when-cross-origin", "same-origin", "unsafe-url"}
    | {"strict-origin", "strict-origin-when-cross-origin"}
)
CROSS_ORIGIN = {
    "CROSS_ORIGIN_OPENER_POLICY": ("same-origin", "same-origin-allow-popups", "noopener-allow-popups", "unsafe-none"),
    "CROSS_ORIGIN_EMBEDDER_POLICY": ("unsafe-none", "require-corp", "credentialless"),
    "CROSS_ORIGIN_RESOURCE_POLICY": ("same-site", "same-origin", "cross-origin"),
}
PERMISSIONS = "camera=(), geolocation=(), microphone=()"


def overlay(settings: Mapping[str, Any], env: Env) -> dict[str, Any]:
    """Return what makes the project answer over https alone, with debug mode off whatever it says itself."""
    if env.boolean("DEBUG", default=False):
        env.problem("DEBUG", "is true and has no effect: it stays off", "false", fatal=False, code="005")
    changes: dict[str, Any] = {"DEBUG": False, "DEBUG_PROPAGATE_EXCEPTIONS": False}
    changes["TEMPLATES"] = [_without_debug(engine) for engine in settings.get("TEMPLATES", [])]
    changes |= _https(settings, env) | _cookies(settings, env) | _headers(settings, env)
    merged = {**settings, "MIDDLEWARE": place.first(settings, HEADERS)}
    merged["MIDDLEWARE"] = place.after(merged, _SECURITY, HEADERS)
    return {**changes, "MIDDLEWARE": place.after(merged, _FRAMES, _SECURITY)}


def plain_paths(env: Env) -> tuple[str, ...]:
    """Return the paths that answer over plain http: the container, its host and Prometheus ask without a proxy.

    The first is what the container's own health check asks for.
    """
    return (env.text("SLIPWAY_HEALTH_PATH", "/health/"), "/health/", "/health/detailed/", "/metrics")


def _without_debug(engine: dict[str, Any]) -> dict[str, Any]:
    options = {name: value for name, value in engine.get("OPTIONS", {}).items() if name != "debug"}
    return {**engine, "OPTIONS": options}


def _https(settings: Mapping[str, Any], env: Env) -> dict[str, Any]:
    redirect = env.boolean("SECURE_SSL_REDIRECT", default=True)
    if not redirect and env.serves:
        env.problem("SECURE_SSL_REDIRECT", "is off: plain http is answered", "true", fatal=False, code="042")
    remembered = env.boolean("SECURE_HSTS_ENABLED", default=redirect)
    seconds = env.integer("SECURE_HSTS_SECONDS", YEAR if remembered else 0, high=2 * YEAR)
    subdomains = env.boolean("SECURE_HSTS_INCLUDE_SUBDOMAINS", default=True)
    preload = env.boolean("SECURE_HSTS_PRELOAD", default=False)
    if preload and (seconds < YEAR or not subdomains):
        message = "is refused by the browsers' list without a year and every subdomain"
        env.problem("SECURE_HSTS_PRELOAD", message, "SECURE_HSTS_SECONDS=31536000, or preload off", code="043")
    exempt = [f"^{re.escape(path.lstrip('/'))}$" for path in dict.fromkeys(plain_paths(env))]
    return {
        "SECURE_SSL_REDIRECT": redirect,
        "SECURE_REDIRECT_EXEMPT": [*settings.get("SECURE_REDIRECT_EXEMPT", ()), *exempt],
        "SECURE_HSTS_SECONDS": seconds,
        "SECURE_HSTS_INCLUDE_SUBDOMAINS": subdomains,
        "SECURE_HSTS_PRELOAD": preload,
    }


def _cookies(settings: Mapping[str, Any], env: Env) -> dict[str, Any]:
    changes: dict[str, Any] = {"SESSION_COOKIE_HTTPONLY": True}
    for cookie in ("SESSION_COOKIE", "CSRF_COOKIE"):
        name = f"{cookie}_SAMESITE"
        given = env.text(name)
        site = {"strict": "Strict", "lax": "Lax", "none": "None"}.get(given.lower(), "")
        if given and not site:
            env.problem(name, "is none of Strict, Lax, None")
        site = site or settings.get(name, "Lax")
        secure = env.boolean(f"{cookie}_SECURE", default=True)
        if not secure and env.serves:
            message = "is off: the cookie crosses the network in clear"
            env.problem(f"{cookie}_SECURE", message, "true", fatal=False, code="041")
            if str(site).lower() == "none":
                env.problem(name, f"is None without {cookie}_SECURE: browsers drop the cookie", "Lax", code="040")
        changes |= {f"{cookie}_SECURE": secure, name: site}
    return changes


def _headers(settings: Mapping[str, Any], env: Env) -> dict[str, Any]:
    referrer = env.text("SECURE_REFERRER_POLICY") or settings.get("SECURE_REFERRER_POLICY") or "same-origin"
    words = [word.strip() for word in referrer.split(",")] if isinstance(referrer, str) else list(referrer)
    if not set(words) <= _REFERRER:
        env.problem("SECURE_REFERRER_POLICY", f"is none of {', '.join(sorted(_REFERRER))}", code="053")
        words = ["same-origin"]
    changes: dict[str, Any] = {
        "SECURE_CONTENT_TYPE_NOSNIFF": True,
        "SECURE_REFERRER_POLICY": ",".join(words),
        "X_FRAME_OPTIONS": settings.get("X_FRAME_OPTIONS", "DENY"),
    }
    for name, choices in CROSS_ORIGIN.items():
        value = env.text(name) or settings.get(name) or ""
        if value and value not in choices:
            env.problem(name, f"is none of {', '.join(choices)}", code="054")
            value = ""
        changes[name] = value
    changes["CROSS_ORIGIN_OPENER_POLICY"] = changes["CROSS_ORIGIN_OPENER_POLICY"] or "same-origin"
    changes["SECURE_CROSS_ORIGIN_OPENER_POLICY"] = changes["CROSS_ORIGIN_OPENER_POLICY"]
    permissions = env.text("PERMISSIONS_POLICY") or settings.get("PERMISSIONS_POLICY") or PERMISSIONS
    if not isinstance(permissions, str):
        # django-permissions-policy has a dictionary under this name and sends it itself.
        return changes
    if not re.fullmatch(r"[a-z-]+=(\*|\([^()\n\r]*\))(\s*,\s*[a-z-]+=(\*|\([^()\n\r]*\)))*", permissions):
        env.problem("PERMISSIONS_POLICY", "is no list such as camera=(), microphone=(self)", code="055")
        permissions = PERMISSIONS
    return {**changes, "PERMISSIONS_POLICY": permissions}
