"""What `inv check.env` looks at beside the files of the environment."""

from pathlib import Path

from slipway.checks.environment import check_environment
from slipway.config.workspace import Workspace
from slipway.engines.checkout import Checkout

REPOSITORY = Path(__file__).parents[2]


def test_the_sources_of_the_workspace_are_held_against_the_environment(
    root: Path, workspace: Workspace, tmp_path: Path
) -> None:
    look = Checkout(REPOSITORY, workspace, tmp_path / "kept").source_issues
    with (root / "env" / "local.env").open("a") as file:
        file.write("ACRCLOUD_HOST=identify.acrcloud.com\n")
    found = check_environment(root, "local", workspace, more=[look])
    assert [(one.id, one.subject) for one in found if one.id.startswith("sources.")] == [
        ("sources.unread", "ACRCLOUD_HOST")
    ]
    assert sorted(file.name for file in (tmp_path / "kept").iterdir()) == ["overlay.json", "sources.json"]
