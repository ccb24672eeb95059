"""What each trap looks like without an engine: a scenario returns it, the constant below says what it is."""

import base64
import re
from dataclasses import replace
from typing import Any

from slipway.rehearsal.standin import env_file, health_wait, naming
from slipway.rehearsal.standin.application_fields import DEFAULTS, SETTINGS_DEFAULTS
from tests.rehearsal.standin.ground import Standin, moment

Seen = dict[str, Any]


def row(**fields: Any) -> dict[str, Any]:
    """An application's row as the store has it."""
    settings = {**SETTINGS_DEFAULTS, **{name: fields.pop(name) for name in list(fields) if name in SETTINGS_DEFAULTS}}
    return {
        **DEFAULTS, "id": 17, "uuid": "k3x0v9m2q7c1z8r5t4y6w0ab", "name": "Api", "settings": settings, "tags": [],
        "docker_registry_image_name": "127.0.0.1:5000/zamio/backend", "docker_registry_image_tag": "1",
        "environment_id": 1, **fields,
    }  # fmt: skip


def trap_02(standin: Standin) -> Seen:
    uuid = standin.application()
    variable = {"key": "A", "value": "1", "is_multiline": True}
    standin.good("POST", f"/applications/{uuid}/envs", variable)
    window = f"/deployments/applications/{uuid}?skip=x"

    def both(method: str, path: str, body: Any = None) -> list[Any]:
        answers = [standin.ask(method, path, body, accept=accept) for accept in ("*/*", "application/json")]
        return [(answer.status_code, answer.headers["content-type"].split(";")[0]) for answer in answers]

    seen = {
        "version": standin.ask("GET", "/version").text,
        "validation": both("GET", window),
        "error": both("PATCH", f"/applications/{uuid}/envs", {"key": "A", "value": "2"}),
        "unauthenticated": standin.ask("GET", "/version", token=None, accept="*/*").json(),
    }
    standin.site.settings = replace(standin.site.settings, rate_limit=1)
    return seen | {"limit": both("GET", "/version")}


SEEN_02 = {
    "version": "4.3.11",
    "validation": [(302, "text/html"), (422, "application/json")],
    "error": [(500, "text/html"), (500, "application/json")],
    "unauthenticated": {"message": "Unauthenticated."},
    "limit": [(429, "text/html"), (429, "application/json")],
}


def trap_03(standin: Standin) -> Seen:
    uuid = standin.application()
    moved = ["/deploy", *(f"/applications/{uuid}/{verb}" for verb in ("start", "stop", "restart"))]
    answers = [standin.ask("GET", path) for path in moved]
    return {
        "get": [(answer.status_code, answer.headers.get("allow"), answer.json()["message"]) for answer in answers],
        "ability first": standin.ask("GET", "/deploy", token="read").status_code,
        "other methods": [standin.ask("DELETE", "/deploy").status_code, standin.ask("PUT", "/projects").status_code],
        "post": standin.ask("POST", "/deploy", {"uuid": uuid}).status_code,
    }


SEEN_03 = {
    "get": [(405, "POST", "This endpoint has changed to a POST request.")] * 4,
    "ability first": 403,
    "other methods": [404, 404],
    "post": 200,
}


def trap_06(standin: Standin) -> Seen:
    uuid = standin.application()
    first = standin.deploy(uuid, force=False)
    standin.good("PATCH", f"/applications/{uuid}", {"docker_registry_image_tag": "2"})
    answer = standin.good("POST", "/deploy", {"uuid": uuid})["deployments"][0]
    started = standin.good("POST", f"/applications/{uuid}/start")
    forced = standin.deploy(uuid, force=True)
    standin.good("PATCH", f"/applications/{uuid}", {"git_commit_sha": "abc123"})
    other_commit = standin.deploy(uuid, force=False)
    return {
        "first": standin.ask("GET", f"/deployments/{first}").json()["status"],
        "again": (answer["message"], standin.ask("GET", f"/deployments/{answer['deployment_uuid']}").status_code),
        "start": started,
        "forced": standin.ask("GET", f"/deployments/{forced}").status_code,
        "other commit": standin.ask("GET", f"/deployments/{other_commit}").status_code,
    }


