"""A whole stage over tiny images: what a bad one does becomes an issue, a lost engine an error, and nothing stays."""

import _thread
import contextlib
import gc
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import docker
import pytest

from slipway.config.workspace import Backend, Engine, Role, Service, TaskProbe
from slipway.engines.clean_layers import CleanLayers
from slipway.engines.engine_address import EngineAddress
from slipway.engines.image_tests import ImageTests
from slipway.errors import Unreachable, UsageError
from slipway.ports import BuiltImage
from slipway.rehearsal.removal import Removal
from slipway.rehearsal.stage import opening
from slipway.rehearsal.stage.play import ImageStage, durations
from slipway.rehearsal.stage.scene import LABEL
from slipway.secret import Secret
from slipway.testing import Lines
from tests import tiny
from tests.door import Door, before
from tests.rehearsal.stage.conftest import GOOD

pytestmark = pytest.mark.docker
SLEEPS = {"/bin/pg_isready": "#!/bin/sh\nexit 0\n", "/bin/redis-cli": "#!/bin/sh\nexit 0\n"}
BACKEND = '#!/bin/sh\n[ "$1" != migrate ] || exit 7\nexec sleep 100\n'


@contextmanager
def stage(
    client: docker.DockerClient, folder: Path, monkeypatch: pytest.MonkeyPatch, files: Mapping[str, str], *changes: str
) -> Iterator[ImageStage]:
    """A stage with a portal of `files`, a backend whose migrations fail and databases that only sleep."""
    monkeypatch.setattr(opening, "_POSTGRES", ["sleep", "100"])
    monkeypatch.setattr(opening, "_REDIS", ["sleep", "100"])
    services = {
        "api": Service(role=Role.WEB, image="backend", port=8000),
        "worker": Service(role=Role.WORKER, image="backend"),
        "admin": Service(role=Role.STATIC, image="admin", port=8080),
    }
    databases = {"postgres": SimpleNamespace(engine=Engine.POSTGRESQL), "redis": SimpleNamespace(engine=Engine.REDIS)}
    workspace: Any = SimpleNamespace(
        services=services,
        databases=databases,
        backend=Backend(path="backend"),
        budget=lambda name: None,
        services_with=lambda role: tuple(n for n, s in services.items() if s.role is role),
        probes=SimpleNamespace(task=TaskProbe(name="celery.accumulate")),
    )
    with (
        tiny.image(client, SLEEPS) as database,
        tiny.image(client, {"/start": BACKEND}, 'ENTRYPOINT ["/start"]') as backend,
        tiny.image(client, GOOD | dict(files), 'CMD ["/start"]', *changes) as portal,
    ):
        images = {
            "backend": BuiltImage("backend", backend, (backend,), 1),
            "admin": BuiltImage("admin", portal, (portal,), 1),
        }
        references = dict.fromkeys(Engine, database)
        tests = ImageTests(folder / "own" / "tests", folder / "image_tests")
        made = ImageStage(
            client,
            workspace,
            images,
            references,
            lambda *_: {"KEY": Secret("a-hidden-value")},
            (Secret("a-hidden-value"),),
            CleanLayers(folder / "clean"),
            tests,
            Lines(),
        )
        try:
            yield made
        finally:
            assert Removal(client, (f"{LABEL}={made.scene.name}",), "").left() == ()


def found(made: ImageStage, service: str) -> dict[str, str]:
    with made:
        return {issue.id: issue.message for issue in made.check().issues if issue.subject == service}


