"""A missing engine is installed and started for root, others hear what to type; programs and sockets are real."""

import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from slipway.engines import engine_setup
from slipway.engines.engine_probe import Silence, ask_socket
from slipway.engines.engine_setup import Machine, ensure_engine
from slipway.errors import Unreachable

ENGINE = f"""#!{sys.executable} -I
import os, socket, sys, time
path = sys.argv[1].removeprefix("--host=unix://")
print("engine speaks", flush=True)
if os.path.exists(os.path.dirname(__file__) + "/broken"):
    sys.exit("failed to start: no space left on device")
open(os.path.dirname(__file__) + "/started", "a").write(f"{{os.getpid()}} {{os.getsid(0)}}\\n")
time.sleep(0.3)
if os.path.exists(path):
    os.unlink(path)
listener = socket.socket(socket.AF_UNIX)
listener.bind(path)
listener.listen()
listener.settimeout(20)
while True:
    connection, _ = listener.accept()
    connection.recv(200)
    connection.sendall(b"HTTP/1.0 200 OK\\r\\n\\r\\nOK")
    connection.close()
"""
APT = """#!/bin/sh
here=${0%/*}
echo "$@" >> "$here/apt-calls"
case $1 in
install) mv "$here/engine" "$here/dockerd" ;;
*) [ ! -e "$here/offline" ] || { echo "E: Failed to fetch" >&2; exit 100; } ;;
esac
"""


def program(folder: Path, name: str, text: str) -> None:
    path = folder / name
    path.write_text(text)
    path.chmod(0o755)


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder that stands first on the PATH, with a shell's needs only; ends the engines it started."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("sh", "env", "mv"):
        (folder / name).symlink_to(f"/bin/{name}" if Path(f"/bin/{name}").exists() else f"/usr/bin/{name}")
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setattr(engine_setup, "_WITH_SBIN", ("/bin/sh", "-c", 'exec "$@"', "sh"))
    yield folder
    for line in (folder / "started").read_text().splitlines() if (folder / "started").exists() else ():
        with suppress(ProcessLookupError):
            os.kill(int(line.split()[0]), signal.SIGKILL)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(
        socket=tmp_path / "docker.sock",
        root=True,
        booted=tmp_path / "no-systemd",
        init_script=tmp_path / "no-init",
        log=tmp_path / "log" / "dockerd.log",
        sbin=str(tmp_path / "no-sbin"),
        seconds=10,
    )


