"""Answers that neither the contract table nor a trap covers."""

from dataclasses import replace
from typing import Any

import pytest

from slipway.rehearsal.standin import deployment_job, deployment_queue
from slipway.rehearsal.standin.compose_cli import CommandFailed
from slipway.rehearsal.standin.container_status import aggregated, shown
from slipway.rehearsal.standin.engine import Container, Engine
from tests.rehearsal.standin.ground import Standin


def test_a_project_is_born_with_production(standin: Standin) -> None:
    project = standin.good("POST", "/projects", {"name": "zamio", "description": " trimmed "})["uuid"]
    assert standin.good("GET", f"/projects/{project}")["description"] == "trimmed"
    assert [found["name"] for found in standin.good("GET", f"/projects/{project}/environments")] == ["production"]
    standin.good("POST", f"/projects/{project}/environments", {"name": "Feature/X"})
    assert standin.good("GET", f"/projects/{project}/feature-x")["applications"] == []
    answer = standin.ask("GET", f"/projects/{project}/absent")
    assert (answer.status_code, answer.json()) == (404, {"message": "Environment not found."})


@pytest.mark.parametrize(
    ("change", "status", "message"),
    [
        ({"environment_name": None}, 422, "You need to provide at least one of environment_name or environment_uuid."),
        ({"environment_name": "absent"}, 404, "Environment not found."),
        ({"project_uuid": "absent"}, 404, "Project not found."),
        ({"server_uuid": "absent"}, 404, "Server not found."),
        ({"destination_uuid": "absent"}, 404, "Destination not found."),
    ],
)
def test_a_place_must_exist(change: dict[str, Any], status: int, message: str, standin: Standin) -> None:
    body = {**standin.place(), "docker_registry_image_name": "a", **change}
    answer = standin.ask("POST", "/applications/dockerimage", body)
    assert (answer.status_code, answer.json()["message"]) == (status, message)


def test_an_environment_can_be_named_by_uuid(standin: Standin) -> None:
    place = standin.place()
    environment = standin.good("GET", f"/projects/{place['project_uuid']}/environments")[0]["uuid"]
    body = {**place, "environment_name": "", "environment_uuid": environment, "docker_registry_image_name": "a"}
    assert standin.ask("POST", "/applications/dockerimage", body).status_code == 201


def test_a_taken_domain_is_a_conflict(standin: Standin) -> None:
    first = standin.application(name="Api", domains="https://api.zamio.localhost")
    other = standin.application()
    change = {"domains": "https://API.zamio.localhost"}
    answer = standin.ask("PATCH", f"/applications/{other}", change)
    assert answer.status_code == 409
    conflict = answer.json()["conflicts"][0]
    assert (conflict["domain"], conflict["resource_uuid"]) == ("api.zamio.localhost", first)
    standin.good("PATCH", f"/applications/{other}", {**change, "force_domain_override": True})
    standin.good("PATCH", f"/applications/{other}", {"domains": ""})
    assert standin.good("GET", f"/applications/{other}")["fqdn"] is None


def test_a_parameter_called_uuid_beats_the_path(standin: Standin) -> None:
    first, second = standin.application(name="first"), standin.application(name="second")
    assert standin.good("GET", f"/applications/{first}?uuid={second}")["name"] == "second"


def test_applications_by_tag(standin: Standin) -> None:
    uuid = standin.application(tags=["Slipway"])
    standin.application()
    assert [found["uuid"] for found in standin.good("GET", "/applications?tag=slipway")] == [uuid]
    details = standin.good("POST", "/deploy?tag=slipway,absent")["details"]
    assert [found["resource_uuid"] for found in details] == [uuid]
    assert standin.ask("POST", "/deploy?tag=absent").json() == {"message": "No resources found with this tag."}


def test_deploy_refuses_what_it_cannot_mean(standin: Standin) -> None:
    both = standin.ask("POST", "/deploy?uuid=a&tag=b")
    assert (both.status_code, both.json()["message"]) == (400, "You can only use uuid or tag, not both.")
    absent = standin.ask("POST", "/deploy?uuid=absent")
    assert (absent.status_code, absent.json()["message"]) == (404, "No resources found.")
    uuid = standin.application()
    assert standin.ask("POST", f"/deploy?uuid={uuid}&pr=5").status_code == 400


def test_rollback_ignores_the_tag_asked_for(standin: Standin) -> None:
    uuid = standin.application(tag="2")
    answer = standin.good("POST", f"/applications/{uuid}/rollback", {"commit": "1"})
    row = standin.good("GET", f"/deployments/{answer['deployment_uuid']}")
    assert (row["rollback"], row["commit"]) == (True, "1")
    assert standin.good("GET", f"/applications/{uuid}")["docker_registry_image_tag"] == "2"


