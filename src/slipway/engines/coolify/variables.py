"""A service's variables on Coolify: making them exactly what is wanted.

How a value has to be stored to arrive unchanged, and which cannot, is `slipway.release.carried`'s to say; those are
refused before anything is sent. Every flag is sent every time: an omitted `is_literal` resets to false, an omitted
`is_multiline` that was true is a server error.
"""

from collections.abc import Mapping
from typing import Any

from slipway.engines.coolify.errors import missing_ability
from slipway.engines.coolify.http import Api, as_list, text_of
from slipway.errors import Refused, UsageError
from slipway.release.carried import Carried, Uncarried, arrives, carry
from slipway.release.desired import Variables
from slipway.secret import Secret

_FLAGS = ("is_literal", "is_multiline", "is_shown_once", "is_runtime", "is_buildtime")


def encode(variables: Variables) -> dict[str, Carried]:
    """Return how each variable has to be stored for the running process to get exactly its value.

    Raises one `UsageError` that names every variable Coolify cannot carry, and why; values are never shown.
    """
    found = {name: carry(name, _plain(value)) for name, value in sorted(variables.items())}
    refused = [
        f"{name}: {answer.why}; {answer.way_out}" for name, answer in found.items() if isinstance(answer, Uncarried)
    ]
    if refused:
        raise UsageError(
            f"{len(refused)} variable(s) would not reach the container unchanged through Coolify",
            details=tuple(refused),
            hint="`inv check.env` says so before a deployment, with file and line",
        )
    return {name: answer for name, answer in found.items() if isinstance(answer, Carried)}


def read_variables(api: Api, uuid: str) -> dict[str, str]:
    """Return name -> the value that the process gets of an application's production variables.

    Where that is not sure (somebody's `$NAME` outside a literal) it is the stored text. A value locked in Coolify's UI
    is left out.

    Raises `UsageError` where the token may not read values.
    """
    return {row["key"]: _arriving(row) for row in _production(_rows(api, uuid)) if "value" in row}


def set_variables(api: Api, uuid: str, variables: Variables) -> tuple[str, ...]:
    """Make the production variables exactly these; return the names that were created, changed or deleted.

    A deleted variable's preview twin goes with it: it holds the same value where nobody looks. Raises `UsageError`
    before anything is sent where a value cannot be carried, `Refused` where another one is read back.
    """
    stored = encode(variables)
    api.mask.add(value for value in variables.values() if isinstance(value, Secret))
    api.mask.add(Secret(stored[name].text) for name, value in variables.items() if isinstance(value, Secret))
    wanted = {name: _item(name, carried) for name, carried in stored.items()}
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


def _item(name: str, carried: Carried) -> dict[str, Any]:
    return {
        "key": name,
        "value": carried.text,
        "is_preview": False,
        "is_literal": carried.is_literal,
        "is_multiline": carried.is_multiline,
        "is_shown_once": False,
        "is_runtime": carried.is_runtime,
        "is_buildtime": carried.is_buildtime,
    }


def _arriving(row: Mapping[str, Any]) -> str:
    text = text_of(row, "value")
    flags = {flag: bool(row.get(flag)) for flag in ("is_literal", "is_multiline")}
    value = arrives(text, **flags) if text else text
    return text if value is None else value


def _same(item: Mapping[str, Any], row: Mapping[str, Any] | None) -> bool:
    if row is None or "value" not in row or text_of(row, "value") != item["value"]:
        return False
    return all(bool(row.get(flag)) == item[flag] for flag in _FLAGS)


def _plain(value: str | Secret) -> str:
    return value.reveal() if isinstance(value, Secret) else value
