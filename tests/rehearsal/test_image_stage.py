from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import docker
import pytest

from slipway.checks.images import HEALTHCHECK
from slipway.config.workspace import Engine, Role, Service
from slipway.errors import UsageError
from slipway.ports import BuiltImage
from slipway.rehearsal import image_stage
from slipway.rehearsal.image_stage import LABEL, ImageStage, sweep
from slipway.rehearsal.owner import Owner
from slipway.rehearsal.removal import Removal
from slipway.testing import Lines
from tests import tiny

DRAINING = """#!/bin/sh
drain() { touch /run/draining; sleep 1.5; kill $server; exit 0; }
trap drain TERM
httpd -f -p 8080 -h /www & server=$!
while true; do sleep 0.05; done
"""
# Stands in for bash, which has /dev/tcp: the request goes to the same port through nc.
BASH = "#!/bin/sh\nprintf 'GET / HTTP/1.0\\r\\n\\r\\n' | nc 127.0.0.1 8080 | head -n 1\n"
GOOD = {
    "/start": DRAINING,
    "/bin/bash": BASH,
    "/www/index.html": "hello",
    HEALTHCHECK: "#!/bin/sh\n[ ! -e /run/draining ]\n",
}


@pytest.fixture
def client() -> Iterator[docker.DockerClient]:
    client = docker.from_env()
    yield client
    client.close()


def stops(
    client: docker.DockerClient, monkeypatch: pytest.MonkeyPatch, files: dict[str, str], role: Role = Role.STATIC
) -> list[str]:
    """Start one service of an image, tell it to stop, and return what was found."""
    monkeypatch.setattr(image_stage, "_DRAIN", 1)
    port = 8080 if role is Role.STATIC else None
    workspace = SimpleNamespace(services={"admin": Service(role=role, image="admin", port=port)})
    with tiny.image(client, GOOD | files, 'CMD ["/start"]') as reference:
        built = BuiltImage("admin", reference, (reference,), 1)
        stage = ImageStage(client, workspace, {"admin": built}, {}, lambda *_: {}, Lines())  # type: ignore[arg-type]
        stage._open_network()
        try:
            container = stage._run("admin", reference)
            tiny.wait_until(lambda: b"server" in container.exec_run(["cat", "/start"])[1])
            tiny.wait_until(lambda: role is not Role.STATIC or b"200" in container.exec_run(["bash"])[1])
            return [issue.message for issue in stage._stops_well("admin")]
        finally:
            stage.close()
            mine: dict[str, str | list[str] | bool] = {"label": f"{LABEL}={stage.name}"}
            assert client.containers.list(all=True, filters=mine) == []
            assert client.networks.list(filters=mine) == []


@pytest.mark.docker
def test_an_image_that_drains_is_fine(client: docker.DockerClient, monkeypatch: pytest.MonkeyPatch) -> None:
    assert stops(client, monkeypatch, {}) == []


@pytest.mark.docker
@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"/start": DRAINING.replace("drain()", "drain() { exit 0; }; unused()")}, "does not serve on after SIGTERM"),
        ({HEALTHCHECK: "#!/bin/sh\nexit 0\n"}, "the check is not red after SIGTERM"),
        ({"/start": DRAINING.replace("touch", "kill $server; touch")}, "does not serve on while draining"),
        ({"/start": DRAINING.replace("exit 0", "exit 3")}, "ends with 3 after SIGTERM"),
    ],
)
def test_an_image_that_stops_badly_is_caught(
    client: docker.DockerClient, monkeypatch: pytest.MonkeyPatch, files: dict[str, str], words: str
) -> None:
    assert any(words in message for message in stops(client, monkeypatch, files))


@pytest.mark.docker
@pytest.mark.slow
def test_a_worker_that_ignores_the_signal_is_caught(
    client: docker.DockerClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    ignoring = "#!/bin/sh\n# server\ntrap '' TERM\nwhile true; do sleep 0.1; done\n"
    assert any("still runs 13 s after" in m for m in stops(client, monkeypatch, {"/start": ignoring}, Role.WORKER))


def stage_of(client: docker.DockerClient, image: str) -> ImageStage:
    """A stage whose one database is an image that does not exist."""
    database = SimpleNamespace(engine=Engine.REDIS)
    workspace = SimpleNamespace(services={}, databases={"redis": database})
    return ImageStage(client, workspace, {}, {Engine.REDIS: image}, lambda *_: {}, Lines())  # type: ignore[arg-type]


def names(client: docker.DockerClient, label: str) -> tuple[str, ...]:
    return Removal(client, (label,), "").left()


@pytest.mark.docker
def test_a_stage_that_cannot_be_set_up_says_why_and_leaves_nothing(client: docker.DockerClient) -> None:
    stage = stage_of(client, "slipway-test/there-is-none:1")
    with pytest.raises(UsageError, match="does not have an image: No such image: slipway-test/there-is-none:1"), stage:
        pass
    assert names(client, f"{LABEL}={stage.name}") == ()


@pytest.mark.docker
def test_the_stage_of_a_killed_process_is_swept_and_nobody_elses(
    client: docker.DockerClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """This process's own stage is under way, another checkout's is its own; both stay."""
    me = Owner.here(Path("/this/checkout"))
    owners = {"killed": replace(me, began="1"), "under-way": me, "other": replace(me, checkout="/", began="1")}
    stages = {what: f"slipway-test-stage-{what}-{me.pid}" for what in owners}
    monkeypatch.setattr(Owner, "here", lambda: me)
    with tiny.image(client) as reference:
        try:
            for what, owner in owners.items():
                labels = {LABEL: stages[what], **owner.labels()}
                network = client.networks.create(stages[what], labels=labels)
                client.containers.run(reference, detach=True, labels=labels, network=str(network.name))
            assert sweep(client, Lines()) == 2
            left = {what: len(names(client, f"{LABEL}={name}")) for what, name in stages.items()}
        finally:
            for name in stages.values():
                Removal(client, (f"{LABEL}={name}",), name).remove(Lines())
    assert left == {"killed": 0, "under-way": 2, "other": 2}
