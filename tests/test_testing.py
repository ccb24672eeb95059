import pytest

from slipway.command import command
from slipway.errors import PersonNeeded, Refused, Unreachable, UsageError
from slipway.ports import (
    Answer,
    Containers,
    ImageBuild,
    ImageFiles,
    Images,
    Lock,
    OneOff,
    Platform,
    ReleaseStore,
    Shell,
    Web,
)
from slipway.release.observed import RunningContainer
from slipway.testing import (
    Clock,
    FakeContainers,
    FakeImageFiles,
    FakeImages,
    FakeLock,
    FakePlatform,
    FakeShell,
    FakeState,
    FakeWeb,
    Lines,
)


def test_the_fakes_are_what_the_ports_ask_for() -> None:
    ports: tuple[Shell | Containers | Platform | ReleaseStore | Lock | Images | ImageFiles | Web, ...] = (
        FakeShell(),
        FakeContainers(),
        FakePlatform(),
        FakeState(),
        FakeLock(),
        FakeImages(),
        FakeImageFiles(),
        FakeWeb(),
    )
    assert len(ports) == 8


def test_a_shell_answers_by_the_longest_beginning_and_remembers() -> None:
    shell = FakeShell({"docker": "a", "docker ps": (3, "no"), "ssh": Unreachable("gone")})
    assert shell.run(command("docker", "info")).stdout == "a"
    failed = shell.run(command("docker", "ps", "-a"))
    assert (failed.code, failed.stdout, failed.stderr) == (3, "", "no")
    assert shell.run(command("tar")).code == 127
    with pytest.raises(Unreachable):
        shell.run(command("ssh", "host"))
    assert [one.argv[0] for one in shell.commands] == ["docker", "docker", "tar", "ssh"]


def test_containers_pull_run_and_are_found_by_label() -> None:
    containers = FakeContainers({"r/a:1": "sha256:1"})
    say = Lines()
    assert containers.pull("r/a:1", say) == "sha256:1"
    with pytest.raises(Refused):
        containers.pull("r/b:1", say)
    containers.answers["migrate"] = (1, "one\ntwo")
    assert containers.run_once(OneOff("migrate", "r/a:1", ("migrate",)), say).code == 1
    assert say.lines[-2:] == ["one", "two"]
    found = RunningContainer("c1", "api", "r/a:1", "sha256:1", "running", "", {"k": "v"})
    containers.containers.append(found)
    assert containers.running("k=v") == (found,)
    assert containers.running("k=w") == ()
    containers.written["c1"] = "1\n2\n3"
    assert containers.logs("c1", 2) == "2\n3"
    with pytest.raises(Unreachable):
        containers.logs("c2")


def test_a_clock_moves_only_by_sleeping() -> None:
    clock = Clock()
    clock.sleep(2.5)
    assert (clock.now(), clock.slept) == (2.5, [2.5])


def test_what_a_test_puts_into_failures_is_raised() -> None:
    containers = FakeContainers({"r/a:1": "x"})
    containers.failures["pull", "r/a:1"] = Refused("no space")
    with pytest.raises(Refused, match="no space"):
        containers.pull("r/a:1", Lines())


def test_state_keeps_records_in_order() -> None:
    state = FakeState()
    state.record("a")
    state.record("b")
    assert state.history() == ("a", "b")


def test_a_lock_has_one_holder() -> None:
    lock = FakeLock()
    with pytest.raises(PersonNeeded):
        lock.prove()
    assert lock.acquire() == lock.token
    lock.prove()
    lock.holder = "bob"
    with pytest.raises(PersonNeeded, match="bob"):
        lock.prove()
    lock.release()
    with pytest.raises(Refused, match="bob"):
        lock.acquire()


def test_images_are_built_named_and_pushed() -> None:
    images = FakeImages()
    built = images.build(ImageBuild("backend", (), "Dockerfile", ("shop/backend:1",)), lambda _: None)
    assert images.inspect("shop/backend:1") == built
    images.tag(built.id, "r/shop/backend:1")
    assert images.push("r/shop/backend:1", Lines()).reference.startswith("r/shop/backend@sha256:")
    with pytest.raises(UsageError):
        images.push("r/shop/other:1", Lines())
    assert images.pushed == ["r/shop/backend:1"]


def test_the_web_answers_one_after_another_and_allows_origins() -> None:
    web = FakeWeb({"GET https://a/": [Unreachable("early"), Answer(200, {}, "x")]}, allowed=("https://b",))
    with pytest.raises(Unreachable):
        web.ask("GET", "https://a/")
    assert web.ask("GET", "https://a/").headers == {}
    assert web.ask("GET", "https://a/", headers={"Origin": "https://b"}).headers["access-control-allow-origin"]
    assert web.ask("GET", "https://a/", headers={"Origin": "https://c"}).headers == {}
    assert web.ask("GET", "https://b/").status == 404
