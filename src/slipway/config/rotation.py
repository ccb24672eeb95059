"""Rotation: what changes when a secret gets a new value, and which secrets cannot be renewed by a file alone."""

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from slipway.config.config import Config
from slipway.config.dotenv import can_be_spelled
from slipway.config.generated import generate_secrets
from slipway.config.layers import FOLDER, Layer
from slipway.errors import UsageError
from slipway.secret import Secret

SIGNING_KEY, OLDER_KEYS = "SECRET_KEY", "SECRET_KEY_FALLBACKS"
CREATED_WITH = {
    "POSTGRES_PASSWORD": "ALTER ROLE on the database, then its page in Coolify",
    "REDIS_PASSWORD": "its page in Coolify, which starts Redis anew",
}
"""Passwords that a database was created with, and where a person changes them."""


@dataclass(frozen=True, slots=True)
class Rotation:
    """New values by name and the file of secrets they belong into, as messages show it; `notes` say what follows."""

    file: str
    values: Mapping[str, Secret] = field(repr=False)
    notes: tuple[str, ...] = ()


def rotation(config: Config, name: str, choose: Callable[[Sequence[str]], str] = secrets.choice) -> Rotation:
    """Return what a new value for the secret `name` changes.

    The older SECRET_KEY moves to the front of SECRET_KEY_FALLBACKS, so that nobody is logged out. Raises `UsageError`
    for what is no secret, or one that somebody else gives out, with the reason.
    """
    _refuse_foreign(config, name)
    file = _file(config, name)
    values = {name: generate_secrets(config.schema, {}, choose)[name]}
    notes = [f"`inv deploy --env {config.environment}` brings it to the services"]
    setting = config.setting(name)
    if name == SIGNING_KEY and OLDER_KEYS in config.schema.variables and setting is not None and setting.text:
        values[OLDER_KEYS] = _older(config, setting.text.reveal(), file)
        notes.append(f"once nobody needs the older one any more, take it out of {OLDER_KEYS} and deploy again")
        notes.append("digests of variables are keyed with it, so that deployment is one of every service")
    return Rotation(file, values, tuple(notes))


def _refuse_foreign(config: Config, name: str) -> None:
    where = f"{FOLDER}/schema.yaml"
    variable = config.schema.variables.get(name)
    if variable is None or not variable.secret:
        reason = "is not a variable that env/schema.yaml knows" if variable is None else "is no secret"
        secret_names = [known for known, found in config.schema.variables.items() if found.generate]
        raise UsageError(f"{name} {reason}", where=where, hint=f"there are {', '.join(secret_names)}")
    if name in CREATED_WITH and config.environment != "rehearsal":
        raise UsageError(
            f"{name} is what the database was created with: a new value here would not reach it",
            where=where,
            hint=f"change it there ({CREATED_WITH[name]}), then put the same value into the file of secrets",
        )
    if name in CREATED_WITH:
        raise UsageError(
            f"{name} is what the rehearsal's database was created with",
            where=where,
            hint="`inv rehearse.down`, then remove the file of made-up secrets: the next rehearsal makes up others",
        )
    if variable.generate is None:
        raise UsageError(
            f"{name} is given out by somebody else, so no value made up here would be accepted",
            where=where,
            hint="ask whoever gives it out for a new one, and put that into the file of secrets",
        )


def _file(config: Config, name: str) -> str:
    """Return the file that the value stands in, or shall stand in."""
    plain = f"{FOLDER}/{config.environment}.secrets.env"
    own = [a for a in config.layers.assignments if a.line.name == name]
    if not own:
        sealed = [file for file in config.layers.files if file.startswith(plain)]
        return sealed[0] if sealed else plain
    winner = own[-1]
    places = ", ".join(a.line.where for a in own)
    if winner.layer is not Layer.SECRETS:
        raise UsageError(f"{name} is set outside the file of secrets", where=places, hint=f"move it to {plain} first")
    return winner.file


def _older(config: Config, key: str, file: str) -> Secret:
    if "," in key or key != key.strip() or not can_be_spelled(key):
        raise UsageError(
            f"the {SIGNING_KEY} of now holds a character that cannot stand in the list {OLDER_KEYS}",
            where=file,
            hint="put a new one into the file yourself; everybody will be logged out once",
        )
    kept = config.setting(OLDER_KEYS)
    chain = config.layers.chain(OLDER_KEYS, None)
    if kept is not None and (kept.references or chain[-1].file != file):
        raise UsageError(
            f"{OLDER_KEYS} stands in another file than {SIGNING_KEY}", where=kept.where, hint=f"move it to {file}"
        )
    older = kept.text.reveal().split(",") if kept is not None and kept.text else []
    return Secret(",".join(dict.fromkeys((key, *(one.strip() for one in older if one.strip())))))
