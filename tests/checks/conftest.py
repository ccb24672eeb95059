"""A root with the project's own env files and the reference workspace, free to be spoilt."""

import shutil
from pathlib import Path

import pytest

from slipway.config.workspace import Workspace
from slipway.config.workspace_file import load_workspace

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    shutil.copytree(REPOSITORY / "env", tmp_path / "env", ignore=shutil.ignore_patterns("*.secrets.env"))
    return tmp_path


@pytest.fixture
def workspace() -> Workspace:
    return load_workspace(REPOSITORY / "example" / "workspace.yaml", REPOSITORY / "example")
