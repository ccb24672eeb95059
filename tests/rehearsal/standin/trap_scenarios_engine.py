"""What each trap looks like on a real engine: a scenario returns it, the constant below says what it is."""

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.rehearsal.standin.ground import Standin
from tests.rehearsal.standin.trap_scenarios import Seen

QUICK: dict[str, Any] = {
    "health_check_enabled": True,
    "health_check_type": "cmd",
    "health_check_command": "test -e /ok",
    "health_check_interval": 1,
    "health_check_retries": 5,
    "health_check_start_period": 0,
    "stop_grace_period": 1,
}


@dataclass
class Deployer:
    """A stand-in that deploys, and the engine's own view of what it did."""

    standin: Standin
    api: Any
    repository: str
    asked: list[str]

    def application(self, tag: str = "ok", **fields: Any) -> str:
        """A new application of a tiny image."""
        return self.standin.application(self.repository, tag, **({"stop_grace_period": 1} | fields))

    def change(self, uuid: str, **fields: Any) -> None:
        """PATCHes the application."""
        self.standin.good("PATCH", f"/applications/{uuid}", fields)

    def deploy(self, uuid: str) -> str:
        """Deploys and waits for the end; the answer is the status."""
        return self.standin.outcome(self.standin.deploy(uuid))

    def containers(self, uuid: str) -> list[dict[str, Any]]:
        """`docker inspect` of the application's containers, newest first."""
        lines = self.api.containers(all=True, filters={"label": [f"coolify.name={uuid}"]})
        return [self.api.inspect_container(line["Id"]) for line in lines]

    def tags(self, uuid: str) -> list[str]:
        """The image tags of the application's containers, newest first."""
        return [found["Config"]["Image"].rpartition(":")[2] for found in self.containers(uuid)]

    def env(self, uuid: str) -> dict[str, str]:
        """The environment of the newest container."""
        return dict(entry.split("=", 1) for entry in self.containers(uuid)[0]["Config"]["Env"])

    def file(self, uuid: str, name: str) -> str:
        """A file that the stand-in wrote for the application."""
        return Path(self.standin.site.settings.data, "applications", uuid, name).read_text(encoding="utf-8")


def trap_08(world: Deployer) -> Seen:
    uuid = world.application(**QUICK)
    first = world.standin.deploy(uuid)
    second = world.standin.deploy(uuid)
    waiting = world.standin.good("GET", f"/deployments/{second}")["status"]
    world.change(uuid, docker_registry_image_tag="ok2")
    ends = [world.standin.outcome(one) for one in (first, second)]
    return {
        "waiting": waiting,
        "ends": ends,
        "runs": world.tags(uuid),
    }


SEEN_08 = {"waiting": "queued", "ends": ["finished", "finished"], "runs": ["ok2"]}


def trap_10(world: Deployer) -> Seen:
    uuid = world.application()
    world.deploy(uuid)
    world.change(uuid, docker_registry_image_tag="missing")
    seen: Seen = {"bad tag": world.deploy(uuid), "still runs": world.tags(uuid)}
    seen["configured"] = world.standin.good("GET", f"/applications/{uuid}")["docker_registry_image_tag"]
    world.change(uuid, docker_registry_image_tag="ok")
    before, asked = world.containers(uuid)[0]["Id"], len(world.asked)
    restart = world.standin.good("POST", f"/applications/{uuid}/restart")
    seen["restart"] = world.standin.outcome(restart["deployment_uuid"])
    seen["new container"] = world.containers(uuid)[0]["Id"] != before
    seen["pulled"] = any("/manifests/" in line for line in world.asked[asked:])
    return seen


SEEN_10 = {
    "bad tag": "failed",
    "still runs": ["ok"],
    "configured": "missing",
    "restart": "finished",
    "new container": True,
    "pulled": True,
}


def trap_14(world: Deployer) -> Seen:
    uuid = world.application()
    first = world.deploy(uuid)
    world.api.tag(f"{world.repository}:ok", world.repository, "local")
    world.change(uuid, docker_registry_image_tag="local")
    return {"in the registry": first, "only on the host": world.deploy(uuid), "runs": world.tags(uuid)}


SEEN_14 = {"in the registry": "finished", "only on the host": "failed", "runs": ["ok"]}


