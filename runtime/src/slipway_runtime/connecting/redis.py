"""Redis: answer, the rights that broker and cache need, and a policy that does not throw queued tasks away."""

from typing import Any

from slipway_runtime.conf.celery import verified
from slipway_runtime.connecting import Found, Said, redis_rights, shown


def ask(url: str, seconds: float, *, namespace: str = "slipway") -> Said:
    """Log in, ask for every right that the application uses, then look at the policy."""
    from redis import ConnectionPool, Redis
    from redis.backoff import NoBackoff
    from redis.exceptions import RedisError, ResponseError
    from redis.retry import Retry

    limits: dict[str, Any] = {"socket_timeout": seconds, "socket_connect_timeout": seconds}
    pool = ConnectionPool.from_url(url, retry=Retry(NoBackoff(), 0), **limits)
    try:
        try:
            client: Any = Redis(connection_pool=pool, single_connection_client=True)
            client.ping()
        except RedisError as error:
            return Said((_refused(error),))
        found = [*_broker(url), *redis_rights.ask(client, namespace, ResponseError)]
        policy, facts = _policy(client, RedisError)
        # redis-py's own reading: `?db=` goes before the path.
        facts["database"] = int(pool.connection_kwargs.get("db") or 0)
        return Said((*found, *policy), facts)
    finally:
        pool.disconnect()


def _refused(error: Exception) -> Found:
    """Tell a server that is not there from one that says no."""
    from redis import exceptions

    if isinstance(error, exceptions.AuthenticationError):
        return Found("redis", f"refuses user or password: {shown(error)}", "look at user and password")
    if isinstance(error, exceptions.ConnectionError | exceptions.TimeoutError):
        return Found("redis", f"is not reached: {shown(error)}", "look at host, port and TLS")
    return Found("redis", f"does not let us in: {shown(error)}", "look at the database number and the user's rights")


def _broker(url: str) -> list[Found]:
    """Tell an address that redis-py takes and Celery's broker does not: kombu knows few parameters, `db` not."""
    if not redis_rights.installed("kombu"):
        return []
    import kombu

    try:
        connection: Any = kombu.Connection  # type: ignore[attr-defined]  # lazily made
        connection(verified(url))
    except (TypeError, ValueError) as error:
        # "_init_params() got an unexpected keyword argument 'db'": a name, no value.
        name = str(error).rpartition("argument ")[2] if isinstance(error, TypeError) else "an address of this form"
        message = f"cannot be Celery's broker: it does not take {name} in the address"
        hint = "the database number goes into the path (redis://host:6379/1), other parameters into the settings"
        return [Found("redis", message, hint)]
    return []


def _policy(client: Any, wrong: type[Exception]) -> tuple[list[Found], dict[str, str | int]]:
    found = []
    names = ("maxmemory-policy", "maxmemory", "databases")
    policy, memory, databases = (_configured(client, name, wrong) for name in names)
    if policy not in ("", "noeviction") and memory != "0":
        message = f"throws keys away when its memory is full ({policy}), and queued tasks are keys"
        found.append(Found("redis-policy", message, "maxmemory-policy noeviction", "warning"))
    if not policy:
        message = "does not tell its maxmemory-policy to this user, so it is not known whether it throws tasks away"
        found.append(Found("redis-policy", message, "let the user read it, or look at the server", "info"))
    facts: dict[str, str | int] = {"policy": policy or "unknown"}
    if databases.isdecimal():
        facts["databases"] = int(databases)
    return found, facts


def _configured(client: Any, name: str, wrong: type[Exception]) -> str:
    """Return a setting of the server, "" where this user may not read it."""
    try:
        return str(client.config_get(name).get(name, ""))
    except wrong:
        return ""
