"""Databases that Coolify runs: creating them, starting them, reading their address."""

import re
from collections.abc import Mapping
from typing import Any

from slipway.config.workspace import Engine
from slipway.engines.coolify.errors import missing_ability
from slipway.engines.coolify.http import Api, as_object, text_of
from slipway.errors import PersonNeeded, Refused, UsageError
from slipway.ports import Say
from slipway.release.desired import DesiredDatabase
from slipway.release.observed import ObservedDatabase
from slipway.secret import Secret

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}")
_PASSWORD = re.compile(r"[A-Za-z0-9._~-]{8,}")


def creation_fields(desired: DesiredDatabase) -> dict[str, Any]:
    """Return what `POST /databases/<engine>` needs besides the place. Raises `UsageError` for what it would refuse."""
    password = desired.password.reveal()
    if not _PASSWORD.fullmatch(password):
        raise UsageError(
            "the password must be eight or more of A-Z a-z 0-9 . _ ~ -: every reader of its URL agrees on those",
            where=f"database {desired.name}",
            hint="let Slipway generate it",
        )
    fields: dict[str, Any] = {"name": desired.name, "image": desired.image, "instant_deploy": False}
    if desired.engine is Engine.REDIS:
        return {**fields, "redis_password": password}
    for what, name in (("user", desired.user), ("database", desired.database)):
        if not _NAME.fullmatch(name):
            raise UsageError(
                f"the {what} {name!r} must be letters, digits and _, at most 63", where=f"database {desired.name}"
            )
    return {
        **fields,
        "postgres_user": desired.user,
        "postgres_password": password,
        "postgres_db": desired.database,
    }


def create_database(api: Api, desired: DesiredDatabase, home: Mapping[str, str]) -> str:
    """Create a database, not started, and return its uuid."""
    fields = creation_fields(desired)
    api.mask.add([desired.password])
    answer = as_object(api.send("POST", "databases", desired.engine.value, body={**home, **fields}), "a new database")
    uuid = text_of(answer, "uuid")
    if not uuid:
        raise Refused("Coolify created the database and gave no uuid", where=f"database {desired.name}")
    return uuid


def start_database(api: Api, name: str, uuid: str, say: Say) -> ObservedDatabase:
    """Start a database that does not run; whether it comes up is seen on the host.

    Coolify refreshes the status it tells once a minute, so waiting for it would take up to a minute and prove nothing.
    """
    observed = read_database(api, name, uuid)
    if observed.is_running:
        return observed
    say(f"starting database {name}")
    api.send("POST", "databases", uuid, "start")
    return observed


def read_database(api: Api, name: str, uuid: str) -> ObservedDatabase:
    """Return a database as Coolify has it. Raises `UsageError` where the token may not read its URL."""
    record = as_object(api.get("databases", uuid), "a database")
    if "internal_db_url" not in record:
        raise missing_ability("read:sensitive", f"{api.caller.address} (database {name})", api.caller)
    url = text_of(record, "internal_db_url")
    if not url:
        raise PersonNeeded(
            "Coolify gives no internal URL for it",
            where=f"database {name}",
            hint="open its page in Coolify and save it",
        )
    external = text_of(record, "external_db_url")  # null unless the database was made public in Coolify
    for address in filter(None, (url, external)):
        password = re.search(r"://[^:@/]*:([^@/]+)@", address)
        api.mask.add([Secret(address)] + ([Secret(password[1])] if password else []))
    return ObservedDatabase(
        name=name,
        uuid=text_of(record, "uuid") or uuid,
        status=text_of(record, "status"),
        internal_url=Secret(url),
        image=text_of(record, "image"),
        external_url=Secret(external) if external else None,
    )
