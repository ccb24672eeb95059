"""docs/checks.md: every id that the code has is there, and its sample output says what is true."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from slipway.checks import readers
from slipway.checks.environment import RULES
from slipway.checks.sources.rules import RULES as SOURCE_RULES
from slipway.config.schema_file import load_schema
from slipway.config.workspace import Workspace

REPOSITORY = Path(__file__).parents[2]
PAGE = (REPOSITORY / "docs" / "checks.md").read_text()
IDS = set(re.findall(r"^\| `([a-z]+\.[a-z*-]+)`", PAGE, re.MULTILINE))
_MADE_BY = {"Fault", "Issue", "issue"}
_KINDS = {"Misfit": "env", "stand.issue": "sources"}


def said(file: Path) -> Iterator[str]:
    """Yield every id that a file makes a finding of, where it is written out."""
    for node in ast.walk(ast.parse(file.read_text())):
        if not isinstance(node, ast.Call):
            continue
        name = ast.unparse(node.func)
        words = [one.value for one in node.args[:2] if isinstance(one, ast.Constant) and isinstance(one.value, str)]
        if name in _MADE_BY:
            yield from (word for word in words if re.fullmatch(r"[a-z]+\.[a-z-]+", word))
        elif name in _KINDS and words:
            yield f"{_KINDS[name]}.{words[0]}"


def test_every_id_in_the_code_has_a_row() -> None:
    found = {one for file in (REPOSITORY / "src").rglob("*.py") for one in said(file)}
    assert len(found) > 100
    assert {"env.environment", "age.recipient", "requirements.line", "workspace.path", "sources.unread"} <= found
    assert sorted(found - IDS) == []


def test_the_sample_output_counts_what_runs(workspace: Workspace) -> None:
    sample = re.search(r"(\d+) rules over (\d+) variables of (\d+) services", PAGE)
    assert sample is not None
    schema = load_schema(REPOSITORY / "env" / "schema.yaml", REPOSITORY, workspace)
    rules = len(RULES) + len(SOURCE_RULES) + readers.RULES
    assert [int(one) for one in sample.groups()] == [rules, len(schema.variables), len(workspace.services)]


def test_the_readers_number_is_that_of_their_ids() -> None:
    assert len({one for one in IDS if one.startswith("readers.")}) == readers.RULES