def trap_15(world: Deployer) -> Seen:
    quick: dict[str, Any] = {"health_check_interval": 1, "health_check_retries": 2, "health_check_start_period": 0}
    uuid = world.application(**quick)
    world.deploy(uuid)
    world.change(uuid, docker_registry_image_tag="checked")
    status = world.deploy(uuid)
    health = [container["State"].get("Health", {}).get("Status") for container in world.containers(uuid)]
    seen: Seen = {"own check": (status, world.tags(uuid), health)}
    world.change(uuid, docker_registry_image_tag="crash")
    seen["crashing"] = (world.deploy(uuid), world.tags(uuid))
    return seen


SEEN_15 = {"own check": ("finished", ["checked"], ["starting"]), "crashing": ("finished", ["crash"])}


def trap_16(world: Deployer) -> Seen:
    worker = world.application(health_check_enabled=True, health_check_interval=1, health_check_start_period=0)
    seen: Seen = {"http without port": world.deploy(worker), "check": "healthcheck" in world.file(worker, COMPOSE)}
    world.change(worker, health_check_port=80, health_check_retries=3)
    seen["no curl in the image"] = world.deploy(worker)
    return seen


COMPOSE = "docker-compose.yaml"
SEEN_16 = {
    "http without port": "failed",
    "check": False,
    "no curl in the image": "failed",
}


def trap_17(world: Deployer) -> Seen:
    uuid = world.application("red", **QUICK | {"health_check_interval": 3, "health_check_retries": 2})
    started = time.monotonic()
    deployment = world.standin.deploy(uuid)
    status = world.standin.outcome(deployment)
    return {
        "status": status,
        "about": 6 <= time.monotonic() - started < 30,
        "last": "starting" if '2 of 2 | Healthcheck status: "starting"' in world.standin.log(deployment) else "other",
        "left": world.tags(uuid),
    }


SEEN_17 = {"status": "failed", "about": True, "last": "starting", "left": []}


def trap_20(world: Deployer) -> Seen:
    uuid = world.application(**QUICK | {"health_check_retries": 3}, is_consistent_container_name_enabled=True)
    seen: Seen = {"first": (world.deploy(uuid), world.tags(uuid))}
    world.change(uuid, docker_registry_image_tag="missing")
    seen["cannot be pulled"] = (world.deploy(uuid), world.tags(uuid))
    world.change(uuid, docker_registry_image_tag="red")
    seen["never healthy"] = (world.deploy(uuid), world.tags(uuid))
    return seen


SEEN_20 = {
    "first": ("finished", ["ok"]),
    "cannot be pulled": ("failed", []),
    "never healthy": ("finished", ["red"]),
}


def trap_21(world: Deployer) -> Seen:
    uuid = world.application("stubborn", stop_grace_period=1)
    world.deploy(uuid)
    old = world.containers(uuid)[0]["Id"]
    since = time.time() - 1
    world.deploy(uuid)
    new = world.containers(uuid)[0]["Id"]
    filters = {"container": [old, new], "event": ["kill", "start"]}
    lines = world.api.events(since=since, until=time.time() + 1, filters=filters)
    events = [json.loads(line) for chunk in lines for line in chunk.splitlines()]
    kills = [(event["Actor"]["Attributes"]["signal"], event["timeNano"] / 1e9) for event in events
             if event["id"] == old and event["Action"] == "kill"]  # fmt: skip
    begun = [event["timeNano"] / 1e9 for event in events if event["id"] == new and event["Action"] == "start"]
    return {
        "signals": [signal for signal, _ in kills],
        "grace": round(kills[1][1] - kills[0][1]),
        "drained before": kills[0][1] - begun[0] > 3.5,
    }


SEEN_21 = {"signals": ["15", "9"], "grace": 1, "drained before": False}


def trap_22(world: Deployer) -> Seen:
    uuid = world.application(name="beat")
    world.deploy(uuid)
    world.change(uuid, is_consistent_container_name_enabled=True)
    ends = [world.deploy(uuid), world.deploy(uuid)]
    found = world.containers(uuid)
    return {
        "ends": ends,
        "running": [container["State"]["Status"] for container in found],
        "named like the uuid": [container["Name"] == f"/{uuid}" for container in found],
    }


SEEN_22 = {"ends": ["finished"] * 2, "running": ["running"] * 2, "named like the uuid": [True, False]}


def trap_23(world: Deployer) -> Seen:
    uuid = world.application(name="Zam IO Api")

    def names() -> set[str]:
        found = world.containers(uuid)[0]
        network = world.standin.site.settings.network
        own = {found["Name"].lstrip("/"), found["Id"][:12]}
        return {str(name) for name in found["NetworkSettings"]["Networks"][network]["Aliases"]} - own

    world.deploy(uuid)
    plain = names()
    world.change(uuid, custom_network_aliases="api,zamio-api")
    world.deploy(uuid)
    numeric = {entry["uuid"]: entry["id"] for entry in world.standin.good("GET", "/resources")}[uuid]
    found = world.containers(uuid)[0]
    name = found["Name"].lstrip("/")
    return {
        "by default": plain,
        "asked for": names(),
        "digits": name.startswith(f"{uuid}-") and name[25:].isdigit() and len(name) == 37,
        "label": found["Config"]["Labels"]["coolify.applicationId"] == str(numeric),
    }


