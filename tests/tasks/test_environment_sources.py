"""What `inv check.env` looks at beside the files of the environment."""

from pathlib import Path
from types import SimpleNamespace

from slipway.checks.environment import check_environment
from slipway.checks.issue import Issue
from slipway.config.config import Config
from slipway.config.workspace import Workspace
from tasks._environment import source_issues

REPOSITORY = Path(__file__).parents[2]


def test_the_sources_of_the_workspace_are_held_against_the_environment(
    root: Path, workspace: Workspace, tmp_path: Path
) -> None:
    session = SimpleNamespace(workspace=workspace, builds_folder=tmp_path / "kept")

    def look(config: Config) -> list[Issue]:
        return source_issues(session, config)  # type: ignore[arg-type]

    with (root / "env" / "local.env").open("a") as file:
        file.write("ACRCLOUD_HOST=identify.acrcloud.com\n")
    found = check_environment(root, "local", workspace, more=[look])
    assert [(one.id, one.subject) for one in found if one.id.startswith("sources.")] == [
        ("sources.unread", "ACRCLOUD_HOST")
    ]
    assert sorted(file.name for file in session.builds_folder.iterdir()) == ["overlay.json", "sources.json"]
