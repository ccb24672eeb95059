"""A service's variables on Coolify: what it can carry to the container, and making them exactly what is wanted.

Coolify writes a `.env` file that Docker Compose parses; some values cannot survive that (read in Coolify 4.3.11 and
compose-go 2.13). Those are refused before anything is sent. Every flag is sent every time: an omitted `is_literal`
resets to false, an omitted `is_multiline` that was true is a server error.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from slipway.engines.coolify.errors import missing_ability
from slipway.engines.coolify.http import Api, as_list, text_of
from slipway.errors import Refused, UsageError
from slipway.release.desired import Variables
from slipway.secret import Secret

_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_.]{0,254}")
_SHARED = re.compile(r"\{\{\s*(team|project|environment|server)\.")
# What Laravel's trimming removes besides white space (zero-width characters and the byte order mark).
_TRIMMED = "\ufeff\u200b\u200e\x00"
# Linux takes no longer `NAME=value` into a process (MAX_ARG_STRLEN, 128 KiB).
_LONGEST = 131_000
_FLAGS = ("is_literal", "is_multiline", "is_shown_once", "is_runtime", "is_buildtime")


def unfit(name: str, value: str) -> str | None:
    """Return why Coolify cannot carry this variable to the container unchanged, or None where it can."""
    if not _KEY.fullmatch(name):
        return "the name must be letters, digits, _ and ., at most 255"
    if name.startswith(("NIXPACKS_", "RAILPACK_")):
        return "Coolify never passes variables of this prefix to a running container"
    if not value:
        return "an empty value becomes null there: leave the variable out"
    if len(value.encode("utf-8", "surrogatepass")) + len(name) > _LONGEST:
        return "no process can be started with a value this long"
    return next((why for broken, why in _value_faults(value) if broken), None)


def _value_faults(value: str) -> tuple[tuple[bool, str], ...]:
    json_like = _is_json(value)
    return (
        (value != value.strip().strip(_TRIMMED), "white space at its start or end is cut off"),
        ("\x00" in value or any("\ud800" <= c <= "\udfff" for c in value), "it is no text that a process can be given"),
        ("'" in value, "a single quote ends the value early and the deployment fails"),
        (value.endswith("\\"), "a backslash at the end swallows the variables after it"),
        ("\r" in value, "carriage returns are changed to line feeds"),
        (bool(_SHARED.search(value)), "{{team. ...}} and the like are replaced by Coolify's shared variables"),
        (json_like and "$" in value, "a $ in JSON is expanded"),
        (json_like and bool(re.search(r"\s#", value)), "JSON is cut off at ' #'"),
        (json_like and "\n" in value, "JSON on several lines breaks: write it on one line"),
    )


def refuse_unfit(variables: Variables) -> None:
    """Raise one `UsageError` that names every variable Coolify cannot carry, and why; values are never shown."""
    found = [f"{name}: {why}" for name, value in sorted(variables.items()) if (why := unfit(name, _plain(value)))]
    if found:
        raise UsageError(
            f"{len(found)} variable(s) would not reach the container unchanged through Coolify",
            details=tuple(found),
            hint="change the value, or give it base64-encoded and decode it in the application",
        )


def read_variables(api: Api, uuid: str) -> dict[str, str]:
    """Return name -> value of an application's production variables. A value locked in Coolify's UI is left out.

    Raises `UsageError` where the token may not read values.
    """
    return {row["key"]: text_of(row, "value") for row in _production(_rows(api, uuid)) if "value" in row}


def set_variables(api: Api, uuid: str, variables: Variables) -> tuple[str, ...]:
    """Make the production variables exactly these; return the names that were created, changed or deleted.

    A deleted variable's preview twin goes with it: it holds the same value where nobody looks. Raises `UsageError`
    before anything is sent where a value cannot be carried, `Refused` where another one is read back.
    """
    refuse_unfit(variables)
    api.mask.add(value for value in variables.values() if isinstance(value, Secret))
    wanted = {name: _item(name, _plain(value)) for name, value in variables.items()}
    rows = _rows(api, uuid)
    current = {text_of(row, "key"): row for row in _production(rows)}
    stale = [item for name, item in sorted(wanted.items()) if not _same(item, current.get(name))]
    gone = sorted(set(current) - set(wanted))
    if stale:
        api.send("PATCH", "applications", uuid, "envs", "bulk", body={"data": stale})
    for row in rows:
        if text_of(row, "key") in gone:
            api.send("DELETE", "applications", uuid, "envs", text_of(row, "uuid"))
    changed = tuple(sorted([*gone, *(item["key"] for item in stale)]))
    if changed:
        _verify(api, uuid, wanted)
    return changed


def _verify(api: Api, uuid: str, wanted: Mapping[str, Mapping[str, Any]]) -> None:
    found = {text_of(row, "key"): row for row in _production(_rows(api, uuid))}
    wrong = [f"{name}: is still there" for name in sorted(set(found) - set(wanted))]
    for name, item in sorted(wanted.items()):
        row = found.get(name)
        if row is None:
            wrong.append(f"{name}: is missing")
        elif not _same(item, row):
            flags = [flag for flag in _FLAGS if bool(row.get(flag)) != item[flag]]
            wrong.append(f"{name}: {', '.join(flags) or 'the value'} is not what was sent")
    if wrong:
        raise Refused("Coolify took the variables and has others", where=f"application {uuid}", details=tuple(wrong))


def _rows(api: Api, uuid: str) -> list[dict[str, Any]]:
    rows = as_list(api.get("applications", uuid, "envs"), "variables")
    if any("value" not in row and not row.get("is_shown_once") for row in rows):
        raise missing_ability("read:sensitive", f"{api.caller.address} (variables)", api.caller)
    return rows


def _production(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [row for row in rows if not row.get("is_preview")]


def _item(name: str, value: str) -> dict[str, Any]:
    return {
        "key": name,
        "value": value,
        "is_preview": False,
        "is_literal": True,
        "is_multiline": "\n" in value,
        "is_shown_once": False,
        "is_runtime": True,
        "is_buildtime": False,
    }


def _same(item: Mapping[str, Any], row: Mapping[str, Any] | None) -> bool:
    if row is None or "value" not in row or text_of(row, "value") != item["value"]:
        return False
    return all(bool(row.get(flag)) == item[flag] for flag in _FLAGS)


def _is_json(value: str) -> bool:
    if not value.lstrip().startswith(("{", "[")):
        return False
    try:
        json.loads(value)
    except RecursionError:
        return True
    except ValueError:
        return False
    return True


def _plain(value: str | Secret) -> str:
    return value.reveal() if isinstance(value, Secret) else value
