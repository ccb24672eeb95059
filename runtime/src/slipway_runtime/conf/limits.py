"""Limits: how often a client and a user may ask, how big and how slow a request may be."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from slipway_runtime.conf import place
from slipway_runtime.conf.env import Env
from slipway_runtime.conf.security import plain_paths

RATE = "slipway_runtime.middleware.rate_limit.RateLimit"
REFUSALS = "slipway_runtime.middleware.refusals.Refusals"
_CORS = "corsheaders.middleware.CorsMiddleware"
_SESSION = "django.contrib.sessions.middleware.SessionMiddleware"
_EXPOSED = ("Retry-After", "RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset", "RateLimit-Policy")
MEGABYTE = 1024 * 1024
FORM = MEGABYTE
"""Bytes that a form may take around the files in it."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What the server takes from a connection. Bytes and seconds; 0 seconds is no deadline."""

    headers: int = 32 * 1024
    body: int = 10 * MEGABYTE
    upload: int = 512 * MEGABYTE + FORM
    message: int = MEGABYTE
    header_seconds: float = 15.0
    body_seconds: float = 30.0
    body_rate: int = 500
    send_seconds: float = 60.0


def bounds(env: Env) -> Bounds | None:
    """Return the bounds, None where the subject is switched off. The server reads them too, before any settings."""
    if "limits" in env.items("SLIPWAY_OVERLAY_OFF"):
        return None
    return Bounds(
        headers=env.integer("HEADERS_MAX_KB", 32, 4, 1024) * 1024,
        body=env.integer("BODY_MAX_MB", 10, 1, 1024) * MEGABYTE,
        upload=env.integer("UPLOAD_MAX_MB", 512, 1, 65536) * MEGABYTE + FORM,
        message=env.integer("WEBSOCKET_MAX_KB", 1024, 1, 65536) * 1024,
        header_seconds=env.seconds("HEADER_TIMEOUT", 15.0, 0.0, 600.0),
        body_seconds=env.seconds("BODY_TIMEOUT", 30.0, 0.0, 3600.0),
        body_rate=env.integer("BODY_MIN_RATE", 500, 1, 10**9),
        send_seconds=env.seconds("SEND_TIMEOUT", 60.0, 0.0, 3600.0),
    )


def overlay(settings: Mapping[str, Any], env: Env) -> dict[str, Any]:
    """Return the layers of the limits. Needs the subject `redis` before it; without Redis nobody is counted."""
    bounds(env)
    merged = {**settings, "MIDDLEWARE": _inside(settings, REFUSALS)}
    own: dict[str, Any] = {"refusals": True}
    counted = _rate(settings, env)
    if counted:
        own["rate"] = counted
        merged["MIDDLEWARE"] = place.after(merged, RATE, REFUSALS)
    changes = {"MIDDLEWARE": merged["MIDDLEWARE"], "SLIPWAY": {**settings.get("SLIPWAY", {}), "limits": own}}
    if counted and "corsheaders" in settings.get("INSTALLED_APPS", ()):
        # A browser shows a portal's code these headers only where they are named.
        exposed = [*settings.get("CORS_EXPOSE_HEADERS", ()), *_EXPOSED]
        changes["CORS_EXPOSE_HEADERS"] = list(dict.fromkeys(exposed))
    return changes


def _rate(settings: Mapping[str, Any], env: Env) -> dict[str, Any]:
    client = env.integer("RATE_LIMIT_CLIENT", 600, 0, 10**6)
    user = env.integer("RATE_LIMIT_USER", 1200, 0, 10**6)
    exempt = env.items("RATE_LIMIT_EXEMPT")
    if wrong := [path for path in exempt if not path.startswith("/")]:
        env.problem("RATE_LIMIT_EXEMPT", f"has {', '.join(map(repr, wrong))}, which begins with no /", code="141")
    if not env.boolean("RATE_LIMIT_ENABLED", default=True) or not (client or user):
        return {}
    redis = settings.get("SLIPWAY", {}).get("redis", {"url": ""})
    if not redis["url"]:
        if env.serves:
            message = "is missing: nobody counts requests, so no rate limit holds"
            env.problem("REDIS_URL", message, "RATE_LIMIT_ENABLED=false says so on purpose", fatal=False, code="140")
        return {}
    known = {"url": redis["url"], "namespace": redis["namespace"], "timeout": redis["timeout"]}
    return {**known, "client": client, "user": user, "paths": plain_paths(env), "exempt": exempt}


def _inside(settings: Mapping[str, Any], name: str) -> list[str]:
    """Return the middleware with `name` inside of what a browser needs to read the refusal, and of the session."""
    layers = list(settings.get("MIDDLEWARE", ()))
    if name in layers:
        return layers
    at = max((layers.index(one) + 1 for one in (_CORS, _SESSION) if one in layers), default=0)
    return [*layers[:at], name, *layers[at:]]
