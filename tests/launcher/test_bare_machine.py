"""What the launcher does on machines that lack something, as root and as anyone else."""

import pytest

from tests.launcher.checkout import Checkout, base_python

pytestmark = pytest.mark.slow

APT = """echo "$@" >> "${0%/*}/apt-calls"
[ ! -e "${0%/*}/offline" ] || { echo "E: Failed to fetch everything" >&2; exit 100; }
[ "$1" != install ] || : > "${0%/*}/installed"
"""


def user(fresh: Checkout, number: int) -> None:
    fresh.program("id", f"echo {number}")


def calls(fresh: Checkout) -> list[str]:
    path = fresh.programs / "apt-calls"
    return path.read_text().splitlines() if path.exists() else []


def test_without_ensurepip_the_systems_pip_fills_the_environment(fresh: Checkout) -> None:
    fresh.python_without("ensurepip")
    user(fresh, 1000)
    done = fresh.inv("x")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"{fresh.root}|--write-pyc|--search-root|{fresh.root}|x\n")
    assert not (fresh.venv / "bin" / "pip").exists()
    assert fresh.inv().stderr == ""


def test_without_ensurepip_and_pip_root_gets_the_package(fresh: Checkout) -> None:
    fresh.python_without("ensurepip", "pip")
    user(fresh, 0)
    fresh.program("apt-get", APT)
    done = fresh.inv("x")
    assert done.returncode == 0, done.stderr
    assert calls(fresh) == ["update", "install -y --no-install-recommends python3-venv"]
    assert "installing python3-venv with apt-get" in done.stderr


def test_without_ensurepip_and_pip_others_are_told_the_one_command(fresh: Checkout) -> None:
    fresh.python_without("ensurepip", "pip")
    user(fresh, 1000)
    fresh.program("apt-get", APT)
    done = fresh.inv("x")
    assert done.returncode == 2
    assert "type 'sudo apt-get install -y python3-venv', then run ./inv again" in done.stderr
    assert calls(fresh) == []
    assert not fresh.venv.exists()


def test_without_python_others_are_told_the_one_command(fresh: Checkout) -> None:
    (fresh.programs / "python3").unlink()
    user(fresh, 1000)
    fresh.program("apt-get", APT)
    done = fresh.inv()
    assert done.returncode == 2
    assert "Slipway needs Python 3.11 or newer" in done.stderr
    assert "type 'sudo apt-get install -y python3 python3-venv'" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_without_python_root_gets_it(fresh: Checkout) -> None:
    (fresh.programs / "python3").unlink()
    user(fresh, 0)
    fresh.program("apt-get", APT + f'ln -sf {base_python()} "${{0%/*}}/python3"')
    (fresh.programs / "ln").symlink_to("/bin/ln")
    done = fresh.inv()
    assert done.returncode == 0, done.stderr
    assert calls(fresh)[1] == "install -y --no-install-recommends python3 python3-venv"


def test_an_old_python_counts_as_none_and_a_newer_one_beside_it_is_found(fresh: Checkout) -> None:
    fresh.program("python3", "echo /usr/bin/python3.9; exit 1")
    user(fresh, 0)
    fresh.program("apt-get", APT)
    done = fresh.inv()
    assert done.returncode == 2
    assert "this system's package is older" in done.stderr
    assert len(calls(fresh)) == 2
    (fresh.programs / "python3.12").symlink_to(base_python())
    assert fresh.inv().returncode == 0


def test_without_apt_the_message_is_general(fresh: Checkout) -> None:
    (fresh.programs / "python3").unlink()
    done = fresh.inv()
    assert done.returncode == 2
    assert "install it with your system's package manager" in done.stderr


def test_a_mirror_that_does_not_answer_is_shown_in_its_own_words(fresh: Checkout) -> None:
    (fresh.programs / "python3").unlink()
    (fresh.programs / "offline").touch()
    user(fresh, 0)
    fresh.program("apt-get", APT)
    done = fresh.inv()
    assert done.returncode == 3
    assert "  | E: Failed to fetch everything\n" in done.stderr
    assert "apt-get update failed; the whole log is " in done.stderr
    assert not fresh.venv.exists()


def test_a_package_that_is_not_what_the_lock_says_is_refused(fresh: Checkout) -> None:
    lock = fresh.root / "requirements.lock"
    lock.write_text(f"{lock.read_text()[:-6]}00000\n")
    done = fresh.inv()
    assert done.returncode == 3
    assert "the packages of requirements.lock could not be installed" in done.stderr
    assert "THESE PACKAGES DO NOT MATCH THE HASHES" in done.stderr
    assert not fresh.venv.exists()


def test_an_unreachable_registry_is_a_message(fresh: Checkout) -> None:
    for wheel in fresh.wheels.iterdir():
        wheel.unlink()
    done = fresh.inv()
    assert done.returncode == 3
    assert "No matching distribution found" in done.stderr
    assert not fresh.venv.exists()


@pytest.mark.parametrize("content", ["\0\0\0", "invoke\n", "-r /nowhere\n", ""])
def test_a_broken_lock_leaves_nothing(fresh: Checkout, content: str) -> None:
    (fresh.root / "requirements.lock").write_text(content)
    done = fresh.inv()
    assert done.returncode == 3
    assert "the whole log is" in done.stderr
    assert not fresh.venv.exists()


def test_a_missing_lock_is_named(fresh: Checkout) -> None:
    (fresh.root / "requirements.lock").unlink()
    done = fresh.inv()
    assert done.returncode == 2
    assert "requirements.lock is missing: restore it with 'git checkout requirements.lock'" in done.stderr