def test_two_deployments_run_at_a_time_one_per_application(standin: Standin) -> None:
    applications = [standin.application() for _ in range(3)]
    first = [standin.deploy(uuid) for uuid in applications]
    again = standin.deploy(applications[0])

    def statuses() -> list[str]:
        return [standin.good("GET", f"/deployments/{one}")["status"] for one in [*first, again]]

    assert statuses() == ["in_progress", "in_progress", "queued", "queued"]
    deployment_queue.settle(standin.site, first[1], "finished")
    assert statuses() == ["in_progress", "finished", "in_progress", "queued"]
    deployment_queue.settle(standin.site, first[0], "failed")
    assert statuses() == ["failed", "finished", "in_progress", "in_progress"]
    instant = standin.good("POST", f"/applications/{applications[1]}/start?instant_deploy=1")["deployment_uuid"]
    assert standin.good("GET", f"/deployments/{instant}")["status"] == "in_progress"


def test_active_deployments_are_an_object_when_rows_moved(standin: Standin) -> None:
    first, second = standin.application(), standin.application()
    ids = [standin.deploy(first), standin.deploy(second)]
    listed = standin.good("GET", "/deployments")
    assert [row["deployment_uuid"] for row in listed] == ids
    deployment_queue.log(standin.site, ids[0], "moves the row to the heap's end")
    moved = standin.good("GET", "/deployments")
    assert list(moved) == ["1", "0"]
    assert moved["1"]["deployment_uuid"] == ids[0]


def test_cancelling(standin: Standin) -> None:
    uuid = standin.application()
    running, waiting = standin.deploy(uuid), standin.deploy(uuid)
    answer = standin.good("POST", f"/deployments/{running}/cancel")
    assert answer["status"] == "cancelled-by-user"
    assert standin.good("GET", f"/deployments/{waiting}")["status"] == "in_progress"
    again = standin.ask("POST", f"/deployments/{running}/cancel")
    assert again.status_code == 400
    assert again.json() == {"message": "Deployment cannot be cancelled. Current status: cancelled-by-user"}


def test_values_shown_once_are_never_shown_and_redacted_in_logs(standin: Standin) -> None:
    uuid = standin.application()
    variable = {"key": "TOKEN", "value": "very-secret", "is_shown_once": True, "is_literal": True}
    standin.good("POST", f"/applications/{uuid}/envs", variable)
    assert all("value" not in row for row in standin.good("GET", f"/applications/{uuid}/envs"))
    deployment = standin.deploy(uuid)
    deployment_queue.log(standin.site, deployment, "using very-secret")
    logs = standin.good("GET", f"/deployments/{deployment}")["logs"]
    assert isinstance(logs, str)
    assert "using <REDACTED>" in logs
    assert "very-secret" not in logs


def container(state: str, health: str | None = None) -> Container:
    return Container("id", "name", state, health, 0)


@pytest.mark.parametrize(
    ("containers", "status"),
    [
        ([], "exited:unhealthy"),
        ([container("exited")], "exited:unhealthy"),
        ([container("running")], "running:unknown"),
        ([container("running", "healthy"), container("running", "healthy")], "running:healthy"),
        ([container("running", "healthy"), container("running", "unhealthy")], "running:unhealthy"),
        ([container("running", "starting")], "starting:unknown"),
        ([container("created")], "starting:unknown"),
        ([container("restarting")], "restarting:unknown"),
        ([container("running"), container("restarting")], "degraded:unhealthy"),
        ([container("running"), container("exited")], "degraded:unhealthy"),
        ([container("paused")], "paused:unknown"),
    ],
)
def test_statuses(containers: list[Container], status: str) -> None:
    assert aggregated(containers) == status


def test_a_plain_status_reads_back_as_unhealthy() -> None:
    assert shown({"status": "running"}) == "running:unhealthy"
    assert shown({"status": "running:healthy"}) == "running:healthy"


def test_a_deployment_whose_application_is_gone_fails_and_frees_its_slot(standin: Standin) -> None:
    uuid = standin.application()
    deployment = standin.deploy(uuid)
    standin.site.store.delete("applications", uuid)
    deployment_job.run(standin.site, deployment, "container")
    assert standin.good("GET", f"/deployments/{deployment}")["status"] == "failed"
    assert "The application is gone." in standin.log(deployment)


def test_a_query_parameter_is_a_field_like_any_other(standin: Standin) -> None:
    uuid = standin.application(name="Api")
    change = {"docker_registry_image_tag": "2"}
    assert standin.ask("PATCH", f"/applications/{uuid}?redirect=nowhere", change).status_code == 422
    assert standin.ask("PATCH", f"/applications/{uuid}?uuid={uuid}", change).status_code == 422
    standin.good("PATCH", f"/applications/{uuid}?name=Other", change)
    assert standin.good("GET", f"/applications/{uuid}")["name"] == "Other"


def test_an_engine_that_does_not_answer_is_an_error_not_a_hang(standin: Standin) -> None:
    silent = Engine(replace(standin.site.settings, docker_host="tcp://127.0.0.1:1"))
    with pytest.raises(CommandFailed, match="does not answer"):
        silent.version()