SEEN_06 = {
    "first": "in_progress",
    "again": ("Deployment already queued for this commit.", 404),
    "start": {"message": "Deployment already queued for this commit."},
    "forced": 200,
    "other commit": 200,
}


def trap_07(standin: Standin) -> Seen:
    uuid = standin.application()
    for _ in range(26):
        standin.deploy(uuid)
    deploy = standin.ask("POST", "/deploy", {"uuid": uuid, "force": True})
    phantoms = [standin.good("POST", f"/applications/{uuid}/{verb}?force=true") for verb in ("start", "restart")]
    back = standin.ask("POST", f"/applications/{uuid}/rollback", {"commit": "1"})
    return {
        "deploy": (deploy.status_code, deploy.headers.get("retry-after")),
        "said": [phantom["message"] for phantom in phantoms],
        "stored": [standin.ask("GET", f"/deployments/{one.get('deployment_uuid')}").status_code for one in phantoms],
        "rollback": back.status_code,
    }


SEEN_07 = {
    "deploy": (429, "60"),
    "said": ["Deployment request queued.", "Restart request queued."],
    "stored": [404, 404],
    "rollback": 400,
}


def trap_08_row(standin: Standin) -> Seen:
    deployment = standin.deploy(standin.application(tag="7"))
    return {"recorded": standin.good("GET", f"/deployments/{deployment}")["docker_registry_image_tag"]}


SEEN_08_ROW = {"recorded": None}


def trap_15_default(standin: Standin) -> Seen:
    return {"default": standin.good("GET", f"/applications/{standin.application()}")["health_check_enabled"]}


SEEN_15_DEFAULT = {"default": False}


def trap_16_command(standin: Standin) -> Seen:
    uuid = standin.application()
    commands = ('sh -c "true"', "test $ROLE", "true; true", "/usr/local/bin/healthcheck --role=worker")
    changes = [{"health_check_command": command} for command in commands]
    return {"commands": [standin.ask("PATCH", f"/applications/{uuid}", change).status_code for change in changes]}


SEEN_16_COMMAND = {"commands": [422, 422, 422, 200]}


def trap_17_budget(_: Standin | None = None) -> Seen:
    """The wait alone, with a clock of its own."""
    slept: list[float] = []
    lines: list[str] = []
    application = row(health_check_enabled=True, health_check_start_period=5, health_check_retries=10)
    passed = health_wait.passed(application, lambda: ("starting", ""), lines.append, slept.append)
    return {"passed": passed, "seconds": sum(slept), "last": lines[-1]}


SEEN_17_BUDGET = {"passed": False, "seconds": 55, "last": 'Attempt 10 of 10 | Healthcheck status: "starting"'}


def trap_23_names(standin: Standin) -> Seen:
    uuid = standin.application(name="Api")
    numeric = {entry["uuid"]: entry["id"] for entry in standin.good("GET", "/resources")}
    return {
        "name": re.fullmatch(r"[a-z0-9]{24}-\d{12}", naming.container_name(row(), moment(15))) is not None,
        "id in application": "id" in standin.good("GET", f"/applications/{uuid}"),
        "id in resources": isinstance(numeric[uuid], int),
    }


SEEN_23_NAMES = {"name": True, "id in application": False, "id in resources": True}


def trap_25(standin: Standin) -> Seen:
    body = {**standin.place(), "docker_registry_image_name": "127.0.0.1:5000/zamio/backend"}
    worker = standin.good("POST", "/applications/dockerimage", body)
    silent = standin.good("POST", "/applications/dockerimage", {**body, "autogenerate_domain": False})
    labels = [standin.good("GET", f"/applications/{one['uuid']}")["custom_labels"] for one in (worker, silent)]
    return {
        "domain": worker["domains"] == f"https://{worker['uuid']}.zamio.localhost",
        "routed": "traefik.enable=true" in base64.b64decode(labels[0]).decode(),
        "without": (silent["domains"], labels[1]),
    }


SEEN_25 = {"domain": True, "routed": True, "without": (None, "")}


