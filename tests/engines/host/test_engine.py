"""One-off containers on this machine's engine and on a host's, over SSH: the same class, the same behaviour."""

import gc
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from slipway.engines.host.engine import HostEngine
from slipway.engines.host.forward import Forwarder
from slipway.engines.host.ssh import Host
from slipway.errors import Refused, Unreachable, UsageError
from slipway.ports import OneOff
from slipway.secret import Secret
from slipway.testing import Lines
from tests.hosts import TOOLS, SshHost, docker_client, have, left, network, until

pytestmark = pytest.mark.docker
LABELS = {"slipway.test": "one-off"}


@pytest.fixture(scope="module", params=["local", "over SSH"])
def engine(request: pytest.FixtureRequest) -> Iterator[HostEngine]:
    have("tools")
    if request.param == "local":
        with HostEngine.local() as local:
            yield local
    else:
        with HostEngine.over(request.getfixturevalue("host")) as remote:
            yield remote


def _one_off(*argv: str, **settings: Any) -> OneOff:
    return replace(OneOff("test", TOOLS, argv, "none", labels=LABELS), **settings)


def test_streams_input_variables_and_exit_code(engine: HostEngine) -> None:
    told = Lines()
    result = engine.run_once(
        _one_off(
            "sh", "-c", 'cat; echo "$GREETING"; echo err >&2; exit 3', stdin=b"in\n", variables={"GREETING": "a $b 'c'"}
        ),
        told,
    )
    assert (result.code, result.stdout, result.stderr) == (3, "in\na $b 'c'\n", "err\n")
    assert sorted(told.lines) == ["a $b 'c'", "err", "in"]
    assert left("slipway.test=one-off") == []


def test_secrets_are_masked_in_what_is_told_and_kept(engine: HostEngine) -> None:
    told = Lines()
    result = engine.run_once(
        _one_off(
            "sh",
            "-c",
            'echo "is $PASSWORD"; cat',
            stdin=Secret("input-secret"),
            variables={"PASSWORD": Secret("hunter2-2")},
        ),
        told,
    )
    assert "hunter2" not in told.text + result.stdout
    assert "input-secret" not in told.text + result.stdout
    assert result.stdout == "is [secret]\n[secret]"


def test_much_output_is_told_whole_and_the_last_of_it_kept(engine: HostEngine) -> None:
    many: list[int] = []
    result = engine.run_once(_one_off("seq", "3000000"), lambda line: many.append(len(line)))
    assert len(many) == 3_000_000
    assert result.stdout.endswith("\n3000000\n")
    assert len(result.stdout) == 16 << 20


def test_a_line_without_an_end_is_told_in_pieces(engine: HostEngine) -> None:
    told = Lines()
    result = engine.run_once(_one_off("head", "-c", "300000", "/dev/zero"), told)
    assert sum(map(len, told.lines)) == len(result.stdout) == 300_000


def test_output_flows_while_the_container_runs(engine: HostEngine) -> None:
    first = threading.Event()
    running: list[bool] = []

    def say(line: str) -> None:
        if line == "first":
            running.append(bool(left("slipway.test=one-off")))
            first.set()

    engine.run_once(_one_off("sh", "-c", "echo first; sleep 0.5"), say)
    assert running == [True]


def test_the_time_limit_ends_and_removes_it(engine: HostEngine) -> None:
    with pytest.raises(Unreachable, match="was ended after 1 s") as raised:
        engine.run_once(_one_off("sh", "-c", "echo begun; sleep 60", seconds=1.0), Lines())
    assert raised.value.details == ("begun",)
    assert left("slipway.test=one-off") == []


