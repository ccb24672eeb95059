import subprocess
from pathlib import Path

import pytest

from slipway.config.tracked import tracked

FILES = ["env/a.secrets.env", "env/b.secrets.env", "a.secrets.env"]


def git(root: Path, *words: str) -> None:
    subprocess.run(["git", *words], cwd=root, check=True, capture_output=True)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    git(tmp_path, "init", "-q")
    for file in FILES:
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).touch()
    return tmp_path


def test_only_what_the_index_lists_is_tracked(root: Path) -> None:
    assert tracked(root, FILES) == frozenset()
    git(root, "add", "env/a.secrets.env")
    assert tracked(root, FILES) == {"env/a.secrets.env"}
    git(root, "rm", "--cached", "-q", "env/a.secrets.env")
    git(root, "add", "a.secrets.env")
    assert tracked(root, FILES) == {"a.secrets.env"}


def test_a_second_work_tree_is_looked_at_too(root: Path, tmp_path: Path) -> None:
    git(root, "add", "env/a.secrets.env")
    git(root, "-c", "user.name=x", "-c", "user.email=x@y", "commit", "-q", "-m", "x")
    git(root, "worktree", "add", "-q", str(tmp_path / "second"))
    assert tracked(tmp_path / "second", FILES) == {"env/a.secrets.env"}


def test_outside_of_git_nothing_is_tracked(tmp_path: Path) -> None:
    assert tracked(tmp_path, FILES) == frozenset()
