from datetime import date
from pathlib import Path

import pytest

from slipway.config.config import HEALTH_VARIABLES, load_config
from slipway.config.kinds import Kind
from slipway.config.schema import Variable
from slipway.config.schema_file import load_schema
from slipway.config.workspace import Role, Workspace
from slipway.release.desired import release_variables
from slipway.release.image import Version


def test_the_projects_own_schema_is_sound(root: Path, workspace: Workspace) -> None:
    schema = load_schema(root / "env" / "schema.yaml", root, workspace)
    assert {"SECRET_KEY", "DATABASE_URL", "VITE_API_URL", "SLIPWAY_ROLE", *HEALTH_VARIABLES.values()} <= {
        *schema.variables
    }
    assert {variable.type for variable in schema.variables.values()} <= {*Kind}


def test_what_slipway_computes_is_what_the_schema_calls_computed(root: Path, workspace: Workspace) -> None:
    config = load_config(root, "local", workspace, {"SECRET_KEY": "x", "AWS_S3_CUSTOM_DOMAIN": "media.example.org"})
    observed = {f"service.{name}.internal_url": "x" for name in workspace.databases}
    given = {name for service in workspace.services for name in config.settings(service)}
    sent = {name for service in workspace.services for name in config.variables_for(service, observed)}
    computed = {name for name, variable in config.schema.variables.items() if variable.computed}
    sent |= release_variables(Role.WEB, Version("1.0.0", "0123456789ab")).keys()
    assert sent - given == computed | {"SLIPWAY_DRAIN_SECONDS", "SLIPWAY_GRACE_SECONDS"}


@pytest.mark.parametrize(
    ("deprecated", "words"),
    [("is gone", "is gone"), ({"reason": "renamed", "use": "NEW", "refused_from": "2030-01-31"},
      "renamed; use NEW; refused from 2030-01-31")],
)  # fmt: skip
def test_a_deprecation_says_why_what_instead_and_until_when(deprecated: object, words: str) -> None:
    variable = Variable.model_validate(
        {"type": "string", "services": ["web"], "description": "text", "deprecated": deprecated}
    )
    assert str(variable.deprecated) == words
    assert variable.deprecated is not None
    assert not variable.deprecated.is_refused(date(2030, 1, 30))
    assert variable.deprecated.is_refused(date(2030, 1, 31)) is (words != "is gone")
