"""A full disk, a real one: a file system of a few kilobytes in a mount namespace that ends with the command."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.checkouts import Checkout, project

_FULL = """
mount -t tmpfs -o size=8k tmpfs "$1"
head -c 8192 /dev/zero > "$1/other" 2>/dev/null
folder=$1; shift
code=0
"$@" || code=$?
echo "left: $(find "$folder" -mindepth 1 -type f ! -name other | tr '\\n' ' ')" >&2
exit $code
"""


@pytest.fixture
def clone(tmp_path: Path) -> Checkout:
    return project(tmp_path / "clone")


def with_full(folder: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    """Run a task in a mount namespace of its own, in which `folder` lies on a full disk."""
    folder.mkdir(parents=True)
    root = next(parent for parent in folder.parents if (parent / "pyproject.toml").exists())
    own = () if os.geteuid() == 0 else ("--map-root-user",)
    task = (sys.executable, "-m", "invoke", "--search-root", str(root), *words)
    return subprocess.run(
        ["unshare", "--mount", *own, "sh", "-c", _FULL, "sh", str(folder), *task],
        cwd=root,
        env={**os.environ, "DOCKER_HOST": "unix:///run/slipway-test/nobody.sock"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_rehearsals_secrets_find_no_space(clone: Checkout) -> None:
    ran = with_full(clone.path / ".slipway" / "rehearsal", "check.env")
    assert ran.returncode == 3, ran.stderr
    assert (
        f"{clone.path}/.slipway/rehearsal/secrets.env: the rehearsal's secrets cannot be written: No space"
        in ran.stderr
    )
    assert "-> free some space there" in ran.stderr
    assert "left: \n" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_a_report_that_finds_no_space_does_not_hide_why_the_rehearsal_ended(clone: Checkout) -> None:
    ran = with_full(clone.path / "reports", "rehearse")
    assert ran.returncode == 3, ran.stderr
    assert "no Docker engine answers" in ran.stderr
    assert "the report cannot be written: No space left on device" in ran.stdout
    assert "left: \n" in ran.stderr
    assert "Traceback" not in ran.stderr
