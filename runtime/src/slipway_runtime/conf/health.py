"""Health: who may see details, what is critical, how long an answer may take and be told again."""

from collections.abc import Mapping
from ipaddress import ip_network
from typing import Any

from slipway_runtime.conf.env import Env
from slipway_runtime.inside import Network
from slipway_runtime.options import PRIVATE_NETWORKS

NAMES = ("database", "migrations", "cache", "broker", "workers", "beat", "disk")
_SHORTEST_TOKEN = 16


def overlay(settings: Mapping[str, Any], env: Env) -> dict[str, Any]:
    """Return what `/health/detailed/` goes by."""
    aliases = {f"database:{alias}" for alias in settings.get("DATABASES", {}) if alias != "default"}
    own = {
        **who_may_see(env),
        "critical": _names(env, "SLIPWAY_HEALTH_CRITICAL", ("database",), aliases),
        "off": _names(env, "SLIPWAY_HEALTH_OFF", (), aliases),
        "deadline": env.seconds("SLIPWAY_HEALTH_DEADLINE", 2.0, 0.1, 30.0),
        "keep": env.seconds("SLIPWAY_HEALTH_KEEP", 2.0, 0.0, 60.0),
        "disk": float(env.integer("SLIPWAY_HEALTH_DISK_PERCENT", 5, 0, 100)),
    }
    return {"SLIPWAY": {**settings.get("SLIPWAY", {}), "health": own}}


def who_may_see(env: Env) -> dict[str, Any]:
    """Return the token and the networks that open details; `/metrics` goes by the same."""
    token = env.text("SLIPWAY_HEALTH_TOKEN").strip()
    if token and len(token) < _SHORTEST_TOKEN:
        hint = 'python3 -c "import secrets; print(secrets.token_urlsafe(32))" makes one'
        env.problem("SLIPWAY_HEALTH_TOKEN", f"is shorter than {_SHORTEST_TOKEN} characters", hint)
        token = ""
    return {"token": token, "inside": _networks(env)}


def _names(env: Env, name: str, default: tuple[str, ...], aliases: set[str]) -> tuple[str, ...]:
    found = env.items(name, default)
    if unknown := sorted(set(found) - set(NAMES) - aliases):
        env.problem(name, f"names {', '.join(unknown)}, which is none of {', '.join(NAMES)}")
    return found


def _networks(env: Env) -> tuple[Network, ...]:
    """Return the networks that count as inside; `none` leaves nobody there, so only the token opens."""
    name = "SLIPWAY_INSIDE"
    words = env.items(name, tuple(PRIVATE_NETWORKS.split(",")))
    if words == ("none",):
        return ()
    found: list[Network] = []
    for word in words:
        try:
            network = ip_network(word, strict=False)
        except ValueError:
            env.problem(name, f"names {word!r}, which is no network")
            continue
        if network.is_global or network.prefixlen == 0:
            env.problem(name, f"names {word}, which is the internet")
            continue
        found.append(network)
    return tuple(found)
