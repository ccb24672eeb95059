"""Makes sure that a Docker engine answers: starts or installs it where this user may, else says what to type."""

import fcntl
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from slipway.engines.engine_probe import DEFAULT_SOCKET, Silence, ask_socket, configured_host, unanswered
from slipway.errors import Unreachable
from slipway.ports import Say

PACKAGES = ("docker.io", "iptables", "debootstrap", "apparmor", "ca-certificates")
"""`docker.io` only recommends apparmor, yet on a kernel with AppArmor no container starts without its parser."""

_SBIN = "/usr/sbin:/sbin"  # not on every root's PATH (`su` keeps the caller's), but dpkg and dockerd need it
_WITH_SBIN = ("/bin/sh", "-c", f'PATH="$PATH:{_SBIN}" exec "$@"', "sh")


@dataclass(frozen=True, slots=True)
class Machine:
    """What is asked of this machine. `seconds` is how long a started engine may take to answer."""

    docker_host: str = ""
    socket: Path = DEFAULT_SOCKET
    root: bool = False
    booted: Path = Path("/run/systemd/system")
    init_script: Path = Path("/etc/init.d/docker")
    init_name: Path = Path("/proc/1/comm")
    log: Path = Path("/var/log/slipway-dockerd.log")
    sbin: str = _SBIN
    seconds: float = 90.0

    @classmethod
    def here(cls) -> "Machine":
        """Return this machine as it is."""
        return cls(docker_host=configured_host(), root=os.geteuid() == 0)

    def has(self, program: str) -> bool:
        """Whether a program is installed, also where only root's PATH would find it."""
        return bool(shutil.which(program) or shutil.which(program, path=self.sbin))


def ensure_engine(say: Say, machine: Machine | None = None) -> None:
    """Return once a Docker engine answers on DOCKER_HOST or the default socket.

    As root on Debian or Ubuntu a missing engine is installed with apt-get and a stopped one started; `say` is told
    before each. Where DOCKER_HOST names another engine nothing is ever installed or started.

    Raises:
        Unreachable: no engine answers and this user cannot change that; the hint is the one command to type.
    """
    machine = machine or Machine.here()
    if machine.docker_host not in {"", f"unix://{machine.socket}", "unix:///run/docker.sock"}:
        _ask_elsewhere(machine.docker_host)
        return
    silence = ask_socket(machine.socket)
    if silence is None:
        return
    if silence in {Silence.FORBIDDEN, Silence.MUTE} or not machine.root:
        raise _silent(machine, silence, _way_out(machine, silence))
    with _one_at_a_time(machine):
        if ask_socket(machine.socket) is None:  # another run was quicker
            return
        if not machine.has("dockerd"):
            _install(machine, say)
        _start(machine, say)


def _ask_elsewhere(docker_host: str) -> None:
    where = f"DOCKER_HOST={docker_host}"
    hint = "start that engine, or use this machine's own with 'unset DOCKER_HOST'"
    if reason := unanswered(docker_host):
        raise Unreachable(f"no Docker engine answers: {reason}", where=where, hint=hint)


def _silent(machine: Machine, silence: Silence, hint: str) -> Unreachable:
    return Unreachable(f"no Docker engine answers: {silence}", where=str(machine.socket), hint=hint)


def _way_out(machine: Machine, silence: Silence) -> str:
    systemd = machine.booted.is_dir()
    if silence is Silence.FORBIDDEN:
        command = 'sudo usermod -aG docker "$USER"'
        return f"type '{command}', log in again, then run this again"
    if silence is Silence.MUTE:
        command = "sudo systemctl restart docker" if systemd else "sudo service docker restart"
    elif machine.has("dockerd"):
        command = "sudo systemctl start docker" if systemd else "sudo service docker start"
    elif machine.has("apt-get"):
        command = "sudo apt-get install -y docker.io"
    else:
        return "install Docker Engine 20.10 or newer and start it, then run this again"
    return f"type '{command}', then run this again"


