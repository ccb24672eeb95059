"""Deployments, hooks, cancels, stops and databases on a real engine."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.rehearsal.standin.conftest import Yard
from tests.rehearsal.standin.trap_scenarios_engine import QUICK, Deployer

pytestmark = pytest.mark.docker


def eventually(question: Callable[[], bool], *, seconds: float = 20) -> None:
    until = time.monotonic() + seconds
    while not question():
        assert time.monotonic() < until, "it never came true"
        time.sleep(0.1)


def test_an_unhealthy_release_leaves_the_old_one_serving(world: Deployer) -> None:
    uuid = world.application(**QUICK)
    assert world.deploy(uuid) == "finished"
    first = world.containers(uuid)[0]["Id"]
    world.change(uuid, docker_registry_image_tag="red", health_check_retries=2)
    deployment = world.standin.deploy(uuid)
    assert world.standin.outcome(deployment) == "failed"
    assert [found["Id"] for found in world.containers(uuid)] == [first]
    log = world.standin.log(deployment)
    assert "New container is not healthy, rolling back to the old container." in log
    assert "Rolling update completed." in log
    assert "red" in world.file(uuid, "docker-compose.yaml")


def test_the_container_bears_coolifys_names(world: Deployer, yard: Yard) -> None:
    uuid = world.application(name="Zam IO Api", domains="https://api.zamio.localhost", ports_exposes="8000")
    assert world.deploy(uuid) == "finished"
    container = world.containers(uuid)[0]
    labels, name = container["Config"]["Labels"], container["Name"].lstrip("/")
    assert labels["com.docker.compose.project"] == uuid
    assert labels["com.docker.compose.service"] == name
    assert labels["coolify.resourceName"] == labels["coolify.serviceName"] == "zam-io-api"
    assert labels[f"traefik.http.routers.https-0-{uuid}.tls.certresolver"] == "letsencrypt"
    assert labels["coolify.environmentName"] == "production"
    key, _, value = yard.label.partition("=")
    assert labels[key] == value
    assert list(container["NetworkSettings"]["Networks"]) == [yard.network]
    assert container["HostConfig"]["RestartPolicy"]["Name"] == "unless-stopped"
    status = world.standin.good("GET", f"/applications/{uuid}")["status"]
    assert status in {"running:unknown", "exited:unhealthy"}
    assert "GET" not in world.standin.good("GET", f"/applications/{uuid}/logs")["logs"]
    tags = [found["tag"] for found in world.standin.good("GET", f"/applications/{uuid}/rollback-images")["images"]]
    assert "ok" in tags


def test_hooks_run_in_the_old_container_and_gate_only_before(world: Deployer) -> None:
    uuid = world.application(pre_deployment_command="cat /second", post_deployment_command="exit 7")
    first = world.standin.deploy(uuid)
    assert world.standin.outcome(first) == "finished"
    assert "Skipping pre-deployment command" in world.standin.log(first)
    assert "Post-deployment command failed" in world.standin.log(first)
    world.change(uuid, docker_registry_image_tag="ok2")
    assert world.deploy(uuid) == "failed"
    assert world.tags(uuid) == ["ok"]
    world.change(uuid, pre_deployment_command="true", post_deployment_command="cat /second")
    assert world.deploy(uuid) == "finished"
    assert world.tags(uuid) == ["ok2"]


def test_a_cancel_leaves_the_new_container_beside_the_old(world: Deployer) -> None:
    uuid = world.application(**QUICK)
    assert world.deploy(uuid) == "finished"
    world.change(uuid, docker_registry_image_tag="red", health_check_retries=50)
    deployment = world.standin.deploy(uuid)
    eventually(lambda: "Attempt 1 of" in world.standin.log(deployment))
    world.standin.good("POST", f"/deployments/{deployment}/cancel")
    assert world.standin.outcome(deployment) == "cancelled-by-user"
    assert world.tags(uuid) == ["red", "ok"]
    world.change(uuid, docker_registry_image_tag="ok2", health_check_retries=5)
    assert world.deploy(uuid) == "finished"
    assert world.tags(uuid) == ["ok2"]


def test_stop_and_delete(world: Deployer) -> None:
    uuid = world.application()
    assert world.deploy(uuid) == "finished"
    world.standin.good("POST", f"/applications/{uuid}/stop?docker_cleanup=false")
    eventually(lambda: world.containers(uuid) == [])
    refused = world.standin.ask("GET", f"/applications/{uuid}/logs")
    assert (refused.status_code, refused.json()) == (400, {"message": "Application is not running."})
    assert world.deploy(uuid) == "finished"
    world.standin.good("DELETE", f"/applications/{uuid}")
    eventually(lambda: world.standin.ask("GET", f"/applications/{uuid}").status_code == 404)
    assert world.containers(uuid) == []
    assert not (world.standin.site.settings.data / "applications" / uuid).exists()


def test_one_that_restarts_too_often_is_stopped(world: Deployer) -> None:
    from slipway.rehearsal.standin.container_status import refresh_all

    uuid = world.application("crash", max_restart_count=2)
    assert world.deploy(uuid) == "finished"
    eventually(lambda: world.containers(uuid)[0]["RestartCount"] >= 2)
    refresh_all(world.standin.site)
    assert world.containers(uuid) == []
    assert world.standin.good("GET", f"/applications/{uuid}")["status"] == "exited:unhealthy"


def test_without_a_network_the_deployment_fails_and_says_so(world: Deployer) -> None:
    uuid = world.application()
    from dataclasses import replace

    world.standin.site.settings = replace(world.standin.site.settings, network="no-such-network")
    deployment = world.standin.deploy(uuid)
    assert world.standin.outcome(deployment) == "failed"
    assert "no-such-network" in world.standin.log(deployment)


@pytest.mark.parametrize(
    ("kind", "volume", "target"),
    [
        ("postgresql", "postgres-data", "/var/lib/postgresql/data"),
        ("redis", "redis-data", "/data"),
    ],
)
def test_databases(kind: str, volume: str, target: str, world: Deployer, yard: Yard) -> None:
    standin = world.standin
    body: dict[str, Any] = {**standin.place(), "image": f"{world.repository}:ok", "name": "Zamio Db"}
    made = standin.good("POST", f"/databases/{kind}", body, token="write")
    uuid = made["uuid"]
    assert f"@{uuid}:" in made["internal_db_url"]
    stopped = standin.ask("POST", f"/databases/{uuid}/stop")
    assert (stopped.status_code, stopped.json()) == (400, {"message": "Database is already stopped."})
    standin.good("PATCH", f"/databases/{uuid}", {"health_check_enabled": False})
    standin.good("POST", f"/databases/{uuid}/start")
    eventually(lambda: standin.good("GET", f"/databases/{uuid}")["status"].startswith("running"))
    container = world.api.inspect_container(uuid)
    labels, mount = container["Config"]["Labels"], container["Mounts"][0]
    assert (mount["Name"], mount["Destination"]) == (f"{volume}-{uuid}", target)
    assert labels["coolify.type"] == "database"
    assert labels["coolify.resourceName"] == "zamio-db"
    assert labels["coolify.database.subType"] == f"standalone-{kind}"
    assert "coolify.name" not in labels
    key, _, value = yard.label.partition("=")
    assert world.api.inspect_volume(mount["Name"])["Labels"][key] == value
    again = standin.ask("POST", f"/databases/{uuid}/start")
    assert (again.status_code, again.json()) == (400, {"message": "Database is already running."})
    standin.good("POST", f"/databases/{uuid}/restart")
    eventually(lambda: _id(world, uuid) not in {None, container["Id"]})
    standin.good("DELETE", f"/databases/{uuid}")
    eventually(lambda: standin.ask("GET", f"/databases/{uuid}").status_code == 404)
    assert _id(world, uuid) is None
    assert mount["Name"] not in [found["Name"] for found in world.api.volumes()["Volumes"] or []]


def _id(world: Deployer, name: str) -> str | None:
    found = world.api.containers(all=True, filters={"name": [f"^{name}$"]})
    return str(found[0]["Id"]) if found else None
