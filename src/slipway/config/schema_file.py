"""Reading `env/schema.yaml` and holding it against itself and the workspace, every fault at the line of its key."""

from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from slipway.config import schema_rules
from slipway.config.document import Document, read_document
from slipway.config.fault import Fault, refuse, shown
from slipway.config.references import VARIABLE, known_names
from slipway.config.schema import Schema, Variable, VariableName, words_of
from slipway.config.workspace import Workspace

_NAME: TypeAdapter[str] = TypeAdapter(VariableName)


def read_schema(file: Path, root: Path, workspace: Workspace) -> tuple[Schema | None, list[Fault]]:
    """Read the schema and hold it against itself and the workspace. Returns None when it cannot be used."""
    document, faults = read_document(file, shown(file, root))
    if document is None:
        return None, faults
    schema, wrong = document.validate(Schema)
    faults += wrong
    faults += _contradictions(document, schema, workspace)
    return (None if any(fault.fatal for fault in faults) else schema), faults


def load_schema(file: Path, root: Path, workspace: Workspace) -> Schema:
    """Read the schema or raise one `UsageError` with everything wrong in it, each with file:line."""
    schema, faults = read_schema(file, root, workspace)
    refuse(faults, shown(file, root))
    assert schema is not None
    return schema


def _contradictions(document: Document, schema: Schema | None, workspace: Workspace) -> list[Fault]:
    """Return what the variables that can be read say against themselves, also where others cannot be."""
    variables = dict(schema.variables) if schema is not None else _readable(document)
    known = schema_rules.Known(
        tuple(_mapping(document, "environments")),
        variables,
        frozenset(_mapping(document, "variables")),
        words_of(workspace),
        frozenset(service for service in workspace.services if workspace.services[service].role == "static"),
        frozenset({*known_names(workspace), *(f"{VARIABLE}{name}" for name in _mapping(document, "variables"))}),
    )
    found = [
        Fault("schema.environment", document.where(("environments", name)), f"environments.{name}: {message}")
        for name, message in schema_rules.environments(known.environments)
    ]
    for name, variable in variables.items():
        for wrong in schema_rules.contradictions(name, variable, known):
            place = ("variables", name, *wrong.key)
            label = ".".join((name, *map(str, wrong.key)))
            found.append(Fault("schema.variable", document.where(place), f"{label}: {wrong.message}", wrong.hint))
    return found


def _readable(document: Document) -> dict[str, Variable]:
    found = {}
    for name, raw in _mapping(document, "variables").items():
        try:
            found[_NAME.validate_python(name)] = Variable.model_validate(raw)
        except ValidationError:
            continue  # told already
    return found


def _mapping(document: Document, key: str) -> dict[str, Any]:
    below = document.data.get(key) if isinstance(document.data, dict) else None
    return below if isinstance(below, dict) else {}
