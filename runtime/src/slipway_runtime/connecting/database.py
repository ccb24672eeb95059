"""PostgreSQL: log in, and look at version, limit, rights and whether it takes writes."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from slipway_runtime.conf import database as overlaid
from slipway_runtime.conf.env import Env
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

_DJANGOS = ("pool", "assume_role", "isolation_level", "server_side_binding")
"""Options that Django keeps for itself."""


def ask(
    url: str, seconds: float, *, environ: Mapping[str, str] | None = None, wanted: int = 0, reads_only: bool = False
) -> Said:
    """Log in with `url` as Django does. `wanted` is the workspace's major version (0: any).

    `environ` holds what the overlay adds to the parameters; a read replica (`reads_only`) may refuse to write.
    """
    import psycopg

    given = parameters(url, environ or {})
    given["connect_timeout"] = max(2, int(seconds))  # libpq takes less than 2 for 2; the time for a question is ours
    try:
        connection = psycopg.connect(**given)
    except psycopg.OperationalError as error:
        return Said((_refused(error),))
    except (psycopg.ProgrammingError, TypeError, ValueError) as error:
        # libpq: `invalid connection option "foo"`; values of parameters are in no message but that of their own.
        message = f"has parameters that the driver does not take: {shown(error)}"
        return Said((Found("database", message, "the application fails like this as well: mend what follows the ?"),))
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


def _refused(error: Exception) -> Found:
    """Tell a server that is not there from one that says no: only the latter has a severity (FATAL) to tell."""
    if re.search("FATAL|PANIC|authentication|no password supplied", str(error)):
        return Found("database", f"refuses us: {shown(error)}", "look at user, password and database")
    return Found("database", f"is not reached: {shown(error)}", "look at host, port and TLS")


def parameters(url: str, environ: Mapping[str, str]) -> dict[str, Any]:
    """Return what Django hands to the driver for `url`. Raises `ValueError` for what is no address.

    The query is read as dj-database-url reads it (every parameter an option, `currentSchema` a search path), the rest
    goes before or behind it as in django.db.backends.postgresql, and the overlay adds its own as in the application.
    """
    parts = urlsplit(url)
    options = {key: _value(values) for key, values in parse_qs(parts.query).items()}
    schema = options.pop("currentSchema", None)
    if schema:
        options["options"] = f"-c search_path={schema}"
    named = {
        "user": unquote(parts.username or ""),
        "password": unquote(parts.password or ""),
        "host": unquote(parts.hostname or ""),
        "port": parts.port or "",
    }
    if not named["host"] and not {"host", "hostaddr", "service"} & options.keys():
        raise ValueError("the address names no host")
    name = unquote(parts.path[1:])
    if not name and "service" not in options:
        raise ValueError("the address names no database")
    if "database" not in Env(environ).items("SLIPWAY_OVERLAY_OFF"):
        known = {"DATABASES": {"default": {"ENGINE": "postgresql", "OPTIONS": options}}}
        alone = Env({**environ, "DB_POOL_SIZE": "0"})
        options = overlaid.overlay(known, alone)["DATABASES"]["default"]["OPTIONS"]
    ours = {key: value for key, value in options.items() if key not in _DJANGOS}
    first = {"dbname": name} if name else {}
    return {**first, **ours, "client_encoding": "UTF8", **{key: value for key, value in named.items() if value}}


def _value(values: list[str]) -> Any:
    """Return a parameter's value as dj-database-url makes it: a number, a truth, a text, or a list of them."""
    read = [int(one) if one.isdigit() else {"true": True, "false": False}.get(one.lower(), one) for one in values]
    return read[0] if len(read) == 1 else read
