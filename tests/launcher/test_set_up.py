"""What the launcher promises about its first use and every later one."""

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.launcher.checkout import Checkout, base_python

pytestmark = pytest.mark.slow


def wait_for(path: Path) -> None:
    deadline = time.monotonic() + 30
    while not path.exists():
        assert time.monotonic() < deadline, f"{path} did not appear"
        time.sleep(0.02)


def in_set_up(fresh: Checkout) -> "subprocess.Popen[str]":
    """Start a first use and return when it installs slipway itself, where the file `slow` holds it."""
    (fresh.root / "slow").touch()
    started = fresh.start("test")
    wait_for(fresh.venv / "bin" / "inv")
    return started


def test_the_first_use_sets_up_and_later_uses_start_no_program(fresh: Checkout) -> None:
    (fresh.programs / "python3").unlink()
    (fresh.programs / "python3").symlink_to(base_python())
    first = fresh.inv("test", "--fast", "a b")
    assert first.returncode == 0, first.stderr
    assert first.stdout.splitlines()[0] == f"{fresh.root}|--write-pyc|--search-root|{fresh.root}|test|--fast|a b"
    assert first.stderr.startswith(f"Setting up {fresh.venv} from requirements.lock, once")
    assert first.stderr.endswith(" s.\n")
    assert (fresh.venv / "bin" / "pip").exists()
    shutil.rmtree(fresh.programs)
    second = fresh.inv("test", "--fast", "a b")
    assert (second.stdout, second.stderr) == (first.stdout, "")


def test_the_callers_directory_umask_and_environment_are_left_alone(fresh: Checkout, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    before = os.umask(0o027)
    try:
        first = fresh.inv("where", cwd=elsewhere, more={"PIP_USER": "1"})
    finally:
        os.umask(before)
    assert first.stdout.splitlines() == [
        f"{elsewhere}|--write-pyc|--search-root|{fresh.root}|where",
        "invoke 1.0 umask 027 pip_user 1",
    ]
    assert (fresh.venv / "bin" / "inv").stat().st_mode & 0o055 == 0o055


def test_a_link_to_the_launcher_finds_the_checkout(fresh: Checkout, tmp_path: Path) -> None:
    link = tmp_path / "linked"
    link.symlink_to(fresh.root / "inv")
    fresh.inv()
    done = subprocess.run(["../linked", "x"], cwd=fresh.root, env=fresh.environment(), capture_output=True, check=True)
    assert done.stdout.decode().startswith(f"{fresh.root}|--write-pyc|--search-root|{fresh.root}|x\n")
    assert done.stderr == b""


def test_settings_that_would_miss_the_environment_are_overruled(fresh: Checkout, tmp_path: Path) -> None:
    poison = tmp_path / "poison"
    poison.mkdir()
    (poison / "pip.py").write_text("raise SystemExit('the wrong pip')")
    variables = {"PIP_USER": "1", "PIP_TARGET": str(tmp_path / "target"), "PYTHONPATH": str(poison)}
    assert fresh.inv(more={**variables}).returncode == 0
    assert not (tmp_path / "target").exists()


@pytest.mark.parametrize("age", [0, -86400])
def test_another_lock_is_noticed_whether_newer_or_older(fresh: Checkout, age: int) -> None:
    assert "invoke 1.0" in fresh.inv().stdout
    (fresh.venv / "left-over").touch()
    fresh.lock("2.0")
    then = time.time() + age
    os.utime(fresh.root / "requirements.lock", (then, then))
    again = fresh.inv()
    assert "invoke 2.0" in again.stdout
    assert "Setting up" in again.stderr
    assert not (fresh.venv / "left-over").exists()


def test_a_lock_written_again_unchanged_costs_nothing(fresh: Checkout) -> None:
    fresh.inv()
    os.utime(fresh.root / "requirements.lock")
    second = fresh.inv()
    assert (second.returncode, second.stderr) == (0, "")
    shutil.rmtree(fresh.programs)
    assert fresh.inv().returncode == 0


def test_a_checkout_that_moved_is_set_up_again(fresh: Checkout, tmp_path: Path) -> None:
    fresh.inv()
    fresh.root = fresh.root.rename(tmp_path / "moved")
    moved = fresh.inv("x")
    assert "Setting up" in moved.stderr
    assert moved.stdout.startswith(f"{fresh.root}|")


def test_an_interpreter_that_went_away_is_replaced(fresh: Checkout) -> None:
    fresh.inv()
    for link in fresh.venv.glob("bin/python*"):
        link.unlink()
        link.symlink_to("/nowhere/python3")
    assert "Setting up" in fresh.inv().stderr


def test_an_environment_of_someone_else_is_not_touched(fresh: Checkout) -> None:
    fresh.venv.mkdir()
    (fresh.venv / "pyvenv.cfg").touch()
    refused = fresh.inv()
    assert refused.returncode == 2
    assert f"rm -r {fresh.venv}" in refused.stderr
    assert [path.name for path in fresh.venv.iterdir()] == ["pyvenv.cfg"]


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_an_interrupted_set_up_leaves_nothing(fresh: Checkout, sent: signal.Signals, code: int) -> None:
    started = in_set_up(fresh)
    os.killpg(started.pid, sent)
    assert started.wait(10) == code
    started.communicate()
    assert not fresh.venv.exists()
    (fresh.root / "slow").unlink()
    assert fresh.inv().returncode == 0


def test_a_killed_set_up_is_begun_again(fresh: Checkout) -> None:
    started = in_set_up(fresh)
    started.kill()
    started.communicate()
    assert (fresh.venv / "bin" / "inv").exists()
    second = fresh.start("x")
    assert second.stderr is not None
    assert "Another ./inv is setting up" in second.stderr.readline()  # what the killed one started still runs
    (fresh.root / "slow").unlink()
    out, err = second.communicate(timeout=60)
    assert second.returncode == 0
    assert "Setting up" in err
    assert out.startswith(f"{fresh.root}|")


def test_first_uses_at_the_same_time_set_up_once(fresh: Checkout) -> None:
    (fresh.root / "slow").touch()
    started = [fresh.start(str(number)) for number in range(3)]
    wait_for(fresh.venv / "bin" / "inv")
    (fresh.root / "slow").unlink()
    ended = [process.communicate(timeout=60) for process in started]
    assert [process.returncode for process in started] == [0, 0, 0]
    assert sorted(out.splitlines()[0][-1] for out, _ in ended) == ["0", "1", "2"]
    assert sum("Setting up" in err for _, err in ended) == 1
    assert sum("waiting for it" in err for _, err in ended) == 2
