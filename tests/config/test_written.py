from pathlib import Path

import pytest

from slipway.config.portal_types import portal_types
from slipway.config.schema import Schema
from slipway.config.schema_file import load_schema
from slipway.config.workspace import Workspace
from slipway.config.written import written_files

ROOT = Path(__file__).parents[2]


def test_every_file_that_is_made_from_the_schema_is_as_the_schema_has_it(workspace: Workspace) -> None:
    schema = load_schema(ROOT / "env" / "schema.yaml", ROOT, workspace)
    files = written_files(schema, (ROOT / "env" / "schema.yaml").read_text(), ROOT, workspace)
    assert [file.shown for file in files] == [
        *(f"env/{name}.env.example" for name in schema.environments),
        "docs/variables.md",
        "packages/ui/src/env.d.ts",
    ]
    assert [file.shown for file in files if file.is_stale] == [], "`inv env.example` writes them anew"


def test_a_checkout_gets_types_only_where_its_workspace_file_says_so(workspace: Workspace) -> None:
    without = workspace.model_copy(update={"frontend": workspace.frontend.model_copy(update={"types": None})})
    schema = load_schema(ROOT / "env" / "schema.yaml", ROOT, without)
    files = written_files(schema, (ROOT / "env" / "schema.yaml").read_text(), ROOT, without)
    assert not [file for file in files if file.shown.endswith(".ts")]


def stated(**variables: dict[str, object]) -> Schema:
    whole = {name: {"services": ["static"], "description": "Text.", **one} for name, one in variables.items()}
    return Schema.model_validate({"environments": {"local": "development"}, "variables": whole})


def test_the_types_say_what_a_value_may_be_and_whether_it_is_there() -> None:
    text = portal_types(
        stated(
            VITE_URL={"type": "url", "required": True},
            VITE_MODE={"type": "enum", "constraints": {"choices": ["dark", 'li"ght']}},
            VITE_FLAG={"type": "boolean", "default": "true"},
            VITE_TITLE={"type": "string", "phase": "build", "required": ["local"]},
            VITE_OLD={"type": "string", "deprecated": "*/ is gone"},
            SECRET={"type": "string"},
        )
    )
    told, _, compiled = text.partition("interface ImportMetaEnv")
    for line in (
        "readonly VITE_URL: string;",
        'readonly VITE_MODE?: "dark" | "li\\"ght";',
        'readonly VITE_FLAG: "true" | "false";',
        "readonly VITE_OLD?: string;",
        "/** Text. @deprecated * / is gone */",
    ):
        assert line in told
        assert line in compiled
    assert "readonly VITE_TITLE?: string;" in compiled
    assert "VITE_TITLE" not in told
    assert "SECRET" not in text


@pytest.mark.parametrize("spoil", [lambda file: file.unlink(), lambda file: file.write_bytes(b"\xff")])
def test_a_file_that_is_not_there_or_is_spoilt_is_stale(root: Path, workspace: Workspace, spoil: object) -> None:
    schema = load_schema(root / "env" / "schema.yaml", root, workspace)
    (root / "docs").mkdir()
    first = written_files(schema, (root / "env" / "schema.yaml").read_text(), root, workspace)[0]
    assert not first.is_stale
    spoil(first.file)  # type: ignore[operator]
    assert first.is_stale
