import json
import stat
import uuid
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import docker
import docker.errors
import pytest

from slipway.errors import Unreachable, UsageError
from slipway.rehearsal import ground
from slipway.rehearsal.ground import LABEL, Ground, GroundImages, GroundKeeper, load_ground
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
    arguments = ground._traefik_arguments("slipway-r", "r")
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
    assert len(kept.observe()) == 3
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
def test_teardown_names_what_something_else_holds(
    client: docker.DockerClient, image: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ground, "_TEARDOWN_SECONDS", 0.5)
    network = client.networks.create(f"slipway-{name}", labels={LABEL: name})
    guest = client.containers.run(image, detach=True, labels={"slipway.test": name}, network=str(network.name))
    (tmp_path / "other").write_text("not ours")
    with pytest.raises(Unreachable, match=f"cannot be removed: slipway-{name}") as raised:
        keeper(tmp_path, name, client).teardown(Lines())
    assert "active endpoints" in raised.value.details[0]
    guest.remove(force=True)
    assert keeper(tmp_path, name, client).teardown(Lines()) == 1
    assert (tmp_path / "other").exists()


@pytest.mark.docker
def test_a_part_that_cannot_start_says_why_and_comes_down(
    client: docker.DockerClient, name: str, tmp_path: Path
) -> None:
    folder = tmp_path / "made"
    lying = keeper(folder, name, client)
    missing = GroundImages(*["slipway-test/there-is-none:1"] * 4)
    with pytest.raises(Unreachable, match="registry did not start"):
        lying.lay(missing, "zamio.localhost", ("api",), Lines())
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert lying.teardown(Lines()) == 2  # network and volume
    assert lying.left() == ()