@contextmanager
def listening(path: Path, answer: bytes) -> Iterator[None]:
    """A socket that accepts one connection at a time and says `answer`, whatever it is asked."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()

        def serve() -> None:
            try:
                while True:
                    connection, _ = listener.accept()
                    with connection:
                        connection.recv(200)
                        connection.sendall(answer)
            except OSError:
                return

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


def refused(machine: Machine) -> tuple[str, list[str]]:
    said: list[str] = []
    with pytest.raises(Unreachable) as caught:
        ensure_engine(said.append, machine)
    assert caught.value.exit_code == 3
    return str(caught.value), said


def test_an_engine_that_answers_is_left_alone(machine: Machine, programs: Path) -> None:
    said: list[str] = []
    with listening(machine.socket, b"HTTP/1.0 200 OK\r\n\r\nOK"):
        ensure_engine(said.append, machine)
    assert said == []


@pytest.mark.parametrize(
    "answer", [b"", b"HTTP/1.0 503 Service Unavailable\r\n\r\n", b"SSH-2.0-OpenSSH_9\r\n", b"\xff\xfe"]
)
def test_only_200_is_an_answer(tmp_path: Path, answer: bytes) -> None:
    with listening(tmp_path / "s", answer):
        assert ask_socket(tmp_path / "s") is Silence.MUTE


def test_an_engine_that_hangs_is_not_waited_for_for_ever(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "s"))
        listener.listen()
        assert ask_socket(tmp_path / "s", 0.1) is Silence.MUTE


def test_a_socket_left_behind_is_stopped_and_no_socket_is_missing(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "s"))
    assert ask_socket(tmp_path / "s") is Silence.STOPPED
    assert ask_socket(tmp_path / "other") is Silence.MISSING
    (tmp_path / "file").touch()
    assert ask_socket(tmp_path / "file" / "s") is Silence.MISSING
    assert ask_socket(tmp_path / ("long" * 40)) is Silence.MUTE


def test_root_gets_the_engine_installed_started_and_waited_for(machine: Machine, programs: Path) -> None:
    program(programs, "engine", ENGINE)
    program(programs, "apt-get", APT)
    said: list[str] = []
    ensure_engine(said.append, machine)
    assert ask_socket(machine.socket) is None
    calls = (programs / "apt-calls").read_text().splitlines()
    assert calls[0] == "update"
    assert calls[1].startswith("install -y --no-install-recommends docker.io ")
    assert "installing docker.io" in said[0]
    assert str(machine.log) in said[2]
    assert "answers after" in said[3]
    process, session = (programs / "started").read_text().split()
    assert process == session != str(os.getsid(0))
    assert "engine speaks" in machine.log.read_text()


def test_two_runs_at_once_start_one_engine(machine: Machine, programs: Path) -> None:
    program(programs, "dockerd", ENGINE)
    with socket.socket(socket.AF_UNIX) as left_behind:
        left_behind.bind(str(machine.socket))
    runs = [threading.Thread(target=ensure_engine, args=(lambda _: None, machine)) for _ in range(3)]
    for run in runs:
        run.start()
    for run in runs:
        run.join()
    assert len((programs / "started").read_text().splitlines()) == 1


def test_an_engine_that_ends_at_once_shows_its_last_lines(machine: Machine, programs: Path) -> None:
    program(programs, "dockerd", ENGINE)
    (programs / "broken").touch()
    message, _ = refused(machine)
    assert "dockerd ended at once with exit code 1" in message
    assert "| failed to start: no space left on device" in message
    assert str(machine.log) in message


def test_an_engine_that_never_answers_has_a_deadline(machine: Machine, programs: Path) -> None:
    program(programs, "dockerd", '#!/bin/sh\nhere=${0%/*}\necho "$$ 0" >> "$here/started"\nexec /bin/sleep 20\n')
    message, _ = refused(replace(machine, seconds=0.5))
    assert "does not answer within" in message
    pid = int((programs / "started").read_text().split()[0])
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_mirror_that_does_not_answer_changes_nothing(machine: Machine, programs: Path) -> None:
    program(programs, "apt-get", APT)
    (programs / "offline").touch()
    message, _ = refused(machine)
    assert "`env DEBIAN_FRONTEND=noninteractive apt-get update` ended with exit code 100" in message
    assert "| E: Failed to fetch" in message
    assert (programs / "apt-calls").read_text() == "update\n"


def test_with_systemd_the_service_is_started(machine: Machine, programs: Path) -> None:
    machine.booted.mkdir()
    program(programs, "dockerd", ENGINE)
    program(programs, "systemctl", f"#!/bin/sh\n{programs}/dockerd --host=unix://{machine.socket} >/dev/null 2>&1 &\n")
    said: list[str] = []
    ensure_engine(said.append, machine)
    assert "systemctl" in said[0]


def test_an_init_script_is_used_only_where_init_runs(machine: Machine, programs: Path) -> None:
    machine.init_script.touch()
    comm = machine.socket.with_name("comm")
    comm.write_text("init\n")
    program(programs, "dockerd", ENGINE)
    program(programs, "service", f"#!/bin/sh\n{programs}/dockerd --host=unix://{machine.socket} >/dev/null 2>&1 &\n")
    said: list[str] = []
    ensure_engine(said.append, replace(machine, init_name=comm))
    assert "init script" in said[0]


@pytest.mark.parametrize(
    ("installed", "command"),
    [
        (("apt-get",), "sudo apt-get install -y docker.io"),
        (("apt-get", "dockerd"), "sudo service docker start"),
        ((), "install Docker Engine 20.10 or newer"),
    ],
)
def test_others_are_told_the_one_command(
    machine: Machine, programs: Path, installed: tuple[str, ...], command: str
) -> None:
    for name in installed:
        program(programs, name, "#!/bin/sh\necho > ${0%/*}/called\n")
    message, said = refused(replace(machine, root=False))
    assert command in message
    assert said == []
    assert not (programs / "called").exists()


def test_root_elsewhere_than_debian_is_told_what_to_install(machine: Machine, programs: Path) -> None:
    message, said = refused(machine)
    assert "install Docker Engine" in message
    assert said == []


@pytest.mark.parametrize(
    ("silence", "systemd", "command"),
    [
        (Silence.FORBIDDEN, False, 'sudo usermod -aG docker "$USER"'),
        (Silence.MUTE, True, "sudo systemctl restart docker"),
        (Silence.MUTE, False, "sudo service docker restart"),
        (Silence.STOPPED, True, "sudo systemctl start docker"),
    ],
)
def test_each_silence_has_its_own_way_out(
    machine: Machine, programs: Path, monkeypatch: pytest.MonkeyPatch, silence: Silence, systemd: bool, command: str
) -> None:
    if systemd:
        machine.booted.mkdir()
    program(programs, "dockerd", "#!/bin/sh\n")
    monkeypatch.setattr(engine_setup, "ask_socket", lambda _: silence)
    message, said = refused(replace(machine, root=False))
    assert command in message
    assert str(silence) in message
    assert said == []


def test_a_folder_that_cannot_be_written_is_named(machine: Machine, programs: Path) -> None:
    program(programs, "dockerd", ENGINE)
    blocked = machine.socket.with_name("blocked")
    blocked.touch()
    message, _ = refused(replace(machine, log=blocked / "dockerd.log"))
    assert str(blocked) in message


@pytest.mark.parametrize(
    "host", ["unix:///nowhere/docker.sock", "tcp://127.0.0.1:9", "carrier-pigeon://loft", "tcp://"]
)
def test_nothing_is_installed_where_docker_host_names_another_engine(
    machine: Machine, programs: Path, monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    program(programs, "apt-get", APT)
    monkeypatch.setenv("DOCKER_HOST", host)
    here = Machine.here()
    assert here.docker_host.split("://")[0] == host.split("://", maxsplit=1)[0]
    message, said = refused(replace(machine, docker_host=here.docker_host))
    assert "DOCKER_HOST=" in message
    assert "unset DOCKER_HOST" in message
    assert said == []
    assert not (programs / "apt-calls").exists()


def test_tls_without_its_files_is_a_message(machine: Machine, programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:9")
    monkeypatch.setenv("DOCKER_TLS_VERIFY", "1")
    monkeypatch.setenv("DOCKER_CERT_PATH", "/nowhere")
    message, _ = refused(replace(machine, docker_host=Machine.here().docker_host))
    assert "no Docker engine answers" in message


def test_docker_host_may_name_the_default_socket(machine: Machine, programs: Path) -> None:
    with listening(machine.socket, b"HTTP/1.1 200 OK\r\n\r\nOK"):
        ensure_engine(lambda _: None, replace(machine, docker_host=f"unix://{machine.socket}"))
