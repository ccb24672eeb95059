"""What cannot be understood ends with 2, in the form that was asked for; what is understood is Invoke's."""

import json
import subprocess
import sys

import pytest

from tasks._session import ROOT


def typed(*words: str) -> subprocess.CompletedProcess[str]:
    argv = (sys.executable, "-P", str(ROOT / "tasks" / "_program.py"), "--search-root", str(ROOT), *words)
    return subprocess.run(argv, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("check.nope",), "check.nope"),
        (("check.env", "--bogus"), "--bogus"),
        (("check.env", "--env"), "needed value"),
        (("env.rotate",), "required positional"),
        (("--bogus",), "--bogus"),
    ],
)
def test_what_is_not_understood_is_wrong_use(words: tuple[str, ...], told: str) -> None:
    ran = typed(*words)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert told in ran.stderr
    assert "--list" in ran.stderr
    assert "Traceback" not in ran.stderr


@pytest.mark.parametrize("form", [("--format", "json"), ("--format=json",)], ids=["apart", "joined"])
def test_a_program_gets_one_document(form: tuple[str, ...]) -> None:
    ran = typed("env.rotate", *form)
    document = json.loads(ran.stdout)
    assert (ran.returncode, document["ok"], document["error"]["exit_code"]) == (2, False, 2)


def test_what_is_understood_is_invokes_own() -> None:
    ran = typed("--list")
    assert ran.returncode == 0
    assert "check.env" in ran.stdout


def test_a_reader_that_has_seen_enough_is_no_fault() -> None:
    argv = f"{sys.executable} -P {ROOT}/tasks/_program.py --search-root {ROOT} --list | head -n 1"
    ran = subprocess.run(argv, shell=True, capture_output=True, text=True, check=False)
    assert "Traceback" not in ran.stderr
