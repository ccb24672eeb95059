import io
import shutil
import tarfile
import threading
import time
from pathlib import Path

import pytest

from slipway.engines.images import bootstrap
from slipway.engines.images.bootstrap import debian_root
from slipway.errors import Refused, Unreachable, UsageError
from slipway.release.bases import Machine


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(bootstrap, "_SCRATCH", str(tmp_path))
    monkeypatch.setattr(bootstrap, "_ENVIRONMENT", ("env", f"PATH={tmp_path}:/usr/bin:/bin"))
    monkeypatch.setattr(bootstrap, "KEYRING", str(tmp_path / "keyring.gpg"))
    monkeypatch.setattr("os.geteuid", lambda: 0)
    (tmp_path / "keyring.gpg").touch()
    return tmp_path


def _debootstrap(scratch: Path, body: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a program of that name first on the path; `$root` is the folder it was asked to fill."""
    script = scratch / "debootstrap"
    script.write_text(f'#!/bin/sh\nfor word; do case "$word" in /*/root) root=$word ;; esac; done\n{body}\n')
    script.chmod(0o755)
    which = shutil.which
    monkeypatch.setattr(shutil, "which", lambda name: str(script) if name == "debootstrap" else which(name))


def _left(scratch: Path) -> list[str]:
    return [path.name for path in scratch.iterdir() if path.name.startswith("slipway-root-")]


def test_only_root_may_and_others_are_told_the_one_command(scratch: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    with (
        pytest.raises(UsageError, match=r"(?s)needs root.*sudo \./inv build\.bases"),
        debian_root(Machine(), print, threading.Event()),
    ):
        pass


def test_a_machine_without_apt_is_told_to_name_a_registry(scratch: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with (
        pytest.raises(UsageError, match=r"(?s)neither debootstrap nor apt-get.*SLIPWAY_BASE_REGISTRY"),
        debian_root(Machine(), print, threading.Event()),
    ):
        pass


def test_a_missing_debootstrap_is_installed_and_said_so(scratch: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (scratch / "apt-get").write_text(f'#!/bin/sh\necho "$@" >>{scratch}/asked\ntouch {scratch}/keyring.gpg\n')
    (scratch / "apt-get").chmod(0o755)
    (scratch / "keyring.gpg").unlink()
    _debootstrap(scratch, 'mkdir -p "$root/etc"; echo 12 >"$root/etc/debian_version"', monkeypatch)
    said: list[str] = []
    with debian_root(Machine(), said.append, threading.Event()) as tar:
        assert b"".join(tar)
    assert (scratch / "asked").read_text().splitlines() == [
        "update -q",
        "install -y --no-install-recommends debootstrap debian-archive-keyring",
    ]
    assert len(said) == 1
    assert "debootstrap" in said[0]


def test_the_machines_mirror_is_asked_and_the_root_arrives_without_what_no_image_reads(
    scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = f"""
        echo "$@" >{scratch}/asked
        mkdir -p "$root/etc/apt" "$root/proc" "$root/usr/share/man/man1" "$root/var/cache/apt"
        for file in etc/fstab usr/share/man/man1/ls.1 var/cache/apt/x; do echo x >"$root/$file"; done
        ln -s /bin "$root/sbin"
    """
    _debootstrap(scratch, body, monkeypatch)
    machine = Machine(sources="Types: deb\nURIs: http://m.invalid/debian\nSuites: bookworm\n")
    with (
        debian_root(machine, print, threading.Event()) as stream,
        tarfile.open(fileobj=io.BytesIO(b"".join(stream))) as tar,
    ):
        names = tar.getnames()
    assert {"./etc/fstab", "./proc", "./sbin", "./usr/share/man"} <= set(names)
    assert not any(name.startswith(("./usr/share/man/", "./var/cache/")) for name in names)
    asked = (scratch / "asked").read_text()
    assert "--force-check-gpg" in asked
    assert asked.rstrip().endswith("http://m.invalid/debian")
    assert _left(scratch) == []


def test_where_debootstrap_chose_the_mirror_security_updates_are_beside_it(
    scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = """
        mkdir -p "$root/etc/apt/sources.list.d"
        echo "deb http://m.invalid/debian bookworm main" >"$root/etc/apt/sources.list"
    """
    _debootstrap(scratch, body, monkeypatch)
    with (
        debian_root(Machine(), print, threading.Event()) as stream,
        tarfile.open(fileobj=io.BytesIO(b"".join(stream))) as tar,
    ):
        file = tar.extractfile("./etc/apt/sources.list.d/machine.sources")
        assert file is not None
        assert "URIs: http://m.invalid/debian-security\nSuites: bookworm-security" in file.read().decode()
        assert "./etc/apt/sources.list" not in tar.getnames()


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (
            "echo E: Failed getting release file; exit 1",
            r"(?s)debootstrap answered 1.*Failed getting release.*apt-get update",
        ),
        ("echo tar: x: No space left on device; exit 2", r"no space is left"),
    ],
)
def test_a_failure_shows_the_last_lines_and_leaves_nothing(
    scratch: Path, monkeypatch: pytest.MonkeyPatch, body: str, words: str
) -> None:
    _debootstrap(scratch, f'mkdir -p "$root"; {body}', monkeypatch)
    with pytest.raises(Unreachable, match=words), debian_root(Machine(), print, threading.Event()):
        pass
    assert _left(scratch) == []


def test_it_is_ended_from_another_thread_with_all_it_started(scratch: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _debootstrap(scratch, f'mkdir -p "$root"; sleep 300 & echo $! >{scratch}/child; wait', monkeypatch)
    stop = threading.Event()
    threading.Timer(0.5, stop.set).start()
    begin = time.monotonic()
    with pytest.raises(Refused, match="cancelled"), debian_root(Machine(), print, stop):
        pass
    assert time.monotonic() - begin < 5
    child = Path("/proc", (scratch / "child").read_text().strip(), "stat")
    while child.exists() and child.read_text().split()[2] != "Z":
        assert time.monotonic() - begin < 10
        time.sleep(0.05)
    assert _left(scratch) == []