def test_migrations_that_fail_are_told_and_the_portal_is_tried_all_the_same(
    client: docker.DockerClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with stage(client, tmp_path, monkeypatch, {}) as made:
        with made:
            checked = made.check()
        ids = {(issue.subject, issue.id) for issue in checked.issues}
        assert ("api", "images.migrate") in ids
        assert {issue_id for subject, issue_id in ids if subject == "admin"} >= {"images.user", "images.static"}
        rows = {name: acts for name, _, acts in durations(checked.seconds)}
        assert "break" in rows["admin"]
        assert "stop" in rows["admin"]


@pytest.mark.parametrize(
    ("files", "issue", "words"),
    [
        ({"/start": "#!/bin/sh\necho password a-hidden-value; exit 3\n"}, "images.start", "with 3: password [secret]"),
        ({"/start": "#!/bin/there-is-none\n"}, "images.start", "no such file or directory"),
        ({"/www/x": "a-hidden-value"}, "images.secrets", "is in /www/x of layer 1"),
    ],
)
def test_a_bad_portal_is_told(
    client: docker.DockerClient,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    files: dict[str, str],
    issue: str,
    words: str,
) -> None:
    with stage(client, tmp_path, monkeypatch, files) as made:
        told = found(made, "admin")
        assert words in told.get(issue, ""), told


def test_an_image_whose_entry_point_is_not_there_is_told(
    client: docker.DockerClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with stage(client, tmp_path, monkeypatch, {}, 'CMD ["/there-is-none"]') as made:
        assert "the engine cannot start it" in found(made, "admin")["images.start"]


def test_an_image_without_a_shell_is_told(
    client: docker.DockerClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = 'CMD ["/bin/busybox", "httpd", "-f", "-p", "8080"]'
    with stage(client, tmp_path, monkeypatch, {}, "ENV PATH=/none", start) as made:
        assert "has it `sh`" in found(made, "admin")["images.shell"]


def test_an_image_that_floods_its_output_fills_no_disk(
    client: docker.DockerClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flooding = GOOD["/start"].replace("while true", "yes flood & while true")
    with stage(client, tmp_path, monkeypatch, {"/start": flooding}) as made:
        begin = time.monotonic()
        assert "images.static" in found(made, "admin")
        assert time.monotonic() - begin < 60


def test_a_failing_test_of_ones_own_is_told_and_a_stray_file(
    client: docker.DockerClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "image_tests").mkdir()
    (tmp_path / "image_tests" / "test_admin.py").write_text("def test_a(host):\n    assert 0, 'a-hidden-value'\n")
    (tmp_path / "image_tests" / "test_admni.py").touch()
    with stage(client, tmp_path, monkeypatch, {}) as made, made:
        told = {i.where: i.message for i in made.check().issues if i.id == "images.tests"}
    assert "[secret]" in told["image_tests/test_admin.py:2"]
    assert told["image_tests/test_admni.py:1"] == "no service has this name"


def test_an_interrupt_takes_everything_away(
    client: docker.DockerClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with stage(client, tmp_path, monkeypatch, {}) as made:
        threading.Timer(3, _thread.interrupt_main).start()
        begin = time.monotonic()
        with pytest.raises(KeyboardInterrupt), made:
            made.check()
        assert time.monotonic() - begin < 30


@contextmanager
def engine_door(folder: Path) -> Iterator[tuple[Door, docker.DockerClient]]:
    """Stand before this machine's engine; the client goes through the door."""
    engine = EngineAddress.configured().socket()

    def connect() -> socket.socket:
        there = socket.socket(socket.AF_UNIX)
        there.connect(str(engine))
        return there

    listening = socket.socket(socket.AF_UNIX)
    listening.bind(str(folder / "engine.sock"))
    listening.listen()
    with before(listening, connect) as door:
        through = docker.DockerClient(f"unix://{folder}/engine.sock", timeout=20)
        try:
            yield door, through
        finally:
            through.close()


@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
def test_an_engine_that_is_lost_half_way_is_an_error_and_what_stands_is_named(
    client: docker.DockerClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with stage(client, tmp_path, monkeypatch, {}) as made, engine_door(tmp_path) as (door, through):
        told: list[str] = []

        def say(text: str) -> None:
            told.append(text)
            if "Redis answer" in text:  # services start, layers are read
                door.shut()

        made.client = made.scene.client = through
        made.say = made.scene.say = say
        begin = time.monotonic()
        with pytest.raises(Unreachable, match="connection to the Docker engine was lost"), made:
            made.check()
        assert time.monotonic() - begin < 20
        assert "PostgreSQL and Redis answer" in told
        assert told[-1].startswith("not all of the stage could be removed")
        mine = Removal(client, (f"{LABEL}={made.scene.name}",), "")
        assert mine.left()
        mine.remove(lambda _: None)  # as `inv rehearse.down` does once there is an engine again
    gc.collect()  # the client drops sockets that broke off under it without closing them


def test_an_engine_that_is_lost_at_the_start_is_an_error(
    client: docker.DockerClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with stage(client, tmp_path, monkeypatch, {}) as made:
        lost = docker.APIClient("tcp://127.0.0.1:1", version="1.41")
        with contextlib.ExitStack() as stack:
            stack.enter_context(made)
            made.client = docker.DockerClient.__new__(docker.DockerClient)
            made.client.api = lost
            with pytest.raises(Unreachable):
                made.check()


def test_a_database_image_that_is_not_there_says_why_and_leaves_nothing(
    client: docker.DockerClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with stage(client, tmp_path, monkeypatch, {}) as made:
        made.databases = dict.fromkeys(Engine, "slipway-test/there-is-none:1")
        with pytest.raises(UsageError, match="does not have an image: No such image"), made:
            made.check()
