"""The models by name, their fields in words, and their JSON Schema."""

import difflib
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel

from slipway.config.models.base import Model
from slipway.config.models.database import DatabaseConfig
from slipway.config.models.deployment import DeploymentConfig, DeploymentService
from slipway.config.models.environment import EnvironmentConfig
from slipway.config.models.health import HealthCheckConfig, UpdateStrategy
from slipway.config.models.redis import RedisConfig
from slipway.config.models.security import SecurityConfig
from slipway.config.models.service import NetworkConfig, ResourceLimits, ServiceConfig, VolumeConfig
from slipway.config.schema import Schema
from slipway.config.workspace import Workspace
from slipway.errors import UsageError

VALUES: tuple[type[Model], ...] = (
    EnvironmentConfig,
    ServiceConfig,
    HealthCheckConfig,
    DatabaseConfig,
    RedisConfig,
    SecurityConfig,
    DeploymentConfig,
    DeploymentService,
    ResourceLimits,
    UpdateStrategy,
    NetworkConfig,
    VolumeConfig,
)
FILES: Mapping[str, type[BaseModel]] = {"schema": Schema, "workspace": Workspace}
"""What a person writes: env/schema.yaml and workspace.yaml."""


def models() -> dict[str, type[BaseModel]]:
    """Return every model by the name that `inv env.schema --model` takes."""
    return {**{model.__name__: model for model in VALUES}, **FILES}


def model_named(name: str) -> type[BaseModel]:
    """Return one model. Raises `UsageError` for a name that is none."""
    known = models()
    if name in known:
        return known[name]
    close = difflib.get_close_matches(name.lower(), [word.lower() for word in known], 1)
    meant = next((word for word in known if close and word.lower() == close[0]), "")
    hint = f"did you mean {meant}?" if meant else f"there are {', '.join(known)}"
    raise UsageError(f"no model {name!r}", where="--model", hint=hint)


def json_schema(model: type[BaseModel]) -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of what a file or a value holds."""
    found = model.model_json_schema()
    for name, field in model.model_fields.items():
        if field.exclude:  # set by whoever reads the file: no key of it
            found["properties"].pop(name, None)
            if name in found.get("required", ()):
                found["required"].remove(name)
    _close(found)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **found}


def _close(node: Any) -> None:
    """Let no name in beside the patterns of a mapping's keys; pydantic leaves that open."""
    if isinstance(node, dict):
        if "patternProperties" in node:
            node.setdefault("additionalProperties", False)
        node = list(node.values())
    for below in node if isinstance(node, list) else ():
        _close(below)


def fields_of(model: type[BaseModel]) -> Iterator[tuple[str, str, str]]:
    """Yield (field, type, meaning) for people."""
    described = json_schema(model)
    for name, field in described.get("properties", {}).items():
        needed = "" if name in described.get("required", ()) else ", may be left out"
        yield name, f"{_kind(field)}{needed}", field.get("description", "")


def _kind(field: Mapping[str, Any]) -> str:
    if "$ref" in field:
        return str(field["$ref"]).rpartition("/")[2]
    if "anyOf" in field:
        return " or ".join(dict.fromkeys(_kind(one) for one in field["anyOf"]))
    if field.get("type") == "array":
        return f"list of {_kind(field.get('items', {}))}"
    if "enum" in field:
        return " or ".join(str(word) for word in field["enum"])
    kind = field.get("type", "anything")
    return " or ".join(kind) if isinstance(kind, list) else str(kind)
