"""What holds for every test: a clean environment, no world without a marker, and no silence about a missing engine."""

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from slipway.config.workspace import Workspace
from slipway.config.workspace_file import load_workspace

_REPOSITORY = Path(__file__).parents[1]
_OURS = ("SLIPWAY_", "COOLIFY_", "INVOKE_", "FABRIC_", "DOCKER_HOST", "DOCKER_TLS", "DOCKER_CERT")
_ENGINE_SOCKETS = {"/var/run/docker.sock", "/run/docker.sock"}
_WORLD = "this test reaches {}: give it the marker docker, or a fake"
_fences: list[str] = []  # an audit hook cannot be taken away again, so it looks whether one is up


def _fence(event: str, arguments: tuple[object, ...]) -> None:
    if event == "socket.connect" and _fences:
        address = arguments[1]
        host = address[0] if isinstance(address, tuple) else address
        outside = isinstance(address, tuple) and not str(host).startswith(("127.", "::1", "localhost"))
        if outside or host in _ENGINE_SOCKETS:
            pytest.fail(_WORLD.format(host))


sys.addaudithook(_fence)


def _needs_engine(item: pytest.Item) -> bool:
    return any(item.get_closest_marker(name) for name in ("docker", "rehearsal"))


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Name bytes by their argument: they may hold the time, and every process has to find the same names."""
    return argname if isinstance(val, bytes) else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what needs an engine only where somebody asked for that, and never in CI."""
    if os.environ.get("SLIPWAY_NO_ENGINE") == "1" and os.environ.get("CI") != "true":
        config.hook.pytest_deselected(items=[item for item in items if _needs_engine(item)])
        items[:] = [item for item in items if not _needs_engine(item)]


@pytest.fixture(scope="session")
def engine_problem() -> str:
    """Why no Docker engine answers; "" when one does. Asked once a session."""
    from slipway.engines.engine_probe import configured_host, unanswered

    return unanswered(configured_host())


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder with the project's own env files, free to be spoilt."""
    copy_env(tmp_path)
    return tmp_path


def copy_env(root: Path) -> None:
    """Copy the project's own env files below `root`, without secrets that somebody may have there."""
    ignored = shutil.ignore_patterns("*.secrets.env", "*.secrets.env.age")
    shutil.copytree(_REPOSITORY / "env", root / "env", ignore=ignored)


@pytest.fixture
def workspace() -> Workspace:
    """The reference workspace."""
    return load_workspace(_REPOSITORY / "example" / "workspace.yaml", _REPOSITORY / "example")


@pytest.fixture(autouse=True)
def _world(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    if _needs_engine(request.node):
        if problem := request.getfixturevalue("engine_problem"):
            pytest.fail(
                f"no Docker engine answers: {problem}\n"
                "`./inv test` installs and starts one; SLIPWAY_NO_ENGINE=1 leaves these tests out",
                pytrace=False,
            )
        yield
        return
    for name in [name for name in os.environ if name.startswith(_OURS)]:
        monkeypatch.delenv(name)
    _fences.append(request.node.nodeid)
    yield
    _fences.pop()
