"""A checkout of one's own for tasks that are typed in this process."""

import importlib
from pathlib import Path

import pytest

import tasks
from tests.conftest import copy_env
from tests.tasks.typed import Desk

SILENT = "unix:///run/slipway-test/nobody.sock"


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Desk:
    """A checkout that is free to be spoilt, and a home without a key."""
    root = tmp_path / "checkout"
    repository = Path(tasks.__file__).parents[1]
    copy_env(root)
    for entry in repository.iterdir():
        if not entry.name.startswith(".") and entry.name not in {"docs", "env", "reports"}:
            (root / entry.name).symlink_to(entry)
    (root / "docs").mkdir()
    (root / "docs" / "checks.md").symlink_to(repository / "docs" / "checks.md")
    for file in Path(tasks.__file__).parent.glob("*.py"):
        module = importlib.import_module(f"tasks.{file.stem}" if file.stem != "__init__" else "tasks")
        if hasattr(module, "ROOT"):
            monkeypatch.setattr(module, "ROOT", root)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("DOCKER_HOST", SILENT)
    return Desk(root, capsys)
