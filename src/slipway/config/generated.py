"""Generated secrets: what the rehearsal makes up for itself, in the one alphabet that every reader agrees on."""

import secrets
import string
from collections.abc import Callable, Mapping, Sequence

from slipway.config.schema import Schema
from slipway.secret import Secret

# Letters, digits, - and _ pass unchanged through every reader of env files and inside URLs (research: A2b).
ALPHABET = string.ascii_letters + string.digits + "-_"


def generate_secrets(
    schema: Schema, existing: Mapping[str, Secret], choose: Callable[[Sequence[str]], str] = secrets.choice
) -> dict[str, Secret]:
    """Return a value for every variable with `generate` that `existing` does not hold.

    `choose` picks one character of a sequence; pure but for it. A value never starts with `-`, which a command line
    could take for an option.
    """
    return {
        name: Secret(choose(ALPHABET[:-2]) + "".join(choose(ALPHABET) for _ in range(variable.generate - 1)))
        for name, variable in schema.variables.items()
        if variable.generate is not None and name not in existing
    }
