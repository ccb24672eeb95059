import json
import socket
import stat
import uuid
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

import docker
import docker.errors
import pytest

from slipway.engines.host.engine import ONE_OFF_LABEL
from slipway.errors import Unreachable, UsageError
from slipway.rehearsal import ground, removal
from slipway.rehearsal.ground import LABEL, Ground, GroundImages, GroundKeeper, load_ground
from slipway.rehearsal.owner import Owner
from slipway.rehearsal.proxy import proxy_arguments
from slipway.testing import Lines
from tests import tiny

GROUND = Ground("r", "zamio.localhost", "slipway-r", "127.0.0.1:5000", 22, "k", "h", "http://c", "1|token", "ca.pem")


def keeper(folder: Path, name: str = "r", client: docker.DockerClient | None = None) -> GroundKeeper:
    return GroundKeeper(client, name, folder)  # type: ignore[arg-type] # reading files needs no engine


def test_a_standing_ground_is_read_back(tmp_path: Path) -> None:
    (tmp_path / "ground.json").write_text(json.dumps(asdict(GROUND)))
    assert load_ground(tmp_path) == GROUND
    assert GROUND.settings()["SLIPWAY_SSH_PORT"] == "22"
    assert all(value for value in GROUND.settings().values())


@pytest.mark.parametrize("text", [None, "", "{", "[]", "null", '{"name": "r"}', '{"surplus": 1}'])
def test_no_ground_is_wrong_use(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "ground.json").write_text(text)
    with pytest.raises(UsageError, match="no rehearsal is standing"):
        load_ground(tmp_path)


def test_files_are_for_the_owner_only_also_when_they_were_there(tmp_path: Path) -> None:
    (tmp_path / "id").write_text("old")
    (tmp_path / "id").chmod(0o644)
    path = Path(keeper(tmp_path)._keep("id", b"new"))
    assert path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_traefik_sees_this_rehearsal_only() -> None:
    arguments = proxy_arguments("slipway-r", LABEL, "r")
    assert "--providers.docker.constraints=Label(`slipway.rehearsal`,`r`)" in arguments
    assert "--providers.docker.exposedbydefault=false" in arguments


@pytest.fixture
def client() -> Iterator[docker.DockerClient]:
    client = docker.from_env()
    yield client
    client.close()


@pytest.fixture
def name(client: docker.DockerClient) -> Iterator[str]:
    """A rehearsal's name of this test's own; whatever carries it is gone afterwards."""
    name = f"test-{uuid.uuid4().hex[:8]}"
    yield name
    for label in (f"{LABEL}={name}", f"slipway.test={name}"):
        for container in client.containers.list(all=True, filters={"label": label}):
            container.remove(force=True, v=True)
        for volume in client.volumes.list(filters={"label": label}):
            volume.remove(force=True)
        for network in client.networks.list(filters={"label": label}):
            network.remove()


@pytest.fixture
def image(client: docker.DockerClient) -> Iterator[str]:
    with tiny.image(client, {}, "VOLUME /run") as image:
        yield image


def exists(collection: object, key: str | None) -> bool:
    try:
        collection.get(key)  # type: ignore[attr-defined] # every collection of the SDK has it
    except docker.errors.NotFound:
        return False
    return True


