"""Deploying the reference workspace into an environment in memory: what is planned, proved, recorded and taken back."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from slipway.config.config import load_config
from slipway.config.workspace import Workspace
from slipway.errors import PersonNeeded, Refused, UsageError
from slipway.plan import PlanFailed
from slipway.ports import Answer
from slipway.release.release import Release
from slipway.verbs.deploy import prepare_provisioning
from tests.verbs.ground import API, ONE, PORTALS, TOOLS, TWO, Ground, env_js, environment, run

SERVICES = {"api", "worker", "beat", "frontend", "admin", "publisher", "stations"}


# --- provisioning ---


def test_an_empty_platform_gets_databases_and_services(ground: Ground) -> None:
    made = prepare_provisioning(ground.config, ground.target, ONE.tag)
    assert ground.platform.calls == []
    run(made.plan)
    assert set(ground.platform.databases) == {"postgres", "redis"}
    assert set(ground.platform.services) == SERVICES
    assert made.redeploy == frozenset()
    assert prepare_provisioning(ground.config, ground.target, ONE.tag).plan.is_empty


def test_a_service_whose_settings_changed_is_configured_and_due(ground: Ground) -> None:
    ground.provision()
    changed = {**ground.platform.services["admin"].settings, "domain": "old.example"}
    ground.platform.services["admin"] = replace(ground.platform.services["admin"], settings=changed)
    made = prepare_provisioning(ground.config, ground.target, ONE.tag)
    assert [step.name for step in made.plan.steps] == ["configure admin"]
    assert made.redeploy == {"admin"}


def test_a_token_that_may_too_little_is_refused_before_anything_is_asked(ground: Ground) -> None:
    ground.platform.failures["require_abilities", ""] = UsageError("lacks the ability deploy")
    with pytest.raises(UsageError, match="lacks the ability"):
        prepare_provisioning(ground.config, ground.target, ONE.tag)


# --- what is planned ---


def names(ground: Ground, *parts: str) -> list[str]:
    prepared = ground.prepare(ONE)
    return [step.name for part in parts for step in getattr(prepared, part)]


def test_a_first_deployment_has_all_four_parts_in_order(ground: Ground) -> None:
    ground.provision()
    ground.platform.calls.clear()
    assert names(ground, "migrating") == [*(f"variables {s}" for s in ground.config.workspace.services), "migrate"]
    assert names(ground, "deploying") == ["deploy api", "deploy worker", "pull beat", "deploy beat", "deploy portals"]
    portals = ground.config.workspace.frontend.portals
    assert names(ground, "verifying") == [
        "verify running",
        "verify api",
        "verify log-in",
        *(f"verify portal {name}" for name in portals),
        *(f"verify cors {name}" for name in portals),
        "verify websocket",
        "verify task",
        "verify beat",
    ]
    assert names(ground, "recording") == ["record", "unlock"]
    assert ground.platform.calls == []
    assert ground.containers.one_offs == []


def test_processes_are_told_which_release_they_belong_to(ground: Ground) -> None:
    ground.provision()
    for version in (ONE, TWO):
        ground.deploy(version)
        for service in ("api", "worker", "beat"):
            variables = ground.platform.services[service].variables
            assert variables["SLIPWAY_VERSION"] == version.number
            assert variables["SLIPWAY_REVISION"] == version.revision
        assert ground.prepare(version).plan.is_empty


def test_a_workspace_without_a_websocket_is_asked_for_none(ground: Ground) -> None:
    probes = ground.config.workspace.probes.model_copy(update={"websocket": None})
    ground.config = replace(ground.config, workspace=ground.config.workspace.model_copy(update={"probes": probes}))
    ground.provision()
    assert "verify websocket" not in names(ground, "verifying")


def test_every_missing_variable_is_named_before_anything_acts(root: Path, workspace: Workspace) -> None:
    bare = Ground(load_config(root, "rehearsal", workspace))
    whole = Ground(environment(root, workspace))
    whole.provision()
    bare.platform = whole.platform
    bare.platform.calls.clear()
    with pytest.raises(UsageError) as raised:
        bare.prepare(ONE)
    assert "SECRET_KEY has no value" in str(raised.value)
    assert bare.platform.calls == []


def test_no_plan_shows_a_secret(ground: Ground) -> None:
    ground.provision()
    shown = "\n".join(ground.prepare(ONE).plan.describe())
    assert not [secret for secret in ground.config.secrets().values() if secret.reveal() in shown]
    assert "SECRET_KEY" in shown


# --- what is done ---


def test_a_release_goes_live_is_proved_and_recorded(ground: Ground) -> None:
    ground.provision()
    results = ground.deploy(ONE)
    assert {str(result.outcome) for result in results} == {"done"}
    assert {name for name, _ in ground.platform.deployed} == SERVICES
    assert {tag for _, tag in ground.platform.deployed} == {ONE.tag}
    assert ground.lock.said[-1] == "release"
    (record,) = ground.state.records
    release = Release.from_json(record)
    assert (release.version, release.migrations) == (ONE, {"plays": "0001_initial"})
    assert set(release.images) == set(ground.config.workspace.image_names)
    assert set(release.fingerprints) == SERVICES
    assert ground.web.sent[ground.web.asked.index("WS wss://api.zamio.localhost/ws/plays/")] == {"origin": PORTALS[0]}
    kept = ground.state.values[ONE.tag]["api"]
    assert kept["SECRET_KEY"] == ground.config.secrets()["SECRET_KEY"]
    assert kept["DATABASE_URL"] == ground.platform.databases["postgres"].internal_url
    assert not [secret for secret in ground.config.secrets().values() if secret.reveal() in record]


def test_a_release_that_runs_already_is_up_to_date(ground: Ground) -> None:
    ground.provision()
    ground.deploy(ONE)
    again = ground.prepare(ONE)
    assert again.plan.is_empty
    assert again.verifying == ()


@pytest.mark.parametrize("change", ["image", "variable", "record", "twice", "settings"])
def test_what_differs_makes_a_service_due(ground: Ground, root: Path, workspace: Workspace, change: str) -> None:
    ground.provision()
    ground.deploy(ONE)
    due, redeploy = ["deploy worker"], frozenset[str]()
    at = next(n for n, one in enumerate(ground.containers.containers) if one.labels == {"coolify.name": "uuid-worker"})
    running = ground.containers.containers[at]
    match change:
        case "image":
            ground.containers.containers[at] = replace(running, image_id="sha256:of-a-tag-built-anew")
        case "twice":
            ground.containers.containers.append(replace(running, id="left", name="left", health="unhealthy"))
        case "settings":
            redeploy = frozenset({"worker"})
        case "record":
            told = json.loads(ground.state.records[-1])
            told["fingerprints"]["worker"] = "another"
            ground.state.records.append(json.dumps(told))
        case "variable":
            ground.config = environment(root, workspace, **_kept(ground), CELERY_WORKER_CONCURRENCY="7")
    plan = ground.prepare(ONE, redeploy).plan
    names = [step.name for step in plan.steps]
    assert [name for name in names if name.startswith("deploy ")] == due
    assert ("variables worker" in names) is (change == "variable")
    assert "migrate" in names
    assert names[-2:] == ["record", "unlock"]


def test_settings_of_a_run_that_was_killed_before_its_deployments_still_need_them(
    ground: Ground, root: Path, workspace: Workspace
) -> None:
    ground.provision()
    ground.deploy(ONE)
    ground.config = environment(root, workspace, **_kept(ground), SLIPWAY_HEALTH_START_PERIOD="90")
    ground.provision()
    assert prepare_provisioning(ground.config, ground.target, ONE.tag).redeploy == frozenset()
    due = {step.name for step in ground.prepare(ONE).deploying}
    assert {"deploy api", "deploy worker", "deploy beat", "deploy portals"} <= due


def _kept(ground: Ground) -> dict[str, str]:
    return {name: secret.reveal() for name, secret in ground.config.secrets().items()}


def test_the_probes_user_is_made_with_its_password_as_a_variable_only(ground: Ground) -> None:
    ground.provision()
    ground.deploy(ONE)
    (made,) = [one for one in ground.containers.one_offs if one.name == "login-set-up"]
    password = ground.config.secrets()["DEMO_USER_PASSWORD"]
    assert made.argv == ("python", "manage.py", "create_demo_user")
    assert made.variables["DEMO_USER_PASSWORD"] == password
    assert not [one for one in ground.containers.one_offs if password.reveal() in " ".join(one.argv)]
    asked = {one.image for one in ground.containers.one_offs if one.name.startswith("ask-")}
    assert asked == {TOOLS}


# --- what fails ---


def failure(ground: Ground) -> PlanFailed:
    """Deploy TWO over ONE, which has to fail."""
    with pytest.raises(PlanFailed) as raised:
        ground.deploy(TWO)
    return raised.value


@pytest.fixture
def live(ground: Ground) -> Ground:
    ground.provision()
    ground.deploy(ONE)
    ground.platform.deployed.clear()
    return ground


def serves(ground: Ground) -> set[str]:
    """Return the tags that run."""
    mine = [one for one in ground.containers.containers if "coolify.name" in one.labels]
    assert len(mine) == len(SERVICES)
    return {one.image.rpartition(":")[2] for one in mine}


BROKEN: dict[str, tuple[dict[str, Answer], str]] = {
    "api": ({f"GET {API}/api/artists/": Answer(500, {}, "")}, "verify api"),
    "log-in": ({f"POST {API}/api/auth/token/": Answer(400, {}, "")}, "verify log-in"),
    "portal": (
        {f"GET {PORTALS[1]}/env.js": env_js("https://other")},
        "verify portal admin",
    ),
    "websocket": ({"WS wss://api.zamio.localhost/ws/plays/": Answer(403, {}, "")}, "verify websocket"),
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_release_that_answers_wrongly_is_taken_back(live: Ground, what: str) -> None:
    answers, step = BROKEN[what]
    live.web.answers |= answers
    failed = failure(live)
    assert next(r.name for r in failed.results if str(r.outcome) == "failed") == step
    assert serves(live) == {ONE.tag}
    assert failed.exit_code == 1
    assert len(live.state.records) == 1
    undone = [r.name for r in failed.results if str(r.outcome) == "undone"]
    assert undone[0] == "deploy portals"
    assert undone[-1].startswith(("deploy api", "variables"))


def test_a_portal_that_the_api_does_not_allow_is_taken_back(live: Ground) -> None:
    live.web.allowed = [portal for portal in PORTALS if "stations" not in portal]
    failed = failure(live)
    assert "https://stations.zamio.localhost may not read" in failed.message
    assert serves(live) == {ONE.tag}


def test_a_task_that_does_not_come_back_takes_the_release_back(live: Ground) -> None:
    live.containers.answers["send-task"] = (1, "no worker answered")
    assert "did not come back" in failure(live).message
    assert serves(live) == {ONE.tag}


def test_a_failing_migration_moves_no_traffic(live: Ground) -> None:
    live.containers.answers["migrate"] = (1, "column does not exist")
    failed = failure(live)
    assert "migration failed" in failed.message
    assert "column does not exist" in failed.details
    assert live.platform.deployed == []
    assert serves(live) == {ONE.tag}


def test_a_service_that_does_not_come_up_takes_the_ones_before_it_back(live: Ground) -> None:
    live.platform.failures["deploy", "worker"] = Refused("is unhealthy")
    assert "unhealthy" in failure(live).message
    assert live.platform.deployed == [("api", TWO.tag), ("api", ONE.tag)]


def test_a_platform_that_runs_another_image_is_not_believed(live: Ground) -> None:
    prepared = live.prepare(TWO)
    live.containers.images = {name: f"{image}-retagged" for name, image in live.containers.images.items()}
    with pytest.raises(PlanFailed, match="does not run as a whole") as raised:
        run(prepared.plan)
    assert len(raised.value.details) == len(SERVICES)


def test_a_record_of_another_run_in_between_needs_a_person(live: Ground) -> None:
    live.state.meanwhile = live.state.records[0]
    failed = failure(live)
    assert failed.exit_code == PersonNeeded.exit_code


def test_a_history_that_cannot_be_read_stops_before_anything(live: Ground) -> None:
    live.state.records.append("{")
    with pytest.raises(PersonNeeded, match="release record"):
        live.prepare(TWO)
    assert live.platform.deployed == []
