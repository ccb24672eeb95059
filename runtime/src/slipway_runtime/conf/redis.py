"""One Redis for broker, results, cache and channels, each under a prefix of its own.

Prefixes, not database numbers: many managed servers have database 0 only, publish and subscribe ignore the number (a
message published in 0 is heard in 1), and a number says nothing to whoever looks at the keys.
"""

import importlib.util
import re
from typing import Any
from urllib.parse import urlsplit

from slipway_runtime.conf.env import Env

_NAMESPACE = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
_LAYERS = ("channels_redis.core.RedisChannelLayer", "channels_redis.pubsub.RedisPubSubChannelLayer")
_IN_MEMORY = "channels.layers.InMemoryChannelLayer"
SCHEMES = ("redis", "rediss", "unix")


def overlay(settings: dict[str, Any], env: Env) -> dict[str, Any]:
    """Return what the other subjects derive from, in SLIPWAY["redis"], and the channel layers."""
    url = env.text("REDIS_URL")
    if url and urlsplit(url).scheme not in SCHEMES:
        env.problem("REDIS_URL", f"starts with none of {', '.join(f'{scheme}://' for scheme in SCHEMES)}", code="110")
        url = ""
    name = namespace(env)
    known = {"url": url, "namespace": name, "timeout": env.seconds("REDIS_TIMEOUT", 0.5, 0.05, 30.0)}
    changed: dict[str, Any] = {"SLIPWAY": {**settings.get("SLIPWAY", {}), "redis": known}}
    layers = settings.get("CHANNEL_LAYERS")
    if layers:
        changed["CHANNEL_LAYERS"] = {alias: _layer(layer, url, name) for alias, layer in layers.items()}
    return changed


def namespace(env: Env) -> str:
    """Return the word that every key begins with: two applications or environments on one server differ in it."""
    name = env.text("REDIS_NAMESPACE", "slipway")
    if not _NAMESPACE.fullmatch(name):
        env.problem("REDIS_NAMESPACE", "is not up to 32 of a-z, 0-9 and -", code="111")
        return "slipway"
    return name


def _layer(layer: dict[str, Any], url: str, name: str) -> dict[str, Any]:
    backend, config = layer.get("BACKEND"), dict(layer.get("CONFIG") or {})
    if backend == _IN_MEMORY and url and importlib.util.find_spec("channels_redis"):
        # Memory does not reach the other processes: worker and web are two at least.
        backend, config = _LAYERS[0], {"hosts": [url]}
    if backend not in _LAYERS:
        return layer
    config.setdefault("prefix", f"{name}.channels")
    hosts = config.get("hosts") or ([url] if url else [])
    if isinstance(hosts, list | tuple):
        config["hosts"] = [_host(host) for host in hosts]
    return {**layer, "BACKEND": backend, "CONFIG": config}


def _host(host: Any) -> Any:
    """Bound how long a host may keep silent.

    A receiver blocks for 5 s (`brpop_timeout`); redis-py 8 ends a read after 5 s by default and 6 never does.
    """
    bounds = {"socket_connect_timeout": 3, "socket_timeout": 10, "health_check_interval": 30}
    if isinstance(host, str):
        return {"address": host, **bounds}
    return {**bounds, **host} if isinstance(host, dict) else host
