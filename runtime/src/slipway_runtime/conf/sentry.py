"""Errors to a Sentry-compatible service; without SENTRY_DSN nothing is loaded and nothing is sent."""

from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any
from urllib.parse import urlsplit

from slipway_runtime.conf.env import Env


def overlay(settings: Mapping[str, Any], env: Env) -> dict[str, Any]:
    """Return the address and the environment's name."""
    dsn = env.text("SENTRY_DSN").strip()
    if not dsn:
        return {}
    if problem := _wrong(dsn):
        env.problem("SENTRY_DSN", problem, "https://KEY@HOST/PROJECT", fatal=False)
        return {}
    if find_spec("sentry_sdk") is None:
        env.problem("SENTRY_DSN", "needs sentry-sdk, which is not installed", "slipway-runtime[sentry]", fatal=False)
        return {}
    own = {"dsn": dsn, "environment": env.text("SENTRY_ENVIRONMENT", "production")}
    return {"SLIPWAY": {**settings.get("SLIPWAY", {}), "sentry": own}}


def _wrong(dsn: str) -> str:
    try:
        parts = urlsplit(dsn)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return "is no address"
    if parts.scheme not in {"http", "https"} or not host or not parts.username:
        return "has no scheme, key or host"
    return "" if parts.path.rpartition("/")[2].isdigit() else "does not end in the number of a project"
