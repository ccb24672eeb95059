"""Stand-ins to test: without engine (fast), and with the real engine, real Compose and a tiny registry."""

import subprocess
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker
import pytest

from tests.rehearsal.standin import ground, tiny_registry
from tests.rehearsal.standin.trap_scenarios_engine import Deployer

_SCRIPT = Path(__file__).parents[3] / "src/slipway/rehearsal/standin/fetch-compose.sh"


@dataclass
class Yard:
    """What stand-ins with a real engine share: the engine, a network, Compose, a registry's repository."""

    api: Any
    network: str
    compose: Path
    repository: str
    shelf: tiny_registry.Shelf
    label: str


@pytest.fixture
def standin(tmp_path: Path) -> Iterator[ground.Standin]:
    """A stand-in whose deployments nobody works on."""
    with ground.running(ground.settings(tmp_path), held=True) as found:
        yield found


@pytest.fixture(scope="session")
def compose(pytestconfig: pytest.Config) -> Path:
    """The real Compose, fetched once and kept in pytest's cache."""
    assert pytestconfig.cache is not None
    folder = pytestconfig.cache.mkdir("standin-compose")
    subprocess.run([str(_SCRIPT), str(folder)], check=True, timeout=300)
    return folder / "docker-compose"


@pytest.fixture(scope="session")
def yard(compose: Path) -> Iterator[Yard]:
    """Made once; everything that bears its label is removed at the end."""
    label = f"slipway.test=standin-{uuid.uuid4().hex[:8]}"
    api = docker.APIClient(version="auto")
    network = "slipway-" + label.partition("=")[2]
    api.create_network(network, labels=dict([label.split("=")]))
    try:
        with tiny_registry.serving() as (host, shelf):
            yield Yard(api, network, compose, f"{host}/tiny/app", shelf, label)
    finally:
        _clean(api, label)
        for image in api.images():
            for tag in image.get("RepoTags") or []:
                if tag.startswith(f"{host}/"):
                    api.remove_image(tag, force=True)
        api.remove_network(network)
        api.close()


@pytest.fixture
def deployer(yard: Yard, tmp_path: Path) -> Iterator[ground.Standin]:
    """A stand-in that deploys for real; its containers are gone afterwards."""
    settings = ground.settings(
        tmp_path, compose=yard.compose, network=yard.network, labels=dict([yard.label.split("=")]), status_seconds=3600
    )
    with ground.running(settings, held=False) as found:
        yield found
    _clean(yard.api, yard.label)


@pytest.fixture
def world(deployer: ground.Standin, yard: Yard) -> Deployer:
    """The same, with the engine's own view."""
    return Deployer(deployer, yard.api, yard.repository, yard.shelf.asked)


def _clean(api: Any, label: str) -> None:
    for container in api.containers(all=True, filters={"label": [label]}):
        api.remove_container(container["Id"], force=True, v=True)
    for volume in api.volumes(filters={"label": [label]})["Volumes"] or []:
        api.remove_volume(volume["Name"], force=True)
