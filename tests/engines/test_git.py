import os
import subprocess
from pathlib import Path

import pytest

from slipway.engines.git import version_of
from slipway.engines.local_shell import LocalShell
from slipway.errors import Unreachable, UsageError
from slipway.release.image import Version
from slipway.testing import FakeShell


@pytest.fixture(autouse=True)
def _own_git(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))


def git(folder: Path, *words: str) -> str:
    identity = ("-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false")
    done = subprocess.run(("git", "-C", folder, *identity, *words), check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    folder = tmp_path / "repo"
    (folder / "app").mkdir(parents=True)
    (folder / "app" / "main.py").write_text("1\n")
    (folder / "other.txt").write_text("1\n")
    git(tmp_path, "init", "-q", "-b", "main", str(folder))
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "one")
    return folder


def commit(folder: Path) -> None:
    git(folder, "commit", "-q", "--allow-empty", "-m", "more")


def asked(source: Path) -> Version:
    return version_of(source, LocalShell())


def test_a_clean_checkout_without_a_tag(checkout: Path) -> None:
    version = asked(checkout)
    assert version == Version("0.0.0", git(checkout, "rev-parse", "HEAD")[:12])
    assert version.tag == f"0.0.0-{version.revision}"
    assert asked(checkout / "app") == version


@pytest.mark.parametrize("state", ["changed", "staged", "new", "deleted"])
def test_only_changes_below_the_source_make_it_dirty(checkout: Path, state: str) -> None:
    file = checkout / "app" / ("new.py" if state == "new" else "main.py")
    if state == "deleted":
        file.unlink()
    else:
        file.write_text("2\n")
    if state == "staged":
        git(checkout, "add", "-A")
    assert asked(checkout / "app").dirty
    assert asked(checkout).tag.endswith("-dirty")


def test_changes_elsewhere_do_not(checkout: Path) -> None:
    (checkout / "other.txt").write_text("2\n")
    (checkout / "third.txt").write_text("new\n")
    assert not asked(checkout / "app").dirty
    assert asked(checkout).dirty


def test_new_files_count_although_the_person_hides_them(checkout: Path) -> None:
    git(checkout, "config", "status.showUntrackedFiles", "no")
    (checkout / "app" / "new.py").write_text("1\n")
    assert asked(checkout / "app").dirty


@pytest.mark.parametrize(
    ("tags", "number"),
    [
        (["v1.2.3"], "1.2.3"),
        (["v1.2.3-rc.1"], "1.2.3-rc.1"),
        (["v0.9.0", "v1.0.0"], "1.0.0"),
        (["v1.0.0", "v2"], "1.0.0"),
        (["v1.0.0", "v1.1.0+build"], "1.0.0"),
        (["v1.0.0", "latest", "frontend-v9.9.9"], "1.0.0"),
        (["1.0.0"], "0.0.0"),
        (["v1.x.3"], "0.0.0"),
        ([f"v1.0.0-{'x' * 200}"], "0.0.0"),
    ],
)
def test_the_nearest_version_tag_counts(checkout: Path, tags: list[str], number: str) -> None:
    for tag in tags:
        git(checkout, "tag", tag)
        commit(checkout)
    version = asked(checkout)
    assert version.number == number
    assert version.tag.startswith(f"{number}-")


def test_annotated_tags_count(checkout: Path) -> None:
    git(checkout, "tag", "-a", "-m", "x", "v3.0.0")
    assert asked(checkout).number == "3.0.0"


def test_asking_writes_nothing(checkout: Path) -> None:
    index = checkout / ".git" / "index"
    os.utime(checkout / "app" / "main.py", (1, 1))  # git would refresh what it knows of this file
    before = (index.read_bytes(), index.stat().st_mtime_ns)
    assert not asked(checkout).dirty
    assert (index.read_bytes(), index.stat().st_mtime_ns) == before


@pytest.mark.parametrize("state", ["missing", "no repository", "no commit", "ignored"])
def test_what_cannot_be_traced_is_wrong_use(checkout: Path, tmp_path: Path, state: str) -> None:
    source = tmp_path / state
    if state == "ignored":
        (checkout / ".gitignore").write_text("/vendored\n")
        git(checkout, "add", "-A")
        commit(checkout)
        source = checkout / "vendored"
    if state != "missing":
        source.mkdir()
        (source / "main.py").write_text("1\n")
    if state == "no commit":
        git(source, "init", "-q")
    with pytest.raises(UsageError) as raised:
        asked(source)
    assert raised.value.where == str(source)
    assert raised.value.exit_code == 2
    assert "git init" in raised.value.hint


def test_a_status_that_fails_is_not_taken_for_clean(checkout: Path) -> None:
    (checkout / ".git" / "index").write_bytes(b"garbage")
    with pytest.raises(Unreachable, match="status"):
        asked(checkout)


def test_a_checkout_of_another_user_is_told_with_gits_own_remedy(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")  # git's own switch for this
    with pytest.raises(UsageError) as raised:
        asked(checkout / "app")
    assert (raised.value.where, raised.value.exit_code) == (str(checkout / "app"), 2)
    assert "another user" in raised.value.message
    assert raised.value.hint == f"git config --global --add safe.directory {checkout}"


def test_without_git_the_package_is_named(checkout: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Unreachable, match="git") as raised:
        asked(checkout)
    assert raised.value.hint == "apt-get install git"
    with pytest.raises(Unreachable, match="not found") as raised:
        version_of(Path("/x"), FakeShell())
    assert raised.value.hint == "apt-get install git"
