"""The rehearsal's secrets: made up when they are first needed and kept on this machine, outside git."""

import os
from contextlib import suppress
from pathlib import Path

from slipway.config.dotenv import read_env_file
from slipway.config.generated import generate_secrets
from slipway.config.kept import read_schema
from slipway.config.workspace import Workspace
from slipway.errors import Unreachable

_HEAD = "# Made up for rehearsals on this machine. Safe to remove: the next rehearsal makes up others.\n"


def complete_secrets(file: Path, root: Path, workspace: Workspace) -> Path:
    """Add a line for every secret of the schema that a rehearsal makes up and `file` (0600) does not hold yet.

    Whole or not at all. A schema that cannot be read adds nothing: `check.env` says what is wrong with it. Raises
    `Unreachable` where the file cannot be written (no space, no right).
    """
    schema, _ = read_schema(root / "env" / "schema.yaml", root, workspace)
    if schema is None:
        return file
    lines, _ = read_env_file(file, str(file)) if file.exists() else ([], [])
    existing = {line.name: line.value for line in lines}
    missing = generate_secrets(schema, existing)
    if not missing and file.exists():
        return file
    added = "".join(f"{name}={secret.reveal()}\n" for name, secret in missing.items())
    partial = file.with_suffix(".partial")
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        before = file.read_text() if file.exists() else _HEAD
        partial.unlink(missing_ok=True)
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as new:
            new.write(before + added)
            new.flush()
            os.fsync(new.fileno())
        partial.replace(file)
    except OSError as error:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
        raise Unreachable(
            f"the rehearsal's secrets cannot be written: {error.strerror}",
            where=str(file),
            hint="free some space there, or make the folder writable",
        ) from error
    return file
