"""What stands in files that everybody has is known, wherever in them it stands."""

import shutil
import subprocess
from pathlib import Path

import pytest

from slipway.config.known_values import examples
from slipway.config.workspace import Workspace
from slipway.secret import Secret

VALUE = "n8Vt-3Kq-Zp6Lw1Xy"


@pytest.fixture
def copied(workspace: Workspace, tmp_path: Path) -> Workspace:
    """The example as a repository of its own."""
    source = tmp_path / "source"
    shutil.copytree(workspace.source, source, ignore=shutil.ignore_patterns("node_modules"))
    subprocess.run(("git", "init", "-q", source), check=True)
    return workspace.model_copy(update={"source": source})


@pytest.mark.parametrize("name", [".env", "prod.env", ".env.production"])
@pytest.mark.parametrize("folder", [".", "zamio_backend", "zamio_admin"])
def test_an_env_file_of_the_source_counts_once_git_tracks_it(
    root: Path, copied: Workspace, folder: str, name: str
) -> None:
    (copied.source / folder / name).write_text(f"SECRET_KEY={VALUE}\n")
    assert Secret(VALUE) not in examples(root, copied)
    subprocess.run(("git", "-C", copied.source, "add", "-f", f"{folder}/{name}"), check=True)
    assert examples(root, copied)[Secret(VALUE)] == (name if folder == "." else f"{folder}/{name}")


@pytest.mark.parametrize(
    "comment", [f"#POSTGRES_PASSWORD={VALUE}", f"# old: POSTGRES_PASSWORD='{VALUE}'", f"  # it was {VALUE}, once"]
)
def test_a_value_put_aside_in_a_comment_is_known_with_its_line(root: Path, workspace: Workspace, comment: str) -> None:
    file = root / "env" / "production.env"
    lines = file.read_text().count("\n")
    with file.open("a") as opened:
        opened.write(f"{comment}\n")
    assert examples(root, workspace)[Secret(VALUE)] == f"env/production.env:{lines + 1}"


def test_a_comment_of_a_file_of_secrets_is_nobodys_else(root: Path, workspace: Workspace) -> None:
    (root / "env" / "production.secrets.env").write_text(f"# it was {VALUE}\n")
    assert Secret(VALUE) not in examples(root, workspace)
