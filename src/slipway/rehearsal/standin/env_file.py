"""The .env file of a deployment: which lines, in which order, and how a value is written."""

import json
import re

from .domains import without_scheme
from .store import Row

_ESCAPED = re.compile(r"[\\\r\t\0\"']")
_ESCAPES = {"\\": "\\\\", "\r": "\\r", "\t": "\\t", "\0": "\\0", '"': '\\"', "'": "\\'"}
_FOREIGN = ("NIXPACKS_", "RAILPACK_")


def encoded(value: str | None, *, is_literal: bool, is_multiline: bool) -> str | None:
    """The value as Coolify writes it after `KEY=`, which Compose then reads by its own rules.

    JSON is written raw, whatever the flags say; literals stand in single quotes whose inner quotes are *not* escaped;
    anything else gets backslashes and no quotes.
    """
    if not value:
        return None
    if looks_like_json(value):
        return value
    if is_literal or is_multiline:
        return f"'{value}'"
    return _ESCAPED.sub(lambda found: _ESCAPES[found[0]], value)


def looks_like_json(value: str) -> bool:
    """Whether the value is valid JSON that starts with a brace or a bracket."""
    if not value.startswith(("{", "[")):
        return False
    try:
        json.loads(value)
    except (ValueError, RecursionError):
        return False
    return True


def predefined(application: Row, commit: str, container: str, user_keys: set[str]) -> list[tuple[str, str]]:
    """The lines that come first; each is left out if the user defines its key.

    Coolify looks at the wrong one of the twins: a user's COOLIFY_FQDN suppresses COOLIFY_URL, and the other way round.
    """
    fqdn = application["fqdn"] or ""
    first = [
        ("SOURCE_COMMIT", commit, "SOURCE_COMMIT"),
        ("COOLIFY_URL", fqdn, "COOLIFY_FQDN"),
        ("COOLIFY_FQDN", without_scheme(fqdn), "COOLIFY_URL"),
        ("COOLIFY_BRANCH", "", "COOLIFY_BRANCH"),
        ("COOLIFY_RESOURCE_UUID", application["uuid"], "COOLIFY_RESOURCE_UUID"),
        ("COOLIFY_CONTAINER_NAME", container, "COOLIFY_CONTAINER_NAME"),
    ]
    return [(key, value) for key, value, unless in first if unless not in user_keys]


def listener(application: Row, user_keys: set[str]) -> list[tuple[str, str]]:
    """PORT and HOST, which every container gets unless the user has them; PORT only if a port is exposed."""
    found = []
    if application["ports_exposes"] and "PORT" not in user_keys:
        found.append(("PORT", str(application["ports_exposes"]).split(",")[0]))
    if "HOST" not in user_keys:
        found.append(("HOST", "0.0.0.0"))  # noqa: S104 - a value that Coolify injects, nothing listens here
    return found


def at_runtime(application: Row, rows: list[Row]) -> list[Row]:
    """The variables that reach the container, in the file's order."""
    kept = [row for row in rows if row["is_runtime"] and not row["is_preview"]]
    chosen = [row for row in kept if not row["key"].startswith(_FOREIGN)]
    by_key = application["settings"]["is_env_sorting_enabled"]
    chosen.sort(key=lambda row: row["key"] if by_key else row["id"])
    return sorted(chosen, key=lambda row: "$SERVICE_" in (row["value"] or "") or "${SERVICE_" in (row["value"] or ""))


def content(application: Row, rows: list[Row], commit: str, container: str) -> str:
    """The whole file."""
    own = at_runtime(application, rows)
    keys = {row["key"] for row in own}
    lines = [f"{key}={value}" for key, value in predefined(application, commit, container, keys)]
    for row in own:
        value = encoded(row["value"], is_literal=row["is_literal"], is_multiline=row["is_multiline"])
        lines.append(f"{row['key']}={value or ''}")
    lines += [f"{key}={value}" for key, value in listener(application, keys)]
    return "\n".join(lines) + "\n"
