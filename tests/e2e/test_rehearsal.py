"""`./inv rehearse` of example/ as a person types it, and what its standing ground answers afterwards."""

import json
import re

import pytest

from slipway.rehearsal.story import STAGES
from tests.e2e.conftest import Standing
from tests.e2e.looks import IMAGES, SERVICES, STATE, Looks, refusing, secrets
from tests.e2e.person import Person
from tests.tasks.canary import leaks

pytestmark = pytest.mark.rehearsal


def observed(standing: Standing, stage: str) -> str:
    (step,) = (step for step in standing.ran.document["steps"] if step["name"] == stage)
    return str(step["observed"])


def test_every_stage_is_done_and_the_report_says_the_same(standing: Standing) -> None:
    document = standing.ran.ended(0).document
    assert document["ok"] is True
    assert [step["name"] for step in document["steps"]] == list(STAGES)
    assert {step["outcome"] for step in document["steps"]} == {"done"}
    assert all(step["seconds"] >= 0 and step["observed"] for step in document["steps"])
    parts = [part for listed in document["parts"].values() for part in listed]
    # An image that has not changed since an earlier rehearsal is not built again.
    assert {part["outcome"] for part in parts if not part["name"].startswith("build ")} == {"done"}
    assert {part["outcome"] for part in parts} <= {"done", "skipped"}
    (report,) = standing.reports
    assert {**json.loads(report.read_text()), "seconds": 0} == {**document, "seconds": 0}
    assert abs(json.loads(report.read_text())["seconds"] - document["seconds"]) < 1


def test_the_engine_shows_seven_healthy_services_of_the_images_that_were_built(
    standing: Standing, looks: Looks
) -> None:
    images = standing.ran.document["images"]
    running = looks.running()
    assert set(running) == set(SERVICES)
    for name, container in running.items():
        assert container.attrs["State"]["Health"]["Status"] == "healthy"
        assert container.attrs["Image"] == images[IMAGES[name]]["id"]
        assert container.attrs["Config"]["Image"].endswith(f":{standing.tag}")
    assert set(looks.tags().values()) == {standing.tag}


def test_a_visitor_sees_the_api_a_log_in_and_four_portals(standing: Standing, looks: Looks) -> None:
    visitor = looks.visitor
    assert len(visitor.asks("api", "/api/artists/").json()) > 0
    body = {"username": "demo", "password": secrets()["DEMO_USER_PASSWORD"]}
    assert visitor.asks("api", "/api/auth/token/", body).json()["access"]
    assert visitor.asks("api", "/api/auth/token/", body | {"password": "wrong"}).status_code == 401
    for portal in SERVICES[3:]:
        page = visitor.asks(portal, "/")
        assert page.status_code == 200
        assert '<div id="root">' in page.text
        assert '{"VITE_API_URL":"https://api.zamio.localhost"}' in visitor.asks(portal, "/env.js").text
        assert "wss://api.zamio.localhost" in page.headers["content-security-policy"]


def test_the_database_and_the_host_hold_what_was_said(standing: Standing, looks: Looks) -> None:
    applied = looks.sql("SELECT count(*) FROM django_migrations")
    assert f"django_migrations has {applied} rows (before: 0)" in observed(standing, "migrate")
    assert looks.sql("SELECT count(*) FROM auth_user WHERE username = 'demo'") == "1"
    (release,) = looks.history()
    assert f"{release['version']}-{release['revision']}" == standing.tag
    assert not looks.is_locked()
    backup = observed(standing, "backup").partition(":")[0]
    manifest = json.loads(looks.host(f"cat {STATE}/backups/{backup}/manifest.json"))
    assert looks.host(f"sha256sum < {STATE}/backups/{backup}/database.dump").split()[0] == manifest["sha256"]
    assert manifest["rows"]["public.django_migrations"] == int(applied)
    assert manifest["proof"]


def test_the_same_release_again_changes_nothing(standing: Standing, person: Person, looks: Looks) -> None:
    before = looks.ids()
    person.types("deploy", *standing.words).ended(0)
    document = person.types("deploy", *standing.words, "--format", "json").ended(0).document
    assert document["ok"] is True
    assert {step["name"] for step in document["steps"]} <= {"lock", "unlock"}
    assert "up to date" in person.transcript[-2].out
    assert looks.ids() == before
    assert len(looks.history()) == 1
    assert not looks.is_locked()


def test_status_and_history_say_what_runs(standing: Standing, person: Person) -> None:
    services = person.types("deploy.status", *standing.words, "--format", "json").ended(0).document["services"]
    assert {one["service"]: (one["state"], one["health"]) for one in services} == dict.fromkeys(
        SERVICES, ("running", "healthy")
    )
    assert all(one["image"].endswith(f":{standing.tag}") for one in services)
    releases = person.types("deploy.history", "--format", "json").ended(0).document["releases"]
    assert [one["tag"] for one in releases] == [standing.tag]


