import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from slipway.errors import Unreachable, UsageError
from slipway.rehearsal.owner import CHECKOUT, PROCESS, Owner, alone


def test_an_owner_is_read_back_from_its_labels() -> None:
    me = Owner.here()
    assert Owner.of(me.labels()) == me
    assert Path(me.checkout, "pyproject.toml").exists()
    assert me.runs()
    assert not me.is_gone()


@pytest.mark.parametrize(
    "labels",
    [
        {},
        {CHECKOUT: "/a"},
        {PROCESS: "here 1/2"},
        {CHECKOUT: "/a", PROCESS: ""},
        {CHECKOUT: "/a", PROCESS: "here x/2"},
        {CHECKOUT: "", PROCESS: "here 1/2"},
    ],
)
def test_labels_that_tell_no_owner(labels: dict[str, str]) -> None:
    assert Owner.of(labels) is None


def test_an_ended_process_does_not_run_nor_does_another_one_of_its_number() -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    try:
        while os.waitid(os.P_PID, ended.pid, os.WEXITED | os.WNOWAIT) is None:
            pass
        me = Owner.here()
        assert replace(me, pid=ended.pid).runs() is False  # not buried yet
    finally:
        ended.wait()
    assert replace(me, pid=ended.pid).runs() is False
    assert replace(me, began="1").runs() is False
    assert replace(me, began="").runs() is False
    assert replace(me, machine="elsewhere").runs() is None
    assert replace(me, checkout="/there/is/none", began="1").is_gone()


def test_a_second_rehearsal_of_a_checkout_is_refused_and_the_first_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "state" / "rehearsal"
    with alone(folder):
        with pytest.raises(UsageError, match=f"process {os.getpid()}") as raised, alone(folder):
            pass
        assert raised.value.hint.endswith(f"kill -INT {os.getpid()}")
    with alone(folder):
        assert [path.name for path in folder.parent.iterdir()] == ["rehearsal.lock"]


def test_a_killed_rehearsal_keeps_nothing(tmp_path: Path) -> None:
    script = (
        "import os, sys\nfrom pathlib import Path\nfrom slipway.rehearsal.owner import alone\n"
        "with alone(Path(sys.argv[1])):\n    print(flush=True)\n    input()\n"
    )
    argv = [sys.executable, "-c", script, str(tmp_path / "rehearsal")]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline()
        with pytest.raises(UsageError, match=f"process {other.pid}"), alone(tmp_path / "rehearsal"):
            pass
        other.kill()
        other.wait()
        with alone(tmp_path / "rehearsal"):
            pass


def test_a_lock_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "rehearsal.lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(Unreachable, match="cannot be opened"), alone(tmp_path / "rehearsal"):
        pass
    assert not (tmp_path / "elsewhere").exists()
