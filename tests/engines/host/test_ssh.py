"""Commands over a real sshd: exactness, deadlines, trust."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from slipway.command import command
from slipway.engines.host.ssh import Host
from slipway.errors import PersonNeeded, Unreachable, UsageError
from slipway.secret import Secret
from tests.hosts import SshHost, keygen, until

pytestmark = pytest.mark.docker


def test_words_arrive_as_they_are(host: Host) -> None:
    words = ("a b", "$HOME", "it's", 'q"uote', "*", "", "new\nline", "ünï", "; rm -rf /", "`id`")
    result = host.run(command("printf", "%s|", *words))
    assert result.stdout == "".join(f"{word}|" for word in words)
    assert result.stderr == ""


def test_exit_codes_and_streams_are_kept_apart(host: Host) -> None:
    result = host.run(command("sh", "-c", "echo out; echo err >&2; exit 7"))
    assert (result.code, result.stdout, result.stderr) == (7, "out\n", "err\n")


def test_a_program_that_is_not_there_answers_127(host: Host) -> None:
    assert host.run(command("no-such-program")).code == 127


def test_ended_by_a_signal_is_no_success_and_no_lost_connection(host: Host) -> None:
    assert not host.run(command("sh", "-c", "kill -9 $$")).ok


def test_input_travels_by_the_channel_and_is_no_word(machine: SshHost, host: Host) -> None:
    script = "tr '\\0' ' ' < /proc/$PPID/cmdline; tr '\\0' ' ' < /proc/$$/cmdline; cat"
    result = host.run(command("sh", "-c", script, stdin=Secret("hunter2-hunter2")))
    assert result.stdout.endswith("hunter2-hunter2")
    assert result.stdout.count("hunter2") == 2


def test_big_output_costs_no_quadratic_time(host: Host) -> None:
    begin = time.monotonic()
    result = host.run(command("head", "-c", "40000000", "/dev/zero"))
    assert len(result.stdout) == 40_000_000
    assert time.monotonic() - begin < 20  # the capture of Fabric's own `run` takes 258 s for this


def test_input_and_output_flow_at_the_same_time(host: Host) -> None:
    result = host.run(command("sh", "-c", "tee /dev/stderr", stdin=b"x" * 8_000_000))
    assert len(result.stdout) == len(result.stderr) == 8_000_000


def test_input_that_nobody_reads_does_not_hang(host: Host) -> None:
    assert host.run(command("true", stdin=b"x" * 200_000_000, seconds=20)).ok


def test_the_deadline_ends_the_command_and_what_it_started(machine: SshHost, host: Host) -> None:
    begin = time.monotonic()
    with pytest.raises(Unreachable, match=r"was ended after 1 s") as raised:
        host.run(command("sh", "-c", "echo begun >&2; sleep 7131 & sleep 7132; wait", seconds=1))
    assert time.monotonic() - begin < 8
    assert raised.value.details[0] == "begun"
    assert raised.value.where == host.place
    until(lambda: "713" not in _processes(machine))


def test_an_interrupt_ends_the_command_on_the_host(
    machine: SshHost, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    real_join = threading.Thread.join

    def interrupted(thread: threading.Thread, timeout: float | None = None) -> None:
        monkeypatch.setattr(threading.Thread, "join", real_join)
        until(lambda: "sleep 7133" in _processes(machine))
        raise KeyboardInterrupt

    monkeypatch.setattr(threading.Thread, "join", interrupted)
    with pytest.raises(KeyboardInterrupt):
        host.run(command("sleep", "7133"))
    until(lambda: "7133" not in _processes(machine))


def test_one_connection_carries_parallel_commands(machine: SshHost) -> None:
    with Host(machine.address) as fresh:
        assert _side_by_side(fresh, 12) == [f"{n}\n" for n in range(12)]
        assert len(fresh._connections) == 1


def test_where_sshd_allows_few_channels_another_connection_is_opened(machine: SshHost) -> None:
    machine.sh("/usr/sbin/sshd -p 23 -o MaxSessions=2 -o PidFile=/run/second.pid")
    key = (machine.folder / "known_hosts").read_text().split(" ", 1)[1]
    machine.container.reload()
    (network,) = machine.container.attrs["NetworkSettings"]["Networks"].values()
    (machine.folder / "second").write_text(f"[{network['IPAddress']}]:23 {key}")
    address = replace(machine.address, host=network["IPAddress"], port=23, known_hosts=machine.folder / "second")
    try:
        with Host(address) as narrow:
            assert _side_by_side(narrow, 7) == [f"{n}\n" for n in range(7)]
            assert len(narrow._connections) == 4
            with pytest.raises(Unreachable, match="opens no further channel"):
                _side_by_side(narrow, 9, 3.0)
            assert narrow.run(command("true")).ok
    finally:
        machine.sh("kill $(cat /run/second.pid)")


def _side_by_side(host: Host, many: int, seconds: float = 0.6) -> list[str]:
    with ThreadPoolExecutor(many) as pool:
        said = [pool.submit(host.run, command("sh", "-c", f"sleep {seconds}; echo {n}")) for n in range(many)]
        return [one.result().stdout for one in said]


def test_a_lost_connection_is_said_and_the_next_command_connects_anew(machine: SshHost) -> None:
    with Host(machine.address) as fresh:
        assert fresh.run(command("true")).ok
        ending = threading.Timer(1.0, machine.sh, ("pkill -f '[s]shd: root'",))
        ending.start()
        with pytest.raises(Unreachable, match="connection was lost while"):
            fresh.run(command("sleep", "30", seconds=20))
        ending.join()
        assert fresh.run(command("echo", "again")).stdout == "again\n"


def test_an_unknown_host_is_refused_with_the_way_out(machine: SshHost, tmp_path: Path) -> None:
    address = replace(machine.address, known_hosts=tmp_path / "none")
    with pytest.raises(UsageError, match="nobody has vouched for this host") as raised:
        Host(address).run(command("true"))
    assert raised.value.exit_code == 2
    assert f"ssh-keyscan -p {machine.port} 127.0.0.1 >> {tmp_path / 'none'}" in raised.value.hint
    assert (machine.folder / "known_hosts").read_text().split()[2] in raised.value.details[0]
    assert not (tmp_path / "none").exists()


def test_a_changed_host_key_needs_a_person(machine: SshHost, tmp_path: Path) -> None:
    other = keygen(tmp_path / "other")
    (tmp_path / "known").write_text(f"[127.0.0.1]:{machine.port} {other}\n")
    with pytest.raises(PersonNeeded, match="another key than the known one") as raised:
        Host(replace(machine.address, known_hosts=tmp_path / "known")).run(command("true"))
    assert raised.value.exit_code == 4
    assert "ssh-keygen -R" in raised.value.hint


def test_a_key_that_the_host_does_not_take_is_wrong_configuration(machine: SshHost, tmp_path: Path) -> None:
    keygen(tmp_path / "stranger")
    with pytest.raises(UsageError, match="does not take the key"):
        Host(replace(machine.address, key_file=tmp_path / "stranger")).run(command("true"))


def test_no_agent_and_no_other_key_is_tried(machine: SshHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home" / ".ssh"
    home.mkdir(parents=True)
    (home / "id_ed25519").write_bytes((machine.folder / "id").read_bytes())
    (home / "config").write_text("Host *\n  Port 1\n  User nobody\n")
    monkeypatch.setenv("HOME", str(home.parent))
    keygen(tmp_path / "stranger")
    with pytest.raises(UsageError, match="does not take the key"):
        Host(replace(machine.address, key_file=tmp_path / "stranger")).run(command("true"))
    assert Host(machine.address).run(command("id", "-un")).stdout == "root\n"


def _processes(machine: SshHost) -> str:
    return machine.sh("for p in /proc/[0-9]*; do tr '\\0' ' ' < $p/cmdline 2>/dev/null; echo; done")
