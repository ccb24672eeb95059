"""A scene with one service of a tiny image."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from types import SimpleNamespace
from typing import Any

import docker
import pytest

from slipway.checks.images.stage import HEALTHCHECK
from slipway.config.workspace import Engine, Role, Service
from slipway.ports import BuiltImage
from slipway.rehearsal.stage.scene import LABEL, Hosts, Scene
from slipway.testing import Lines
from tests import tiny

# A shell below the engine's own init, which serves, drains, and beats like a worker.
SERVING = """#!/bin/sh
drain() { touch /run/draining; sleep 1.5; kill $server; exit 0; }
trap drain TERM
mkdir -p /run/slipway
httpd -f -p 8080 -h /www & server=$!
while true; do touch /run/slipway/worker.heartbeat; sleep 0.05; done
"""
# Green while its port answers, and for a worker while its heartbeat is young.
CHECK = """#!/bin/sh
[ ! -e /run/draining ] || exit 1
if [ "$SLIPWAY_ROLE" = worker ]; then
    [ $(($(date +%s) - $(stat -c %Y /run/slipway/worker.heartbeat))) -lt 10 ]; exit
fi
printf 'GET / HTTP/1.0\\r\\n\\r\\n' | timeout 1 nc 127.0.0.1 8080 | grep -q 200
"""
GOOD = {"/start": SERVING, "/www/index.html": "hello", HEALTHCHECK: CHECK}

Stand = Callable[..., AbstractContextManager[tuple[Scene, Hosts]]]


@pytest.fixture
def client() -> Iterator[docker.DockerClient]:
    client = docker.from_env()
    yield client
    client.close()


@pytest.fixture
def stand(client: docker.DockerClient) -> Stand:
    """Start one service of an image like GOOD but for `files`; all is gone afterwards, which is looked at."""

    @contextmanager
    def standing(files: Mapping[str, str] | None = None, role: Role = Role.STATIC) -> Iterator[tuple[Scene, Hosts]]:
        service = Service(role=role, image="admin", port=8080 if role is Role.STATIC else None)
        databases = {"postgres": SimpleNamespace(engine=Engine.POSTGRESQL)}
        workspace: Any = SimpleNamespace(services={"admin": service}, databases=databases)
        with tiny.image(client, GOOD | dict(files or {}), 'CMD ["/start"]') as reference:
            scene = Scene(client, workspace, {"admin": BuiltImage("admin", reference, (reference,), 1)}, Lines())
            scene.open()
            try:
                scene.run("postgres", reference, command=["sleep", "100"])
                scene.run("admin", reference, environment={"SLIPWAY_ROLE": str(role)}, init=True)
                with scene.hosts("admin") as hosts:
                    tiny.wait_until(
                        lambda: role is not Role.STATIC or " 0A " in hosts.user.run("cat /proc/net/tcp*").stdout
                    )
                    yield scene, hosts
            finally:
                scene.close()
                mine: dict[str, str | list[str] | bool] = {"label": f"{LABEL}={scene.name}"}
                assert client.containers.list(all=True, filters=mine) == []
                assert client.networks.list(filters=mine) == []

    return standing
