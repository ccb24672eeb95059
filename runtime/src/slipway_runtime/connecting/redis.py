"""Redis: answer, the rights that broker and cache need, and a policy that does not throw queued tasks away."""

import secrets
from typing import Any
from urllib.parse import urlsplit

from slipway_runtime.connecting import Found, Said, shown


def ask(url: str, seconds: float, *, namespace: str = "slipway") -> Said:
    """Ping, write, read and remove one key that ends by itself, publish to nobody; then look at the policy."""
    from redis import Redis
    from redis.backoff import NoBackoff
    from redis.exceptions import RedisError
    from redis.retry import Retry

    client: Any = Redis.from_url(
        url, socket_timeout=seconds, socket_connect_timeout=seconds, retry=Retry(NoBackoff(), 0)
    )
    try:
        try:
            client.ping()
        except RedisError as error:
            hint = "look at address, user, password and database number"
            return Said((Found("redis", f"does not let us in: {shown(error)}", hint),))
        return _looked(client, namespace, RedisError, url)
    finally:
        client.close()


def _looked(client: Any, namespace: str, wrong: type[Exception], url: str) -> Said:
    found = []
    key = f"{namespace}.connect.{secrets.token_hex(8)}"
    for what, does in (
        ("SET", lambda: client.set(key, "1", ex=10)),
        ("GET", lambda: client.get(key)),
        ("DEL", lambda: client.delete(key)),
        ("PUBLISH", lambda: client.publish(key, "1")),
    ):
        try:
            does()  # type: ignore[no-untyped-call]  # redis types some of them
        except wrong as error:
            found.append(Found("redis-rights", f"refuses {what}: {shown(error)}", "give the user what Celery needs"))
    names = ("maxmemory-policy", "maxmemory", "databases")
    policy, memory, databases = (_configured(client, name, wrong) for name in names)
    if policy not in ("", "noeviction") and memory != "0":
        message = f"throws keys away when its memory is full ({policy}), and queued tasks are keys"
        found.append(Found("redis-policy", message, "maxmemory-policy noeviction", "warning"))
    if not policy:
        message = "does not tell its maxmemory-policy to this user, so it is not known whether it throws tasks away"
        found.append(Found("redis-policy", message, "let the user read it, or look at the server", "info"))
    number = urlsplit(url).path.strip("/")
    facts: dict[str, str | int] = {"policy": policy or "unknown"}
    if databases.isdecimal():
        facts["databases"] = int(databases)
    if number.isdecimal():
        facts["database"] = int(number)
    return Said(tuple(found), facts)


def _configured(client: Any, name: str, wrong: type[Exception]) -> str:
    """Return a setting of the server, "" where this user may not read it."""
    try:
        return str(client.config_get(name).get(name, ""))
    except wrong:
        return ""
