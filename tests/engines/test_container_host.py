import threading
import time
from collections.abc import Iterator

import docker
import pytest
from docker.models.containers import Container

from slipway.engines.container_host import ExecBackend, container_host
from slipway.errors import Unreachable
from tests import tiny

pytestmark = pytest.mark.docker


@pytest.fixture(scope="module")
def client() -> Iterator[docker.DockerClient]:
    client = docker.from_env()
    yield client
    client.close()


@pytest.fixture(scope="module")
def reference(client: docker.DockerClient) -> Iterator[str]:
    with tiny.image(client, {}, "USER app") as reference:
        yield reference


@pytest.fixture
def container(client: docker.DockerClient, reference: str) -> Iterator[Container]:
    with tiny.running(client, reference) as container:
        yield container


@pytest.fixture
def backend(client: docker.DockerClient, container: Container) -> Iterator[ExecBackend]:
    with ExecBackend(client, container.id or "") as backend:
        yield backend


@pytest.mark.parametrize("code", [0, 1, 42, 127, 255])
def test_exit_codes(backend: ExecBackend, code: int) -> None:
    assert backend.run(f"exit {code}").rc == code
    assert backend.run("true").rc == 0


def test_both_streams_and_nothing_of_the_command_before(backend: ExecBackend) -> None:
    first = backend.run("echo out; echo err >&2; printf 'no newline'; exit 3")
    assert (first.rc, first.stdout, first.stderr) == (3, "out\nno newline", "err\n")
    second = backend.run("true")
    assert (second.rc, second.stdout, second.stderr) == (0, "", "")


@pytest.mark.parametrize(
    ("command", "arguments", "out"),
    [
        ("echo %s", ('it\'s "quoted" $HOME `id`',), 'it\'s "quoted" $HOME `id`\n'),
        ("echo one\necho two", (), "one\ntwo\n"),
        ("cat", (), ""),
        ("printf 'größer ✓'", (), "größer ✓"),
        ("nosuchprogram 2>/dev/null || echo fallback", (), "fallback\n"),
        ("set -e; false; echo not reached", (), ""),
        ("exec 1>&-; true", (), ""),
    ],
)
def test_commands_are_shell_commands(backend: ExecBackend, command: str, arguments: tuple[str, ...], out: str) -> None:
    assert backend.run(command, *arguments).stdout == out
    assert backend.run("echo alive").stdout == "alive\n"


@pytest.mark.parametrize("text", ["one line", "two\nlines\n", "$HOME `id` 'x' \\n \"", "größer", "x" * 200_000])
def test_standard_input_arrives_as_it_is_and_is_on_no_command_line(backend: ExecBackend, text: str) -> None:
    result = backend.run("cat", stdin=text)
    assert (result.rc, result.stdout) == (0, text.removesuffix("\n") + "\n")
    assert backend.run("cat; exit 3").rc == 3
    lines = backend.run("cat /proc/[0-9]*/cmdline", stdin="hidden-value").stdout
    assert "hidden-value" not in lines


def test_binary_output_arrives_whole_and_shows_as_text(backend: ExecBackend) -> None:
    result = backend.run(r"printf '\000\377\200\n\r\n'; printf '\376' >&2")
    assert result.stdout_bytes == b"\x00\xff\x80\n\r\n"
    assert result.stdout == "\x00\ufffd\ufffd\n\r\n"
    assert result.stderr == "\ufffd"


def test_five_megabytes_take_no_time(backend: ExecBackend) -> None:
    begin = time.monotonic()
    result = backend.run("head -c 5000000 /dev/zero | tr '\\0' x")
    assert len(result.stdout_bytes) == 5_000_000
    assert time.monotonic() - begin < 3


def test_a_command_takes_a_millisecond(backend: ExecBackend) -> None:
    begin = time.monotonic()
    for _ in range(100):
        backend.run("true")
    assert time.monotonic() - begin < 2  # testinfra's own backend needs 60 to 80 ms each


def test_testinfras_modules_work(backend: ExecBackend) -> None:
    host = container_host(backend)
    assert host.file("/bin/busybox").exists
    assert not host.file("/nothing").exists
    assert host.run("id -u").stdout == "10001\n"


def test_another_user(client: docker.DockerClient, container: Container) -> None:
    with ExecBackend(client, container.id or "", user="0") as root:
        assert root.run("id -u").stdout == "0\n"


def test_a_container_killed_in_the_middle_is_gone(backend: ExecBackend, container: Container) -> None:
    killer = threading.Timer(0.5, container.kill)
    killer.start()
    begin = time.monotonic()
    with pytest.raises(Unreachable, match="stopped answering") as raised:
        backend.run("sleep 20")
    killer.join()
    assert time.monotonic() - begin < 5
    assert raised.value.where == "sleep 20"
    with pytest.raises(Unreachable, match="stopped answering"):
        backend.run("true")


@pytest.mark.parametrize("command", ["sleep 5", "yes", "while true; do echo x; sleep 0.1; done"])
def test_a_command_without_end_is_left_and_answers_no_other(
    client: docker.DockerClient, container: Container, command: str
) -> None:
    begin = time.monotonic()
    with ExecBackend(client, container.id or "", seconds=1) as backend:
        with pytest.raises(Unreachable, match=r"no end after 1 s|timed out|wrote more than"):
            backend.run(command)
        assert time.monotonic() - begin < 3
        with pytest.raises(Unreachable, match="stopped answering"):
            backend.run("true")


def test_a_container_that_does_not_run_has_no_shell(client: docker.DockerClient, container: Container) -> None:
    container.kill()
    container.wait(timeout=10)
    with pytest.raises(Unreachable, match="no shell"):
        ExecBackend(client, container.id or "")
    with pytest.raises(Unreachable, match="no shell"):
        ExecBackend(client, "there-is-none")


def test_an_image_without_a_shell_says_so(client: docker.DockerClient) -> None:
    with (
        tiny.image(client, {}, "ENV PATH=/nowhere", 'CMD ["/bin/sleep", "60"]') as reference,
        tiny.running(client, reference) as container,
        pytest.raises(Unreachable, match="has it `sh`"),
        ExecBackend(client, container.id or "", seconds=5) as backend,
    ):
        backend.run("true")


def test_an_endless_answer_ends_the_shell_and_not_this_machine(backend: ExecBackend) -> None:
    with pytest.raises(Unreachable, match="wrote more than 64 MB"):
        backend.run("yes")
