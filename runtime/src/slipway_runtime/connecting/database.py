"""PostgreSQL: log in, and look at version, limit, rights and whether it takes writes."""

from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from slipway_runtime.connecting import Found, Said, shown

_LOOK = """
SELECT current_setting('server_version_num')::int / 10000,
       current_setting('max_connections')::int,
       (SELECT count(*)::int FROM pg_stat_activity WHERE backend_type = 'client backend'),
       pg_is_in_recovery(),
       current_setting('default_transaction_read_only')::bool,
       (SELECT rolsuper FROM pg_roles WHERE rolname = current_user),
       coalesce(has_schema_privilege(current_user, current_schema(), 'CREATE'), false)
"""


def ask(url: str, seconds: float, *, wanted: int = 0, reads_only: bool = False) -> Said:
    """Log in with `url`. `wanted` is the workspace's major version (0: any); a read replica may refuse to write."""
    import psycopg

    try:
        connection = psycopg.connect(**parameters(url), connect_timeout=max(2, int(seconds)))
    except psycopg.OperationalError as error:
        return Said((Found("database", f"does not let us in: {shown(error)}", "look at address, user and password"),))
    try:
        with connection.cursor() as cursor:
            cursor.execute(_LOOK)
            row: Any = cursor.fetchone()
    finally:
        connection.close()
    facts = {"version": row[0], "max_connections": row[1], "in_use": row[2]}
    return Said(tuple(_judged(row, wanted, reads_only)), facts)


def _judged(row: Any, wanted: int, reads_only: bool) -> list[Found]:
    version, _, _, replica, read_only, superuser, may_create = row
    found = []
    if wanted and version != wanted:
        message = f"is PostgreSQL {version}, and the workspace file says {wanted}"
        found.append(Found("database-version", message, "dumps and clients go with one major version: make both one"))
    if not reads_only and (replica or read_only):
        what = "is a replica" if replica else "lets this role read only"
        found.append(Found("database-role", f"{what}: the application cannot write", "name the primary"))
    elif not reads_only and not may_create:
        message = "lets this role create nothing in its schema: migrations cannot make a table"
        found.append(Found("database-role", message, "GRANT CREATE ON SCHEMA public TO the role"))
    if superuser:
        message = "is used as a superuser: whoever takes over the application has the server"
        found.append(Found("database-role", message, "make a role without SUPERUSER", "warning"))
    return found


def parameters(url: str) -> dict[str, Any]:
    """Return libpq's parameters. Raises `ValueError` for what is no address."""
    parts = urlsplit(url)
    if not parts.hostname:
        raise ValueError("the address names no host")
    given = {name: value for name, value in parse_qsl(parts.query) if name.startswith("ssl")}
    return {
        "host": parts.hostname,
        "port": parts.port or 5432,
        "user": unquote(parts.username or ""),
        "password": unquote(parts.password or ""),
        "dbname": unquote(parts.path.lstrip("/")),
        "application_name": "slipway-connect",
        **given,
    }
