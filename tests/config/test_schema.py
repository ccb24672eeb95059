from pathlib import Path

import pytest

from slipway.config.config import HEALTH_VARIABLES, load_config
from slipway.config.kinds import Kind
from slipway.config.schema import load_schema, read_schema
from slipway.config.workspace import Role, Workspace
from slipway.errors import UsageError
from slipway.release.desired import release_variables
from slipway.release.image import Version

HEAD = "environments: {local: development, production: production}\nvariables:\n"


def complaints(tmp_path: Path, workspace: Workspace, *variables: str) -> list[str]:
    (tmp_path / "schema.yaml").write_text(HEAD + "".join(f"  {line}\n" for line in variables))
    _, faults = read_schema(tmp_path / "schema.yaml", tmp_path, workspace)
    return [str(fault) for fault in faults]


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
    ("line", "words"),
    [
        ("A: {type: string, services: [web], description: text, secret: true, default: x}", "a secret has no default"),
        ("A: {type: string, services: [web], description: text, generate: 20}", "generate is for secrets only"),
        ("A: {type: string, services: [web], description: text, required: true, default: x}", "never missing"),
        ("A: {type: enum, services: [web], description: text}", "choices belong to type enum"),
        ("A: {type: string, services: [web], description: text, constraints: {choices: [a]}}", "choices belong to"),
        ("A: {type: string, description: text}", "who gets it?"),
        ("A: {type: string, services: [web], phase: deploy, description: text}", "who gets it?"),
        ("A: {type: string, services: [wbe], description: text}", "A.services: no service, role or image 'wbe'"),
        ("A: {type: string, services: [web], description: text, required: [prod]}", "no environment 'prod'"),
        ("A: {type: integer, services: [web], description: text, default: x}", "A.default: must be a whole number"),
        ("A: {type: integer, services: [web], description: text, default: 5, constraints: {max: 4}}", "at most 4"),
        ("A: {type: url, services: [web], description: text, example: host}", "A.example: must be an address"),
        ("A: {type: integer, services: [web], description: text, constraints: {min: 5, max: 4}}", "min is larger"),
        ("A: {type: string, services: [web], description: text, constraints: {pattern: '['}}", "no regular expression"),
        ("A: {type: string, services: [web], description: text, requird: true}", "requird: is not a key known here"),
        ("A: {type: strnig, services: [web], description: text}", "variables.A.type"),
        ("a: {type: string, services: [web], description: text}", "variables.a"),
        ("VITE_A: {type: string, phase: deploy, description: text}", "a VITE_ name is read by a portal"),
        ("VITE_A: {type: string, services: [static], description: text, secret: true}", "ends up in every browser"),
        ("A: {type: string, services: [web], phase: build, description: text}", "should be 'run' or 'deploy'"),
        ("A: {type: string, services: [web], description: text, computed: true, default: x}", "computed"),
    ],
)  # fmt: skip
def test_a_schema_that_contradicts_itself_is_refused_with_its_line(
    tmp_path: Path, workspace: Workspace, line: str, words: str
) -> None:
    good = "B: {type: string, services: [web], description: text}"
    found = complaints(tmp_path, workspace, good, line)
    assert len(found) == 1
    assert found[0].startswith("schema.yaml:4: ")
    assert words in found[0]


def test_every_fault_of_a_schema_comes_at_once(tmp_path: Path, workspace: Workspace) -> None:
    bad = "{type: string, services: [nobody], description: text}"
    assert len(complaints(tmp_path, workspace, f"A: {bad}", f"B: {bad}")) == 2
    with pytest.raises(UsageError, match="has 2 problems"):
        load_schema(tmp_path / "schema.yaml", tmp_path, workspace)