@pytest.mark.docker
def test_teardown_removes_all_of_a_rehearsal_and_nothing_else(
    client: docker.DockerClient, image: str, name: str, tmp_path: Path
) -> None:
    mine, others = {LABEL: name}, {LABEL: f"{name}-2", "slipway.test": name}
    network = client.networks.create(f"slipway-{name}", labels=mine)
    volume = client.volumes.create(f"slipway-{name}-data", labels=mine)
    mount = {str(volume.name): {"bind": "/data", "mode": "rw"}}
    up = client.containers.run(image, detach=True, labels=mine, network=str(network.name), volumes=mount)
    stopped = client.containers.run(image, ["id"], detach=True, labels=mine)
    created = client.containers.create(image, labels=mine)
    anonymous = [m["Name"] for m in client.api.inspect_container(str(up.id))["Mounts"] if m["Destination"] == "/run"]
    kept_container = client.containers.run(image, detach=True, labels=others)
    kept_volume = client.volumes.create(f"{name}-kept", labels=others)
    kept_network = client.networks.create(f"{name}-kept", labels=others)
    folder = tmp_path / "rehearsal"
    folder.mkdir()
    for file in ("ground.json", "id_ed25519", "known_hosts", "ca.pem"):
        (folder / file).write_text("x")

    kept = keeper(folder, name, client)
    assert len(kept.left()) == 5
    said = Lines()
    assert kept.teardown(said) == 5
    assert said.lines == ["removed 5 containers, volumes and networks"]
    assert kept.left() == ()
    assert not any(exists(client.containers, c.id) for c in (up, stopped, created))
    assert not exists(client.volumes, volume.id)
    assert not exists(client.volumes, anonymous[0])
    assert not exists(client.networks, network.id)
    assert exists(client.containers, kept_container.id)
    assert exists(client.volumes, kept_volume.id)
    assert exists(client.networks, kept_network.id)
    assert not folder.exists()

    assert kept.teardown(said) == 0
    assert len(said.lines) == 1


@pytest.mark.docker
def test_teardown_removes_the_one_off_of_a_killed_run_and_lets_a_strangers_container_live(
    client: docker.DockerClient, image: str, name: str, tmp_path: Path
) -> None:
    network = client.networks.create(f"slipway-{name}", labels={LABEL: name})
    mine = {"slipway.test": name}
    one_off = client.containers.run(
        image, detach=True, labels=mine | {ONE_OFF_LABEL: "migrate"}, network=str(network.name)
    )
    stranger = client.containers.run(image, detach=True, labels=mine, network=str(network.name))
    said = Lines()
    assert keeper(tmp_path, name, client).teardown(said) == 2
    assert not exists(client.containers, one_off.id)
    assert not exists(client.networks, network.id)
    stranger.reload()
    assert stranger.status == "running"
    assert f"container {stranger.name} is taken off network slipway-{name} and left alone" in said.lines


