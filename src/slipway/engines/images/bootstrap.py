"""A Debian 12 root file system out of packages: debootstrap from the machine's own mirror, as one tar stream."""

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from slipway.engines.images.machine import CODENAME, KEYRING, DebianMirror, find_mirror
from slipway.errors import Refused, SlipwayError, Unreachable, UsageError
from slipway.ports import Say
from slipway.release.bases import Machine

# Left out of the image: what the recipes would remove anyway, and what belongs to the running machine.
_LEFT_OUT = (
    "./dev/*", "./proc/*", "./sys/*", "./run/*", "./tmp/*", "./debootstrap", "./var/cache/*", "./var/log/*",
    "./var/lib/apt/lists/*", "./usr/share/man/*", "./usr/share/info/*", "./usr/share/locale/*", "./etc/resolv.conf",
    "./etc/hostname",
)  # fmt: skip
# Not /tmp: it may be mounted without devices, which debootstrap needs.
_SCRATCH = "/var/tmp"  # noqa: S108 # mkdtemp makes a folder of its own in it
_PACKAGES = ("debootstrap", "debian-archive-keyring")
_ENVIRONMENT = ("env", "LC_ALL=C", "DEBIAN_FRONTEND=noninteractive", "PATH=/usr/sbin:/usr/bin:/sbin:/bin")
_LONGEST_MINUTES = 15


@contextlib.contextmanager
def debian_root(machine: Machine, say: Say, stop: threading.Event) -> Iterator[Iterator[bytes]]:
    """Bootstrap a root file system and yield it as a tar stream; the files are removed again, also when interrupted.

    `stop` ends it from another thread. Raises `UsageError` where this user or this machine cannot do it, `Unreachable`
    when the mirror does not answer or no space is left.
    """
    _ensure_debootstrap(say, stop)
    scratch = Path(tempfile.mkdtemp(prefix="slipway-root-", dir=_SCRATCH))
    try:
        _debootstrap(scratch / "root", machine, stop)
        with _tar(scratch / "root") as stream:
            yield stream
    finally:
        _remove(scratch)


def _ensure_debootstrap(say: Say, stop: threading.Event) -> None:
    if os.geteuid() != 0:
        raise UsageError(
            "no registry offers base images, and making them from Debian packages needs root once",
            hint="sudo ./inv build.bases",
        )
    if shutil.which("debootstrap") and Path(KEYRING).is_file():
        return
    if not shutil.which("apt-get"):
        raise UsageError(
            "no registry offers base images, and this machine has neither debootstrap nor apt-get",
            hint="name a registry that has the Debian flavours: SLIPWAY_BASE_REGISTRY=registry.example.org",
        )
    install = ("apt-get", "install", "-y", "--no-install-recommends", *_PACKAGES)
    say(f"no registry offers base images: {' '.join(install)}")
    for words in (("apt-get", "update", "-q"), install):
        _run(words, stop)


def _debootstrap(root: Path, machine: Machine, stop: threading.Event) -> None:
    addresses = [
        line.removeprefix("URIs:").strip() for line in machine.sources.splitlines() if line.startswith("URIs:")
    ]
    words = (
        # Without --force-check-gpg a missing keyring is no more than a warning.
        *("debootstrap", "--variant=minbase", "--include=ca-certificates", "--force-check-gpg", f"--keyring={KEYRING}"),
        # Where the apt sources name no Debian mirror (Ubuntu), debootstrap takes its own default.
        *(CODENAME, str(root), *addresses[:1]),
    )
    _run(words, stop, log=root / "debootstrap/debootstrap.log")
    listed = root / "etc/apt/sources.list"
    found = find_mirror({listed.name: listed.read_text("utf-8")}) if listed.is_file() and not addresses else None
    if found and found.main.rstrip("/").endswith("/debian"):
        # A full mirror of Debian keeps the security updates beside the release, which is all that debootstrap lists.
        whole = DebianMirror(found.main, f"{found.main.rstrip('/')}-security")
        (root / "etc/apt/sources.list.d/machine.sources").write_text(whole.deb822(), "utf-8")
        listed.unlink()


def _run(words: tuple[str, ...], stop: threading.Event, log: Path | None = None) -> None:
    # A session of its own: when it is stopped, everything that the shell script started ends with it.
    with subprocess.Popen(
        (*_ENVIRONMENT, *words),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    ) as process:
        try:
            output = _output(process, words[0], stop)
        except BaseException:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            raise
    if process.returncode:
        details = output.strip().splitlines()[-8:]
        if log and log.is_file():
            details += log.read_text("utf-8", "replace").strip().splitlines()[-4:]
        if "no space left on device" in "\n".join(details).lower():
            raise Unreachable(
                "no space is left", where=_SCRATCH, hint="about 400 MB are needed", details=tuple(details)
            )
        hint = "see whether this machine's package mirror answers: apt-get update"
        raise Unreachable(f"{words[0]} answered {process.returncode}", hint=hint, details=tuple(details))


def _output(process: subprocess.Popen[str], what: str, stop: threading.Event) -> str:
    deadline = time.monotonic() + 60 * _LONGEST_MINUTES
    while True:
        with contextlib.suppress(subprocess.TimeoutExpired):
            return process.communicate(timeout=0.5)[0]
        if stop.is_set():
            raise Refused(f"{what} was cancelled")
        if time.monotonic() > deadline:
            raise Unreachable(f"{what} did not end within {_LONGEST_MINUTES} minutes", hint="does the mirror answer?")


@contextlib.contextmanager
def _tar(root: Path) -> Iterator[Iterator[bytes]]:
    words = ["tar", "--create", "--numeric-owner", "--one-file-system", "--sort=name", "--directory", str(root)]
    words += [f"--exclude={pattern}" for pattern in _LEFT_OUT]
    with (
        tempfile.TemporaryFile() as said,
        subprocess.Popen([*words, "."], stdout=subprocess.PIPE, stderr=said) as process,
    ):
        assert process.stdout is not None
        stdout = process.stdout

        def chunks() -> Iterator[bytes]:
            while chunk := stdout.read(1 << 20):
                yield chunk

        try:
            yield chunks()
        except BaseException:
            process.kill()
            raise
        if process.wait():
            said.seek(0)
            lines = said.read().decode("utf-8", "replace").strip().splitlines()
            raise Unreachable("the root file system could not be packed", where=str(root), details=tuple(lines[-4:]))


def _remove(scratch: Path) -> None:
    # An interrupted debootstrap leaves /proc and /sys mounted in the root: removing that tree would reach into them.
    for point in sorted(_mounted_below(scratch), reverse=True):
        subprocess.run(["umount", "--lazy", point], check=False, capture_output=True)
    if left := _mounted_below(scratch):
        raise SlipwayError("could not be unmounted", where=left[0], hint=f"umount it, then remove {scratch}")
    shutil.rmtree(scratch)


def _mounted_below(folder: Path) -> list[str]:
    lines = Path("/proc/self/mounts").read_text("utf-8").splitlines()
    return [point for point in (line.split()[1] for line in lines) if point.startswith(f"{folder}/")]
