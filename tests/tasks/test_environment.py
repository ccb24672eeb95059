"""What `inv check.env` looks at beside the files of the environment."""

from pathlib import Path
from types import SimpleNamespace

from slipway.checks.environment import check_environment
from slipway.config.workspace import Workspace
from tasks._environment import looks

REPOSITORY = Path(__file__).parents[2]


def test_the_sources_of_the_workspace_are_held_against_the_environment(
    root: Path, workspace: Workspace, tmp_path: Path
) -> None:
    session = SimpleNamespace(workspace=workspace, builds_folder=tmp_path / "kept")
    with (root / "env" / "local.env").open("a") as file:
        file.write("ACRCLOUD_HOST=identify.acrcloud.com\n")
    found = check_environment(root, "local", workspace, more=looks(session))  # type: ignore[arg-type]
    assert [(one.id, one.subject) for one in found if one.id.startswith("sources.")] == [
        ("sources.unread", "ACRCLOUD_HOST")
    ]
    assert sorted(file.name for file in session.builds_folder.iterdir()) == ["overlay.json", "sources.json"]