def trap_26(standin: Standin) -> Seen:
    uuid = standin.application(domains="https://api.zamio.localhost", ports_exposes="8000")

    def port() -> list[str]:
        labels = base64.b64decode(standin.good("GET", f"/applications/{uuid}")["custom_labels"]).decode()
        return sorted(set(re.findall(r"server\.port=(\d+)", labels)))

    before = port()
    standin.good("PATCH", f"/applications/{uuid}", {"ports_exposes": "9000"})
    alone = port()
    standin.good("PATCH", f"/applications/{uuid}", {"ports_exposes": "9000", "domains": "https://api.zamio.localhost"})
    return {"before": before, "ports_exposes alone": alone, "with domains": port()}


SEEN_26 = {"before": ["8000"], "ports_exposes alone": ["8000"], "with domains": ["9000"]}


def trap_27(standin: Standin) -> Seen:
    uuid = standin.application()
    path = f"/applications/{uuid}/envs"
    created = standin.ask("POST", path, {"key": "A", "value": "1", "is_literal": True, "is_multiline": True})
    twins = [(env["key"], env["is_preview"]) for env in standin.good("GET", path)]
    omitted = standin.ask("PATCH", path, {"key": "A", "value": "2", "is_multiline": True})
    broken = standin.ask("PATCH", path, {"key": "A", "value": "3"})
    items = [{"key": "B", "value": "1"}, {"key": "not a key", "value": "2"}, {"key": "C", "value": "3"}]
    partial = standin.ask("PATCH", f"{path}/bulk", {"data": items})
    after = [env for env in standin.good("GET", path) if not env["is_preview"]]
    bulk = standin.ask("PATCH", f"{path}/bulk", {"data": [{"key": "B", "value": "9", "unknown": "dropped"}]})
    return {
        "created": created.status_code,
        "twins": twins,
        "omitted literal": (omitted.status_code, omitted.json()["is_literal"]),
        "omitted multiline": (broken.status_code, broken.json()),
        "partial": (partial.status_code, [env["key"] for env in after]),
        "bulk": (bulk.status_code, [env["value"] for env in bulk.json()]),
        "kept": len([env for env in standin.good("GET", path) if not env["is_preview"]]),
    }


SEEN_27 = {
    "created": 201,
    "twins": [("A", False), ("A", True)],
    "omitted literal": (201, False),
    "omitted multiline": (500, {"message": "Server Error"}),
    "partial": (422, ["A", "B"]),
    "bulk": (201, ["9"]),
    "kept": 2,
}


def trap_29_file(_: Standin | None = None) -> Seen:
    """The file alone."""
    web = row(ports_exposes="8000,9000", fqdn="https://api.zamio.localhost")
    own = {"id": 1, "key": "SECRET", "value": "abc", "is_literal": True, "is_multiline": False, "is_runtime": True}
    variables = [{**own, "is_preview": False}]
    worker = env_file.content(row(), [], "HEAD", "c")
    user = [{**variables[0], "key": key, "value": "x"} for key in ("PORT", "HOST", "SOURCE_COMMIT", "COOLIFY_FQDN")]
    return {
        "web": env_file.content(web, variables, "HEAD", "c").splitlines(),
        "worker has PORT": "PORT=" in worker.replace("HOST", ""),
        "the user's win": env_file.content(web, user, "HEAD", "c").splitlines(),
    }


SEEN_29_FILE = {
    "web": [
        "SOURCE_COMMIT=HEAD", "COOLIFY_URL=https://api.zamio.localhost", "COOLIFY_FQDN=api.zamio.localhost",
        "COOLIFY_BRANCH=", "COOLIFY_RESOURCE_UUID=k3x0v9m2q7c1z8r5t4y6w0ab", "COOLIFY_CONTAINER_NAME=c",
        "SECRET='abc'", "PORT=8000", "HOST=0.0.0.0",
    ],
    "worker has PORT": False,
    "the user's win": [
        "COOLIFY_FQDN=api.zamio.localhost", "COOLIFY_BRANCH=", "COOLIFY_RESOURCE_UUID=k3x0v9m2q7c1z8r5t4y6w0ab",
        "COOLIFY_CONTAINER_NAME=c", "PORT='x'", "HOST='x'", "SOURCE_COMMIT='x'", "COOLIFY_FQDN='x'",
    ],
}  # fmt: skip