@contextmanager
def _one_at_a_time(machine: Machine) -> Iterator[None]:
    """Hold the log file's lock; the kernel drops it with this process, and a started dockerd does not inherit it."""
    try:
        machine.log.parent.mkdir(parents=True, exist_ok=True)
        handle = machine.log.open("ab")
    except OSError as error:
        raise Unreachable(
            f"no Docker engine answers, and none can be started: {error.strerror}",
            where=str(machine.log),
            hint="make that file writable, or start the engine yourself",
        ) from error
    with handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _install(machine: Machine, say: Say) -> None:
    if not machine.has("apt-get"):
        raise _silent(machine, Silence.MISSING, _way_out(machine, Silence.MISSING))
    say(f"No Docker engine on this machine: installing {' '.join(PACKAGES)} with apt-get (a minute or two) ...")
    began = time.monotonic()
    _run("env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "update", seconds=300)
    _run(
        *("env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "install", "-y", "--no-install-recommends"),
        *PACKAGES,
        seconds=1200,
    )
    if not machine.has("dockerd"):
        raise Unreachable(
            "apt-get installed docker.io, but there is no dockerd", hint=_way_out(machine, Silence.MISSING)
        )
    say(f"Installed in {time.monotonic() - began:.0f} s.")


def _start(machine: Machine, say: Say) -> None:
    began = time.monotonic()
    process: subprocess.Popen[bytes] | None = None
    if machine.booted.is_dir():
        say("Starting the Docker engine with systemctl ...")
        _run("systemctl", "start", "docker", seconds=machine.seconds)
    elif machine.init_script.exists() and _init(machine) == "init":
        say("Starting the Docker engine with its init script ...")
        _run("service", "docker", "start", seconds=machine.seconds)
    else:
        say(f"Starting dockerd (no init runs here; it stays, and writes to {machine.log}) ...")
        process = _detach(machine)
    while (silence := ask_socket(machine.socket, 2)) is not None:
        if process is not None and process.poll() is not None:
            raise Unreachable(
                f"dockerd ended at once with exit code {process.returncode}",
                where=str(machine.log),
                hint="mend what its last lines say, then run this again",
                details=_tail(machine.log),
            )
        if time.monotonic() - began > machine.seconds:
            if process is not None:  # nothing half-started is left behind
                process.terminate()
                try:
                    process.wait(20)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
            raise Unreachable(
                f"the Docker engine was started, but does not answer within {machine.seconds:.0f} s: {silence}",
                where=str(machine.socket),
                hint=f"see {machine.log if process else 'journalctl -u docker'}",
                details=_tail(machine.log) if process else (),
            )
        time.sleep(0.2)
    if process is not None:
        process.returncode = 0  # it stays on purpose; without a return code Popen warns about a child left running
    say(f"The Docker engine answers after {time.monotonic() - began:.1f} s.")


def _detach(machine: Machine) -> subprocess.Popen[bytes]:
    """Start dockerd in a session of its own, so that it outlives this run and hears no Ctrl-C."""
    with machine.log.open("wb") as log:
        return subprocess.Popen(
            [*_WITH_SBIN, "dockerd", f"--host=unix://{machine.socket}"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            cwd="/",
        )


def _run(*argv: str, seconds: float) -> None:
    try:
        done = subprocess.run(
            [*_WITH_SBIN, *argv], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=seconds, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise Unreachable(
            f"`{' '.join(argv)}` did not end within {seconds:.0f} s", hint="run it by hand to see why"
        ) from error
    if done.returncode:
        lines = (done.stderr.strip() or done.stdout.strip()).splitlines()[-8:]
        raise Unreachable(
            f"`{' '.join(argv)}` ended with exit code {done.returncode}",
            hint="mend what its last lines say, then run this again",
            details=tuple(lines),
        )


def _init(machine: Machine) -> str:
    try:
        return machine.init_name.read_text().strip()
    except OSError:
        return ""


def _tail(path: Path, lines: int = 8) -> tuple[str, ...]:
    try:
        return tuple(path.read_text(errors="replace").splitlines()[-lines:])
    except OSError:
        return ()
