"""What `inv check.env` looks at beside the files of the environment."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from slipway.checks.environment import check_environment
from slipway.checks.issue import Severity
from slipway.config.workspace import Workspace
from slipway.engines.checkout import Checkout

REPOSITORY = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("spoil", "line", "told"),
    [
        (Path.unlink, 1, "is not there"),
        (lambda file: file.write_text("import os\nA = os.environ[\n"), 2, "'[' was never closed"),
        (lambda file: file.write_bytes(b"import os\nos.environ['A']\n# caf\xe9\n"), 3, "not UTF-8"),
    ],
    ids=["gone", "broken", "latin-1"],
)
def test_settings_that_cannot_be_read_are_an_error_and_nobody_is_told_to_remove_what_they_may_read(
    root: Path, workspace: Workspace, tmp_path: Path, spoil: Callable[[Path], object], line: int, told: str
) -> None:
    source = tmp_path / "source"
    shutil.copytree(workspace.source, source, ignore=shutil.ignore_patterns("node_modules"))
    spoil(source / "zamio_backend" / "core" / "settings.py")
    moved = workspace.model_copy(update={"source": source})
    with (root / "env" / "local.env").open("a") as file:
        file.write("ACRCLOUD_HOST=identify.acrcloud.com\n")
    look = Checkout(REPOSITORY, moved, tmp_path / "kept").source_issues
    found = [one for one in check_environment(root, "local", moved, more=[look]) if one.id.startswith("sources.")]
    assert [(one.id, one.severity) for one in found] == [("sources.unparsed", Severity.ERROR)]
    assert found[0].where.endswith(f"core/settings.py:{line}")
    assert told in found[0].message


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