def test_a_backup_can_be_made_listed_and_proved_again(standing: Standing, person: Person, looks: Looks) -> None:
    plays = looks.sql("SELECT count(*) FROM plays_play")
    made = person.types("db.backup", *standing.words, "--format", "json").ended(0).document
    assert [(step["name"], step["outcome"]) for step in made["steps"]] == [("backup", "done"), ("prove", "done")]
    backups = person.types("db.backups", "--format", "json").ended(0).document["backups"]
    assert len(backups) == 2
    newest = backups[-1]
    assert newest["id"] in made["steps"][0]["observed"]
    assert all(one["proved"] != "not proved" for one in backups)
    manifest = json.loads(looks.host(f"cat {STATE}/backups/{newest['id']}/manifest.json"))
    assert manifest["rows"]["public.plays_play"] == int(plays)
    proved = person.types("db.verify", "--backup", newest["id"]).ended(0)
    assert "the same as in the dump" in proved.out
    person.types("db.verify", "--backup", "20200101T000000Z-postgres").ended(1 + 1).told("there is no such backup")
    assert [c.name for c in looks.containers() if "prove" in str(c.name)] == []


def test_a_full_disk_refuses_a_backup_and_leaves_no_piece_of_it(
    standing: Standing, person: Person, looks: Looks
) -> None:
    folder = f"{STATE}/backups"
    before = looks.host(f"ls {folder}")
    with looks.small_disk(folder, "16k"):
        person.types("db.backup", *standing.words).ended(1).told("no space left on the host; nothing was kept", folder)
        assert looks.host(f"ls {folder}") == ""
    assert looks.host(f"ls {folder}") == before


def test_a_registry_that_does_not_answer_stops_a_deployment_before_it_begins(
    standing: Standing, person: Person, looks: Looks
) -> None:
    registry = looks.ground["registry"]
    (container,) = looks.containers("slipway.part=registry")
    before = looks.ids()
    standing.source.edit("zamio_backend/core/views.py", "Where everything is", "Where all is").commit()
    person.types("build.all", *standing.words).ended(0)
    with refusing(looks.client, container, 5000):
        refused = person.types("deploy", *standing.words).ended(3)
    refused.told(f"the registry {registry} does not answer", "nothing was deployed")
    assert looks.ids() == before
    assert not looks.is_locked()
    assert len(looks.history()) == 1


def test_variables_are_explained_compared_and_set_without_a_deployment(
    standing: Standing, person: Person, looks: Looks
) -> None:
    before = looks.ids()
    person.types("env.diff", *standing.words).ended(0)
    shown = person.types("env.show", *standing.words, "--format", "json").ended(0).document["variables"]
    (url,) = (one for one in shown if one["name"] == "DATABASE_URL")
    assert "[secret" in url["value"]
    assert url["references"][0]["source"] == "the platform, now"
    other = {"SLIPWAY_VAR_DEFAULT_FROM_EMAIL": "other@zamio.localhost"}
    pushed = person.types("env.push", *standing.words, "--format", "json", given=other).ended(0).document
    assert [step["name"] for step in pushed["steps"]] == [
        "lock", "variables api", "variables worker", "variables beat", "unlock"
    ]  # fmt: skip
    (differing,) = (
        one
        for one in person.types("env.diff", *standing.words, "--format", "json").ended(1).document["variables"]
        if one["outcome"] != "same"
    )
    assert (differing["name"], differing["services"]) == ("DEFAULT_FROM_EMAIL", ["api", "worker", "beat"])
    person.types("env.push", *standing.words).ended(0)
    person.types("env.diff", *standing.words).ended(0)
    assert looks.ids() == before
    assert not looks.is_locked()


def test_every_service_is_tried_from_where_it_is_used(standing: Standing, person: Person, looks: Looks) -> None:
    before = looks.ids()
    ran = person.types("check.env", "--connect", *standing.words, "--format", "json")
    asked = [issue for issue in ran.document["issues"] if issue["id"].startswith("connect.")]
    assert [issue for issue in asked if issue["severity"] == "error"] == []
    assert "connect.unanswered" not in {issue["id"] for issue in asked}
    ran.ended(0)
    assert looks.ids() == before


def test_no_secret_is_in_any_output_report_image_or_command_line(
    standing: Standing, person: Person, looks: Looks
) -> None:
    canaries = secrets()
    assert len(canaries) >= 3
    assert all(len(value) >= 16 for value in canaries.values())
    # Coolify itself starts its Redis with the password as an argument, and so does its stand-in.
    ours = [c for c in looks.containers() if c.labels.get("coolify.type") != "database"]
    images = {container.attrs["Image"] for container in looks.containers()}
    places = {
        **{f"output of {' '.join(ran.words)}": ran.said for ran in person.transcript},
        **{str(report): report.read_text() for report in standing.reports},
        **{f"image {image}": json.dumps(looks.client.images.get(image).attrs) for image in images},
        **{f"history of {image}": json.dumps(looks.client.images.get(image).history()) for image in images},
        **{f"command of {c.name}": json.dumps([c.attrs["Path"], c.attrs["Args"]]) for c in ours},
        **{f"command line {line[:60]}": line for line in standing.lines if "redis-server" not in line},
        "journal on the host": looks.host(f"cat {STATE}/journal/*.jsonl {STATE}/history.jsonl"),
    }
    assert any("slipway_runtime" in line for line in standing.lines), "the watch saw no container's process"
    assert any(re.search("pg_dump|psql", line) for line in standing.lines)
    found = [f"{name} in {place}" for place, text in places.items() for name in leaks(text, canaries)]
    assert found == []
