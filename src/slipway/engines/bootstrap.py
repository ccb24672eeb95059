"""A Debian 12 root file system out of packages: debootstrap from the machine's own mirror, as one tar stream."""

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from slipway.engines.machine import CODENAME
from slipway.errors import SlipwayError, Unreachable, UsageError
from slipway.ports import Say
from slipway.release.bases import Machine

# Left out of the image: what the recipes would remove anyway, and what belongs to the running machine.
_LEFT_OUT = (
    "./dev/*", "./proc/*", "./sys/*", "./run/*", "./tmp/*", "./debootstrap", "./var/cache/*", "./var/log/*",
    "./var/lib/apt/lists/*", "./usr/share/man/*", "./usr/share/info/*", "./usr/share/locale/*", "./etc/resolv.conf",
    "./etc/hostname",
)  # fmt: skip
_DEBOOTSTRAP = ("debootstrap", "debian-archive-keyring")


@contextlib.contextmanager
def debian_root(machine: Machine, say: Say) -> Iterator[Iterator[bytes]]:
    """Bootstrap a root file system and yield it as a tar stream; the files are removed again, also when interrupted.

    Raises `UsageError` where this user or this machine cannot do it, `Unreachable` when the mirror does not answer.
    """
    _ensure_debootstrap(say)
    # Not /tmp: it may be mounted without devices, which debootstrap needs.
    scratch = Path(tempfile.mkdtemp(prefix="slipway-root-", dir="/var/tmp"))
    root = scratch / "root"
    try:
        _debootstrap(root, machine)
        with _tar(root) as stream:
            yield stream
    finally:
        _remove(scratch)


def _ensure_debootstrap(say: Say) -> None:
    install = f"apt-get install -y --no-install-recommends {' '.join(_DEBOOTSTRAP)}"
    if os.geteuid() != 0:
        raise UsageError(
            "no registry offers base images, and making them from Debian packages needs root once",
            hint="sudo ./inv build.bases",
        )
    if shutil.which("debootstrap"):
        return
    if not shutil.which("apt-get"):
        raise UsageError(
            "no registry offers base images, and this machine has neither debootstrap nor apt-get",
            hint="name a registry with the Debian flavours: SLIPWAY_BASE_REGISTRY=registry.example.org",
        )
    say(f"no registry image: installing debootstrap ({install})")
    for words in (("apt-get", "update", "-q"), tuple(install.split())):
        _run(words, "apt")


def _debootstrap(root: Path, machine: Machine) -> None:
    words = ["debootstrap", "--variant=minbase", "--include=ca-certificates", CODENAME, str(root)]
    # Without a Debian mirror in the apt sources (Ubuntu), debootstrap takes its own default.
    words += [line.removeprefix("URIs:").strip() for line in machine.sources.splitlines() if line.startswith("URIs:")][
        :1
    ]
    _run(tuple(words), "debootstrap", log=root / "debootstrap/debootstrap.log")


def _run(words: tuple[str, ...], what: str, log: Path | None = None) -> None:
    environment = {
        "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C"
    }  # fmt: skip
    # A session of its own: on an interrupt everything that the shell script started ends with it.
    with subprocess.Popen(
        words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
        env=environment, start_new_session=True,
    ) as process:  # fmt: skip
        try:
            output, _ = process.communicate(timeout=900)
        except BaseException as error:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            if isinstance(error, subprocess.TimeoutExpired):
                raise Unreachable(
                    f"{what} did not end within 15 minutes", hint="see whether the mirror answers"
                ) from error
            raise
    if process.returncode:
        tail = output.strip().splitlines()[-8:]
        if log and log.is_file():
            tail += log.read_text("utf-8", "replace").strip().splitlines()[-4:]
        full = "no space left on device" in "\n".join(tail).lower()
        raise Unreachable(
            "no space is left in /var/tmp (about 400 MB are needed)"
            if full
            else f"{what} failed ({process.returncode})",
            hint="free some space" if full else "see whether this machine's package mirror answers: apt-get update",
            details=tuple(tail),
        )


@contextlib.contextmanager
def _tar(root: Path) -> Iterator[Iterator[bytes]]:
    words = ["tar", "--create", "--numeric-owner", "--one-file-system", "--sort=name", "--directory", str(root)]
    words += [f"--exclude={pattern}" for pattern in _LEFT_OUT]
    with subprocess.Popen([*words, "."], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        stdout = process.stdout

        def chunks() -> Iterator[bytes]:
            while chunk := stdout.read(1 << 20):
                yield chunk

        try:
            yield chunks()
        except BaseException:
            process.kill()
            raise
        problem = process.stderr.read().decode("utf-8", "replace").strip()
    if process.returncode:
        raise Unreachable("the root file system could not be packed", details=tuple(problem.splitlines()[-4:]))


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
