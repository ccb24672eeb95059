"""Tests of a service run in a process of their own: what they find, and what they do wrong, becomes an issue."""

import os
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from slipway.checks.issue import Issue, Severity
from slipway.engines.image_tests import ImageTests


class Answering:
    """A container's host: `id -u` answers, all else is not there."""

    def run(self, command: str, stdin: str = "") -> SimpleNamespace:
        code, out = (0, b"10001\n") if command == "id -u" else (127, b"")
        return SimpleNamespace(rc=code, stdout_bytes=out, stderr_bytes=b"" if code == 0 else b"not found")


HOSTS = SimpleNamespace(user=Answering())


def tell(
    name: str, rule: str, message: str, hint: str = "", severity: Severity = Severity.ERROR, where: str = ""
) -> Issue:
    return Issue(f"images.{rule}", severity, name, where, message, hint)


def run(folder: Path, text: str, seconds: float = 20, **more: str) -> list[Issue]:
    theirs = folder / "image_tests"
    theirs.mkdir()
    (theirs / "test_api.py").write_text(text)
    for name, other in more.items():
        (theirs / f"{name}.py").write_text(other)
    tests = ImageTests(folder / "own" / "tests", theirs, seconds)
    return tests.run("api", "web", HOSTS, tell)


def shown(issues: list[Issue]) -> list[tuple[str, str]]:
    return [(issue.where, issue.message) for issue in issues]


def test_a_test_that_passes_says_nothing(tmp_path: Path) -> None:
    assert run(tmp_path, "def test_user(host):\n    assert host.check_output('id -u') == '10001'\n") == []


def test_a_failure_has_its_place_and_its_assertion(tmp_path: Path) -> None:
    (issue,) = run(tmp_path, "def test_user(host):\n    x = host.check_output('id -u')\n\n    assert x == '0'\n")
    assert (issue.id, issue.subject, issue.where) == ("images.tests", "api", "image_tests/test_api.py:4")
    assert issue.message.startswith("test_user: AssertionError: assert '10001' == '0'")


@pytest.mark.parametrize(
    ("text", "where", "words"),
    [
        ("import there_is_none\n", "image_tests/test_api.py:1", "cannot be collected: ModuleNotFoundError"),
        ("x = 1\ndef test_(:\n", "image_tests/test_api.py:2", "cannot be collected: "),
        ("def test_a(host, nothing): pass\n", "image_tests/test_api.py:1", "fixture 'nothing' not found"),
        ("import os\ndef test_a(host):\n    os._exit(3)\n", "image_tests/test_api.py:2", "process ended with 3"),
        ("import sys\nsys.exit(4)\n", "image_tests/test_api.py:1", "ended with"),
        ("def test_a(host):\n    raise SystemExit(5)\n", "image_tests/test_api.py:2", "SystemExit"),
        ("", "image_tests/test_api.py:1", "there is no test in it"),
        ("def test_a(host):\n    host.file('/x').mode\n", "image_tests/test_api.py:1", "test_a: "),
    ],
)
def test_what_goes_wrong_is_told_with_its_place(tmp_path: Path, text: str, where: str, words: str) -> None:
    found = shown(run(tmp_path, text))
    assert any(place == where and words in message for place, message in found), found


@pytest.mark.parametrize("loop", ["time.sleep(60)", "while True: host.run('id -u')", "while True: pass"])
def test_a_test_that_hangs_is_ended_and_named(tmp_path: Path, loop: str) -> None:
    begin = time.monotonic()
    text = f"import time\ndef test_fine(host): pass\ndef test_long(host):\n    {loop}\n"
    ((where, message),) = shown(run(tmp_path, text, seconds=2))
    assert where == "image_tests/test_api.py:3"
    assert message.startswith("still runs after 2 s")
    assert time.monotonic() - begin < 10


def test_what_failed_before_a_hang_is_not_lost(tmp_path: Path) -> None:
    text = "import time\ndef test_a(host):\n    assert 0\ndef test_b(host):\n    time.sleep(60)\n"
    assert len(run(tmp_path, text, seconds=2)) == 2


def test_nothing_is_written_to_this_terminal(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    run(tmp_path, "import os\nprint('loud')\ndef test_a(host):\n    os.write(1, b'louder')\n    print('x'); assert 0\n")
    assert capfd.readouterr() == ("", "")


def test_a_conftest_beside_the_tests_is_used(tmp_path: Path) -> None:
    conftest = "import pytest\n@pytest.fixture\ndef answer(host):\n    return host.check_output('id -u')\n"
    assert run(tmp_path, "def test_a(answer):\n    assert answer == '10001'\n", conftest=conftest) == []


def test_the_host_is_never_this_machine(tmp_path: Path) -> None:
    (tmp_path / "here").touch()
    text = f"def test_a(host):\n    assert host.run('test -e {tmp_path}/here').rc == 127\n"
    assert run(tmp_path, text) == []


def test_files_belong_to_services_by_name(tmp_path: Path) -> None:
    own, theirs = tmp_path / "own", tmp_path / "theirs"
    own.mkdir()
    theirs.mkdir()
    for file in (own / "test_web.py", theirs / "test_my_api.py", theirs / "test_apii.py", theirs / "conftest.py"):
        file.touch()
    tests = ImageTests(own, theirs)
    assert tests.files("my-api", "web") == [own / "test_web.py", theirs / "test_my_api.py"]
    assert tests.files("other", "beat") == []
    assert tests.stray(["my-api"]) == [theirs / "test_apii.py"]


def test_the_process_has_no_children_left(tmp_path: Path) -> None:
    issues: Any = run(tmp_path, "import os\ndef test_a(host):\n    assert 0, os.getpid()\n")
    pid = int(issues[0].message.split("AssertionError: ")[1].split()[0])
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