SEEN_23 = {"by default": set(), "asked for": {"api", "zamio-api"}, "digits": True, "label": True}


def trap_24(world: Deployer) -> Seen:
    options = """--entrypoint "sh -c 'sleep 60' --hostname=w1" --init --memory 5m"""
    uuid = world.application(start_command="exit 5", custom_docker_run_options=options)
    status = world.deploy(uuid)
    config, host = world.containers(uuid)[0]["Config"], world.containers(uuid)[0]["HostConfig"]
    return {
        "status": status,
        "entrypoint": config["Entrypoint"],
        "command": config["Cmd"],
        "hostname": config["Hostname"],
        "kept and dropped": (host["Init"], host["Memory"]),
    }


SEEN_24 = {
    "status": "finished",
    "entrypoint": ["sh", "-c", "sleep 60", "--hostname=w1"],
    "command": None,
    "hostname": "w1",
    "kept and dropped": (True, 0),
}

_VALUES = {"DOLLAR": "pa$word", "HASH": "a #b", "QUOTES": 'say "hi"', "SLASH": "a\\b", "JSON": '{"a":"$DOLLAR"}'}


def trap_28(world: Deployer) -> Seen:
    uuid = world.application()
    path = f"/applications/{uuid}/envs"
    for literal in (False, True):
        items = [{"key": f"{key}_{literal}", "value": value, "is_literal": literal} for key, value in _VALUES.items()]
        world.standin.good("PATCH", f"{path}/bulk", {"data": items})
    world.standin.good("POST", path, {"key": "LINES", "value": "one\ntwo", "is_multiline": True})
    seen: Seen = {"status": world.deploy(uuid)}
    env = world.env(uuid)
    for literal in (False, True):
        seen[f"literal {literal}"] = {key: env[f"{key}_{literal}"] for key in _VALUES}
    seen["lines"] = env["LINES"]
    world.standin.good("POST", path, {"key": "APOSTROPHE", "value": "it's", "is_literal": True})
    seen["apostrophe"] = world.deploy(uuid)
    world.standin.good("PATCH", path, {"key": "APOSTROPHE", "value": "ends with \\", "is_literal": True})
    seen["trailing backslash"] = world.deploy(uuid) == "finished" and world.env(uuid)["APOSTROPHE"] == "ends with \\"
    return seen


SEEN_28 = {
    "status": "finished",
    "literal False": {"DOLLAR": "pa", "HASH": "a", "QUOTES": 'say \\"hi\\"', "SLASH": "a\\\\b", "JSON": '{"a":""}'},
    "literal True": {"DOLLAR": "pa$word", "HASH": "a #b", "QUOTES": 'say "hi"', "SLASH": "a\\b", "JSON": '{"a":""}'},
    "lines": "one\ntwo",
    "apostrophe": "failed",
    "trailing backslash": False,
}


def trap_29(world: Deployer) -> Seen:
    uuid = world.application(ports_exposes="8000", domains="https://api.zamio.localhost", git_commit_sha="abc123")
    world.standin.good("POST", f"/applications/{uuid}/envs", {"key": "SECRET", "value": "abc", "is_literal": True})
    status = world.deploy(uuid)
    env = world.env(uuid)
    return {
        "status": status,
        "injected": {name: env.get(name) for name in ("HOST", "PORT", "SOURCE_COMMIT", "COOLIFY_URL", "COOLIFY_FQDN")},
        "name": env.get("COOLIFY_CONTAINER_NAME") == world.containers(uuid)[0]["Name"].lstrip("/"),
        "in the container": env["SECRET"],
        "in the file": [line for line in world.file(uuid, ".env").splitlines() if line.startswith("SECRET")],
    }


SEEN_29 = {
    "status": "finished",
    "injected": {
        "HOST": "0.0.0.0",
        "PORT": "8000",
        "SOURCE_COMMIT": "abc123",
        "COOLIFY_URL": "https://api.zamio.localhost",
        "COOLIFY_FQDN": "api.zamio.localhost",
    },
    "name": True,
    "in the container": "abc",
    "in the file": ["SECRET='abc'"],
}