def test_an_interrupt_removes_it(engine: HostEngine) -> None:
    def say(line: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        engine.run_once(_one_off("sh", "-c", "echo begun; sleep 60"), say)
    assert left("slipway.test=one-off") == []


def test_it_runs_as_the_user_and_on_the_network_that_was_asked_for(engine: HostEngine) -> None:
    with network() as net:
        result = engine.run_once(_one_off("sh", "-c", "id -u; ls /sys/class/net", user="12345", network=net), Lines())
    assert result.stdout.split() == ["12345", "eth0", "lo"]


def test_an_image_that_the_host_does_not_have(engine: HostEngine) -> None:
    with pytest.raises(Refused, match=r"[Nn]o such image") as raised:
        engine.run_once(_one_off("true", image="slipway-test/absent:1"), Lines())
    assert raised.value.hint == "pull the image first"


def test_a_network_that_the_host_does_not_have_leaves_nothing(engine: HostEngine) -> None:
    with pytest.raises(Refused, match="slipway-test-absent not found"):
        engine.run_once(_one_off("true", network="slipway-test-absent"), Lines())
    assert left("slipway.test=one-off") == []


def test_a_program_that_the_image_does_not_have(engine: HostEngine) -> None:
    with pytest.raises(Refused, match=r"no-such-program.*not found"):
        engine.run_once(_one_off("no-such-program"), Lines())
    assert left("slipway.test=one-off") == []


def test_coolifys_labels_are_refused(engine: HostEngine) -> None:
    with pytest.raises(UsageError, match=r"may not carry coolify\.applicationId"):
        engine.run_once(_one_off("true", labels={"coolify.applicationId": "1"}), Lines())


def test_its_own_label_tells_what_it_is(engine: HostEngine) -> None:
    seen: list[str] = []
    engine.run_once(_one_off("sh", "-c", "echo go; sleep 0.3"), lambda _: seen.extend(left("slipway.one-off=test")))
    assert len(seen) == 1


def test_a_rehearsals_engine_gives_its_label_to_every_one_off(host: Host) -> None:
    have("tools")
    seen: list[str] = []
    with HostEngine.over(host, {"slipway.test.of": "engine", "slipway.test": "engine"}) as engine:
        engine.run_once(
            _one_off("sh", "-c", "echo go; sleep 0.3"), lambda _: seen.extend(left("slipway.test.of=engine"))
        )
        assert left("slipway.test=engine") == []
    assert len(seen) == 1
    assert seen[0].startswith("slipway-test-")


def test_a_registry_that_does_not_answer(engine: HostEngine) -> None:
    with pytest.raises(Unreachable, match="cannot be pulled"):
        engine.pull("127.0.0.1:9/zamio/backend:1", Lines())


def test_what_runs_and_what_it_wrote(engine: HostEngine) -> None:
    with docker_client() as client:
        labels = {**LABELS, "slipway.test.which": "seen"}
        container = client.containers.run(
            TOOLS, ["sh", "-c", "echo one; echo two >&2; sleep 60"], detach=True, labels=labels, network_mode="none"
        )
        try:
            until(lambda: "two" in engine.logs(container.id or ""))
            assert sorted(engine.logs(container.id or "").split()) == ["one", "two"]
            (found,) = engine.running("slipway.test.which=seen")
            assert (found.id, found.image, found.state, found.health) == (container.id, TOOLS, "running", "")
            assert found.labels["slipway.test.which"] == "seen"
            assert engine.running("slipway.test.which=other") == ()
        finally:
            container.remove(force=True)
    with pytest.raises(Refused, match=r"[Nn]o such container"):
        engine.logs(container.id or "")


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_no_engine_here(tmp_path: Path) -> None:
    with HostEngine.local(f"unix://{tmp_path}/none.sock") as engine, pytest.raises(Unreachable, match="did not answer"):
        engine.running("a=b")
    gc.collect()  # docker-py leaves a socket open that could not connect; it shall not be another test's warning


def test_a_host_without_an_engine_says_so(machine: SshHost, host: Host) -> None:
    machine.sh("mv /usr/bin/docker /usr/bin/docker.away")
    try:
        with HostEngine.over(host) as engine, pytest.raises(Unreachable, match="not found") as raised:
            engine.running("a=b")
        assert host.place in raised.value.where
    finally:
        machine.sh("mv /usr/bin/docker.away /usr/bin/docker")


def test_a_host_that_nobody_vouched_for_is_what_the_engine_reports(machine: SshHost, tmp_path: Path) -> None:
    with (
        Host(replace(machine.address, known_hosts=tmp_path / "none")) as stranger,
        HostEngine.over(stranger) as engine,
        pytest.raises(UsageError, match="nobody has vouched"),
    ):
        engine.running("a=b")


def test_the_forwarded_socket_is_private_and_goes_away(host: Host) -> None:
    with Forwarder(host) as forwarder:
        assert forwarder.path.parent.stat().st_mode & 0o777 == 0o700
        assert forwarder.path.is_socket()
    assert not forwarder.path.parent.exists()


def test_a_long_folder_for_temporary_files_does_not_hinder_the_socket(
    host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = tmp_path / ("long-" * 20)
    long.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(long))
    with Forwarder(host) as forwarder:
        assert len(str(forwarder.path)) < 108
        assert forwarder.path.is_socket()
    assert list(long.iterdir()) == []
