"""Endpoints of an application's variables, with their traps."""

from collections.abc import Mapping
from typing import Any

from . import application_api, env_file
from .answers import Answer, invalid, message, refuse, server_error
from .endpoint import Endpoint
from .requests import Call
from .rules import boolean, errors_of, text, unknown_fields
from .settings import VERSION
from .store import Row

RULES = {
    "key": text(pattern=r"[A-Za-z_][A-Za-z0-9_.]*", most=255),
    "value": text(nullable=True, most=1_000_000),
    "is_preview": boolean(),
    "is_literal": boolean(),
    "is_multiline": boolean(),
    "is_shown_once": boolean(),
    "is_runtime": boolean(),
    "is_buildtime": boolean(),
    "comment": text(nullable=True, most=256),
}


def envs(call: Call) -> Answer:
    """Production rows, then preview rows."""
    rows = _rows(call, application_api.required(call))
    rows.sort(key=lambda row: (row["is_preview"], row["id"]))
    return Answer(200, [presented(call, row) for row in rows])


def create(call: Call) -> Answer:
    """A new variable; 409 if its key exists."""
    application = application_api.required(call)
    given = call.input
    if errors := {**errors_of(given, RULES, ("key",)), **unknown_fields(given, RULES)}:
        raise invalid(errors)
    if _find(call, application, given):
        return message(409, "Environment variable already exists. Use PATCH request to update it.")
    return Answer(201, {"uuid": _create(call, application, given)["uuid"]})


def change(call: Call) -> Answer:
    """Changes the variable of that key; answers 201."""
    application = application_api.required(call)
    given = call.input
    if errors := {**errors_of(given, RULES, ("key",)), **unknown_fields(given, RULES)}:
        raise invalid(errors)
    row = _find(call, application, given)
    if row is None:
        raise refuse(404, "Environment variable not found.")
    return Answer(201, presented(call, _update(call, row, given)))


def bulk(call: Call) -> Answer:
    """Creates or updates each; stops at the first bad one with the earlier ones saved. Unknown keys are dropped."""
    application = application_api.required(call)
    items = call.input.get("data")
    if not isinstance(items, list) or not items:
        return message(400, "Bulk data is required.")
    saved = []
    for item in items:
        given = {name: item[name] for name in RULES if name in item} if isinstance(item, dict) else {}
        if errors := errors_of(given, RULES, ("key",)):
            raise invalid(errors)
        row = _find(call, application, given)
        saved.append(_update(call, row, given) if row else _create(call, application, given))
    return Answer(201, [presented(call, row) for row in saved])


def delete(call: Call) -> Answer:
    """Removes one row; its twin stays."""
    application = application_api.required(call)
    row = call.site.store.find("envs", call.path["env_uuid"])
    if row is None or row["application_uuid"] != application["uuid"]:
        raise refuse(404, "Environment variable not found.")
    call.site.store.delete("envs", row["uuid"])
    return message(200, "Environment variable deleted.")


def presented(call: Call, row: Row) -> Row:
    """The row as the API shows it: values only to `read:sensitive`, and never those shown once."""
    value = row["value"]
    shown = {name: kept for name, kept in row.items() if name not in {"id", "application_uuid", "value"}}
    shown |= {
        "is_shared": bool(value) and value.startswith("{{") and value.endswith("}}"),
        "is_coolify": row["key"].startswith("SERVICE_"),
        "is_buildpack_control": row["key"].startswith(("NIXPACKS_", "RAILPACK_")),
        "is_required": False,
        "is_really_required": False,
        "order": None,
        "version": VERSION,
    }
    if call.token.sensitive and not row["is_shown_once"]:
        real = env_file.encoded(value, is_literal=row["is_literal"], is_multiline=row["is_multiline"])
        shown |= {"value": value, "real_value": real}
    return shown


def flag_on_update(name: str, row: Row, given: Mapping[str, Any]) -> bool:
    """A flag after an update. Omitted, `is_literal` becomes false.

    The others become NULL, which the table refuses when they were true.

    Raises a Refusal with 500.
    """
    if name in given:
        return given[name] in {True, "1"}
    if name != "is_literal" and row[name]:
        raise server_error()
    return False


def preview_twin(row: Row) -> Row | None:
    """What is created beside a new production variable: the same for previews."""
    return None if row["is_preview"] else {**row, "is_preview": True}


def _create(call: Call, application: Row, given: Mapping[str, Any]) -> Row:
    row = {
        "application_uuid": application["uuid"],
        "key": given["key"],
        "value": given.get("value"),
        "comment": given.get("comment"),
        **{name: given.get(name, False) in {True, "1"} for name in _OFF},
        **{name: given.get(name, True) in {True, "1"} for name in _ON},
    }
    made = call.site.store.insert("envs", row)
    twin = preview_twin(row)
    if twin is not None and not _find(call, application, twin):
        call.site.store.insert("envs", twin)
    return made


def _update(call: Call, row: Row, given: Mapping[str, Any]) -> Row:
    fields: Row = {"value": given.get("value")}
    fields |= {name: flag_on_update(name, row, given) for name in ("is_literal", "is_multiline", "is_shown_once")}
    fields |= {name: given[name] in {True, "1"} for name in _ON if name in given}
    if "comment" in given:
        fields["comment"] = given["comment"]
    return call.site.store.update("envs", row["uuid"], **fields)


def _find(call: Call, application: Row, given: Mapping[str, Any]) -> Row | None:
    preview = given.get("is_preview", False) in {True, "1"}
    found = [row for row in _rows(call, application) if row["key"] == given["key"] and row["is_preview"] == preview]
    return found[0] if found else None


def _rows(call: Call, application: Row) -> list[Row]:
    return call.site.store.where("envs", application_uuid=application["uuid"])


_OFF = ("is_preview", "is_literal", "is_multiline", "is_shown_once")
_ON = ("is_runtime", "is_buildtime")

ENDPOINTS = (
    Endpoint("GET", "/applications/{uuid}/envs", "read", envs),
    Endpoint("POST", "/applications/{uuid}/envs", "write", create),
    Endpoint("PATCH", "/applications/{uuid}/envs", "write", change, json_guard=True),
    Endpoint("PATCH", "/applications/{uuid}/envs/bulk", "write", bulk, json_guard=True),
    Endpoint("DELETE", "/applications/{uuid}/envs/{env_uuid}", "write", delete),
)
