import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from slipway.config.document import load
from slipway.config.models.catalogue import FILES, VALUES, fields_of, json_schema, model_named, models
from slipway.errors import UsageError

ROOT = Path(__file__).parents[3]
NAMES = [
    "EnvironmentConfig",
    "ServiceConfig",
    "HealthCheckConfig",
    "DatabaseConfig",
    "RedisConfig",
    "SecurityConfig",
    "DeploymentConfig",
    "DeploymentService",
    "ResourceLimits",
    "UpdateStrategy",
    "NetworkConfig",
    "VolumeConfig",
]


def test_the_models_are_there() -> None:
    assert [model.__name__ for model in VALUES] == NAMES
    assert [*models()] == [*NAMES, *FILES]


@pytest.mark.parametrize("name", NAMES)
def test_every_field_of_a_model_is_explained(name: str) -> None:
    model = model_named(name)
    assert (model.__doc__ or "").partition("\n")[0].endswith(".")
    assert model.model_config.get("frozen") is True
    assert model.model_config.get("extra") == "forbid"
    assert [field for field, _, meaning in fields_of(model) if not meaning.endswith(".")] == []


@pytest.mark.parametrize("name", [*NAMES, *FILES])
def test_the_json_schema_is_one(name: str) -> None:
    found = json_schema(model_named(name))
    Draft202012Validator.check_schema(found)
    assert found["additionalProperties"] is False
    assert "[secret]" not in json.dumps(found)


def validator(name: str) -> Draft202012Validator:
    return Draft202012Validator(json_schema(model_named(name)))


def test_an_editor_finds_no_fault_in_the_files_of_this_checkout() -> None:
    for name, file in (
        ("schema", "env/schema.yaml"),
        ("workspace", "workspace.yaml"),
        ("workspace", "example/workspace.yaml"),
    ):
        data = load(ROOT / file, file).data
        assert [error.message for error in validator(name).iter_errors(data)] == []


@pytest.mark.parametrize(
    "wrong",
    [{"variables": {}}, {"environments": {"local": "developmnt"}, "variables": {}},
     {"environments": {}, "variables": {"a": {"type": "string", "description": "text"}}},
     {"environments": {}, "variables": {"A": {"type": "string", "description": "text", "requird": True}}},
     {"environments": {}, "variables": {"A": {"type": "strng", "description": "text"}}}],
)  # fmt: skip
def test_an_editor_finds_the_faults_of_a_wrong_schema(wrong: object) -> None:
    assert list(validator("schema").iter_errors(wrong))


def test_a_reason_alone_is_a_deprecation_for_an_editor_too() -> None:
    for deprecated in ("is gone", {"reason": "renamed", "use": "B", "refused_from": "2030-01-31"}):
        variable = {"type": "integer", "description": "text", "default": 5, "deprecated": deprecated}
        assert list(validator("schema").iter_errors({"environments": {}, "variables": {"A": variable}})) == []


def test_a_size_is_written_with_its_unit_for_an_editor_too() -> None:
    data = load(ROOT / "example" / "workspace.yaml", "x").data
    for budget, fits in (("400MB", True), ("1.2 GB", True), (400, False), ("400", False)):
        data["backend"]["budget"] = budget
        assert (not list(validator("workspace").iter_errors(data))) is fits


@pytest.mark.parametrize(("name", "hint"), [("serviceconfig", "did you mean ServiceConfig?"), ("x", "there are Env")])
def test_a_model_that_is_none_is_told_with_those_that_are(name: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        model_named(name)
    assert hint in caught.value.hint
