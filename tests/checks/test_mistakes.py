"""The table of mistakes: each is found by its id in an otherwise correct configuration that raises no alarm itself."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from slipway.checks.environment import check_environment
from slipway.config.generated import generate_secrets
from slipway.config.schema_file import load_schema
from slipway.config.workspace import Workspace
from slipway.secret import Secret

TABLE = Path(__file__).parents[1] / "cases" / "mistakes" / "production.yaml"
MISTAKES: list[dict[str, Any]] = yaml.safe_load(TABLE.read_text())
BY_HAND = {"EMAIL_HOST_PASSWORD": "Mt4-kQ9_vZr2wXp7", "SLIPWAY_COOLIFY_TOKEN": "3|hT5-nB8_yLd1sKe6GfWq0cJm"}


def correct(root: Path, workspace: Workspace) -> None:
    """Give production the secrets that it needs."""
    schema = load_schema(root / "env" / "schema.yaml", root, workspace)
    by_hand = {name: Secret(value) for name, value in BY_HAND.items()}
    secrets = {**generate_secrets(schema, by_hand), **by_hand}
    text = "".join(f"{name}={value.reveal()}\n" for name, value in secrets.items())
    file = root / "env" / "production.secrets.env"
    file.write_text(text)
    file.chmod(0o600)


def spoil(root: Path, mistake: dict[str, Any]) -> None:
    """Make one mistake."""
    for key, name in (("set", "production.env"), ("secret", "production.secrets.env")):
        file = root / "env" / name
        given: dict[str, str] = mistake.get(key, {})
        kept = [line for line in file.read_text().splitlines() if line.partition("=")[0] not in given]
        file.write_text("\n".join([*kept, *(f"{variable}={value}" for variable, value in given.items())]) + "\n")
    for name, text in mistake.get("file", {}).items():
        (root / "env" / name).write_text(text)


def test_the_correct_configuration_raises_no_alarm(root: Path, workspace: Workspace) -> None:
    correct(root, workspace)
    assert check_environment(root, "production", workspace) == []


@pytest.mark.parametrize("mistake", MISTAKES, ids=[mistake["what"] for mistake in MISTAKES])
def test_each_mistake_is_found_and_has_a_way_out(root: Path, workspace: Workspace, mistake: dict[str, Any]) -> None:
    correct(root, workspace)
    spoil(root, mistake)
    found = {issue.id: issue for issue in check_environment(root, "production", workspace)}
    assert mistake["finds"] in found
    assert found[mistake["finds"]].hint


def test_there_are_as_many_as_the_figure_says() -> None:
    assert len(MISTAKES) == 33
    assert len({mistake["what"] for mistake in MISTAKES}) == 33