@pytest.mark.docker
def test_teardown_names_what_something_else_holds(
    client: docker.DockerClient, image: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(removal, "SECONDS", 0.5)
    volume = client.volumes.create(f"slipway-{name}-data", labels={LABEL: name})
    mount = {str(volume.name): {"bind": "/data", "mode": "rw"}}
    holder = client.containers.run(image, detach=True, labels={"slipway.test": name}, volumes=mount)
    (tmp_path / "other").write_text("not ours")
    with pytest.raises(Unreachable, match=f"cannot be removed: slipway-{name}-data") as raised:
        keeper(tmp_path, name, client).teardown(Lines())
    assert "volume is in use" in raised.value.details[0]
    holder.remove(force=True)
    assert keeper(tmp_path, name, client).teardown(Lines()) == 1
    assert (tmp_path / "other").exists()


@pytest.mark.docker
def test_teardown_forgets_the_names_in_its_own_registry_and_no_other(
    client: docker.DockerClient, image: str, name: str, tmp_path: Path
) -> None:
    """Ports 1 and 11: nothing is pushed, a name is enough."""
    (tmp_path / "ground.json").write_text(json.dumps(asdict(replace(GROUND, registry="127.0.0.1:1"))))
    local, other = client.images.get(image), f"127.0.0.1:11/{name}/a:1"
    for reference in (f"127.0.0.1:1/{name}/a:1", f"127.0.0.1:1/{name}/a:2", other):
        assert local.tag(*reference.rsplit(":", 1))
    said = Lines()
    try:
        keeper(tmp_path, name, client).teardown(said)
        local.reload()
        assert sorted(local.tags) == sorted([image, other])
    finally:
        client.images.remove(other)
    assert said.lines == ["2 names of images in its registry forgotten"]


@pytest.mark.docker
def test_a_part_that_cannot_start_says_why_and_leaves_nothing(
    client: docker.DockerClient, name: str, tmp_path: Path
) -> None:
    folder = tmp_path / "made"
    lying = keeper(folder, name, client)
    missing = GroundImages(*["slipway-test/there-is-none:1"] * 4)
    with pytest.raises(UsageError, match="registry did not start: the engine does not have an image") as raised:
        lying.lay(missing, "zamio.localhost", ("api",), Lines())
    assert raised.value.where == f"rehearsal {name}"
    assert lying.left() == ()
    assert not folder.exists()


@pytest.mark.docker
def test_the_proxy_gets_the_engines_own_socket_and_an_interrupt_leaves_nothing(
    client: docker.DockerClient, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as http, socket.create_server(("127.0.0.1", 0)) as https:
        monkeypatch.setattr(ground, "_HTTP", http.getsockname()[1])
        monkeypatch.setattr(ground, "_HTTPS", https.getsockname()[1])
    own_socket = tmp_path / "docker.sock"
    own_socket.symlink_to("/var/run/docker.sock")
    seen: list[tuple[str, str]] = []

    def say(line: str) -> None:
        if line == "Traefik started":
            mounts = client.containers.get(f"slipway-{name}-traefik").attrs["Mounts"]
            seen.extend((mount["Source"], mount["Destination"]) for mount in mounts)
            raise KeyboardInterrupt

    lying = GroundKeeper(client, name, tmp_path / "made", lambda: str(own_socket))
    with tiny.image(client, {}, 'ENTRYPOINT ["sh", "-c", "sleep 300"]') as image:
        with pytest.raises(KeyboardInterrupt):
            lying.lay(GroundImages(image, image, image, image), "zamio.localhost", ("api",), say)
        assert lying.left() == ()
    assert seen == [(str(own_socket), "/var/run/docker.sock")]
    assert not (tmp_path / "made").exists()


OTHER = Owner.here(Path("/somewhere/else"))


@pytest.mark.docker
@pytest.mark.parametrize(
    ("owner", "words", "hint"),
    [
        (replace(OTHER, checkout="/"), "a rehearsal of / (process {pid}) is under way", "kill -INT {pid}"),
        (replace(OTHER, checkout="/", began="1"), "was left standing", "inv rehearse.down --yes"),
        (replace(OTHER, machine="elsewhere"), "/somewhere/else on elsewhere (process {pid}) stands", "rehearse.down"),
    ],
)
def test_the_ground_of_another_checkout_is_left_alone(
    client: docker.DockerClient, name: str, tmp_path: Path, owner: Owner, words: str, hint: str
) -> None:
    client.networks.create(f"slipway-{name}", labels={LABEL: name, **owner.labels()})
    mine = keeper(tmp_path, name, client)
    for act in (mine.require_room, lambda: mine.teardown(Lines()), lambda: mine.lay(IMAGES, "a.b", (), Lines())):
        with pytest.raises(UsageError) as raised:
            act()
        assert words.format(pid=owner.pid) in raised.value.message
        assert hint.format(pid=owner.pid) in raised.value.hint
    assert mine.left() == (f"slipway-{name}",)
    if owner.runs():
        with pytest.raises(UsageError, match="is under way"):
            mine.teardown(Lines(), foreign=True)
    else:
        assert mine.teardown(Lines(), foreign=True) == 1


IMAGES = GroundImages(*["slipway-test/there-is-none:1"] * 4)


@pytest.mark.docker
@pytest.mark.parametrize("owner", [replace(OTHER, began="1"), replace(Owner.here(), pid=1, began="1"), None])
def test_a_ground_that_nobody_else_could_want_is_replaced(
    client: docker.DockerClient, name: str, tmp_path: Path, owner: Owner | None
) -> None:
    """Its checkout is gone, or is this one, or an earlier version said nothing."""
    client.networks.create(f"slipway-{name}", labels={LABEL: name, **(owner.labels() if owner else {})})
    assert keeper(tmp_path, name, client).teardown(Lines()) == 1
