from dataclasses import replace
from typing import Any

import pytest

from slipway.config.health import HealthContract
from slipway.config.workspace import Role
from slipway.engines.coolify.services import application_fields, observed_service
from slipway.errors import PersonNeeded, Refused, SlipwayError, UsageError
from slipway.plans.provision import changes_of
from slipway.release.desired import DesiredService
from slipway.testing import Lines
from tests.engines.coolify.wire import Wire, problem

APP = ("GET", "/applications/a1")
PATCH = ("PATCH", "/applications/a1")
CREATE = ("POST", "/applications/dockerimage")
API = DesiredService("api", Role.WEB, "r:5000/zamio/backend", 8000, "api.zamio.localhost", rolling=True)
BEAT = DesiredService("beat", Role.BEAT, "r:5000/zamio/backend", None, None, rolling=False)
SERVERS = [{"uuid": "s1", "name": "localhost", "is_reachable": True, "is_usable": True, "settings": {}}]


def record(desired: DesiredService, **other: Any) -> dict[str, Any]:
    """An application as Coolify answers it: some fields in `settings`, domains as `fqdn`."""
    fields = application_fields(desired, {})
    settings = {name: fields.pop(name) for name in ("stop_grace_period", "is_consistent_container_name_enabled")}
    domains = fields.pop("domains", None)
    values = {"uuid": "a1", "name": desired.name, "docker_registry_image_tag": "1", "status": "exited:unhealthy"}
    shown = {**values, **fields, "fqdn": domains, "ports_mappings": None, "custom_docker_run_options": None}
    return {**shown, "settings": {**settings, "custom_internal_name": None}, **other}


def environment(**resources: Any) -> Wire:
    return (
        Wire()
        .on("GET", "/projects", [{"uuid": "p1", "name": "zamio"}])
        .on("GET", "/projects/p1/environments", [{"uuid": "e1", "name": "rehearsal"}])
        .on("GET", "/projects/p1/e1", {"applications": [], "postgresqls": [], "redis": [], **resources})
        .on("GET", "/servers", SERVERS)
    )


def test_a_web_service_is_configured_with_domains_and_ports_together() -> None:
    wire = Wire().on(*APP, {"uuid": "a1"}, record(API)).on(*PATCH, {"uuid": "a1"})
    with wire.client() as coolify:
        coolify.configure("a1", API, Lines())
    assert wire.bodies(*PATCH) == [
        {
            "docker_registry_image_name": "r:5000/zamio/backend",
            "custom_network_aliases": "api",
            "domains": "https://api.zamio.localhost",
            "ports_exposes": "8000",
            "health_check_enabled": True,
            "health_check_type": "cmd",
            "health_check_command": "/usr/local/bin/healthcheck",
            "health_check_interval": 2,
            "health_check_timeout": 5,
            "health_check_retries": 4,
            "health_check_start_period": 10,
            "stop_grace_period": 45,
            "is_consistent_container_name_enabled": False,
        }
    ]


def test_beat_never_runs_twice_and_has_neither_port_nor_domain() -> None:
    wire = Wire().on(*APP, {"uuid": "a1", "fqdn": None}, record(BEAT)).on(*PATCH, {"uuid": "a1"})
    with wire.client() as coolify:
        coolify.configure("a1", BEAT, Lines())
    (body,) = wire.bodies(*PATCH)
    assert body["is_consistent_container_name_enabled"] is True
    assert not {"domains", "ports_exposes"} & set(body)


def test_a_domain_that_a_worker_got_by_accident_is_cleared() -> None:
    before = {"uuid": "a1", "fqdn": "http://x.sslip.io", "ports_exposes": "80"}
    wire = Wire().on(*APP, before, record(BEAT, ports_exposes=None)).on(*PATCH, {"uuid": "a1"})
    with wire.client() as coolify:
        coolify.configure("a1", BEAT, Lines())
    (body,) = wire.bodies(*PATCH)
    assert body["domains"] is None
    assert body["ports_exposes"] is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("fqdn", None),
        ("fqdn", "https://api.zamio.localhost,https://other"),
        ("health_check_enabled", False),
        ("health_check_command", None),
        ("health_check_interval", 5),
        ("custom_network_aliases", ""),
        ("docker_registry_image_name", "other"),
        ("settings", {}),
    ],
)
def test_a_setting_that_reads_back_otherwise_is_named(name: str, value: Any) -> None:
    wire = Wire().on(*APP, {"uuid": "a1"}, record(API, **{name: value})).on(*PATCH, {"uuid": "a1"})
    with wire.client() as coolify, pytest.raises(Refused) as caught:
        coolify.configure("a1", API, Lines())
    expected = {"fqdn": "domains", "settings": "stop_grace_period"}.get(name, name)
    assert caught.value.where == "service api"
    assert any(line.startswith(f"{expected}:") for line in caught.value.details)


def test_the_same_value_in_another_notation_is_no_difference() -> None:
    loose = record(
        API,
        health_check_enabled=1,
        health_check_interval="2",
        custom_network_aliases=["api"],
        fqdn="https://api.zamio.localhost/",
    )
    wire = Wire().on(*APP, {"uuid": "a1"}, loose).on(*PATCH, {"uuid": "a1"})
    with wire.client() as coolify:
        coolify.configure("a1", API, Lines())


@pytest.mark.parametrize(
    "other",
    [
        {"ports_mappings": "8080:80"},
        {"custom_docker_run_options": "--ipc host"},
        {"settings": {"stop_grace_period": 45, "is_consistent_container_name_enabled": 0, "custom_internal_name": "x"}},
    ],
)
def test_what_turns_rolling_updates_off_in_silence_is_refused_for_rolling_services(other: dict[str, Any]) -> None:
    wire = Wire().on(*APP, {"uuid": "a1"}, record(API, **other)).on(*PATCH, {"uuid": "a1"})
    with wire.client() as coolify, pytest.raises(Refused, match="rolling update off"):
        coolify.configure("a1", API, Lines())


def test_a_health_contract_that_loses_requests_is_refused_before_anything_is_sent() -> None:
    wire = Wire()
    short = replace(API, health=HealthContract(drain=3))
    with wire.client() as coolify, pytest.raises(UsageError) as caught:
        coolify.configure("a1", short, Lines())
    assert "drain 3 s" in caught.value.details[0]
    assert wire.sent == []


def test_an_application_is_created_without_a_domain_of_its_own_and_without_starting() -> None:
    wire = environment().on(*CREATE, {"uuid": "a1", "domains": None})
    with wire.client() as coolify:
        assert coolify.create_service(BEAT, "1.0.0", Lines()) == "a1"
    assert wire.bodies(*CREATE) == [
        {
            "project_uuid": "p1",
            "environment_name": "rehearsal",
            "server_uuid": "s1",
            "name": "beat",
            "docker_registry_image_name": "r:5000/zamio/backend",
            "docker_registry_image_tag": "1.0.0",
            "autogenerate_domain": False,
            "instant_deploy": False,
        }
    ]


def test_an_application_that_a_killed_run_made_is_not_made_twice() -> None:
    wire = environment(applications={"4": {"uuid": "a9", "name": "api"}})
    with wire.client() as coolify:
        assert coolify.create_service(API, "1", Lines()) == "a9"
    assert wire.changes() == []


def test_project_and_environment_are_created_once() -> None:
    wire = environment().on("GET", "/projects", []).on("POST", "/projects", {"uuid": "p1"})
    wire.on("GET", "/projects/p1/environments", [], [{"uuid": "e1", "name": "rehearsal"}])
    wire.on("POST", "/projects/p1/environments", {"uuid": "e1"}).on(*CREATE, {"uuid": "a1"})
    with wire.client() as coolify:
        coolify.create_service(API, "1", Lines())
        coolify.create_service(BEAT, "1", Lines())
    assert [path for _, path in wire.changes()] == ["/projects", "/projects/p1/environments", CREATE[1], CREATE[1]]


@pytest.mark.parametrize(
    ("servers", "server", "kind", "said"),
    [
        ([], "", UsageError, "there are: none"),
        ([*SERVERS, {"uuid": "s2", "name": "two"}], "", UsageError, "localhost, two"),
        (SERVERS, "three", UsageError, "no server three"),
        ([{**SERVERS[0], "is_usable": False}], "", PersonNeeded, "not usable"),
        ([{**SERVERS[0], "settings": {"is_swarm_manager": True}}], "", UsageError, "Swarm"),
    ],
)
def test_a_server_that_cannot_serve_is_refused_before_anything_is_created(
    servers: list[Any], server: str, kind: type[SlipwayError], said: str
) -> None:
    wire = environment().on("GET", "/projects", []).on("GET", "/servers", servers)
    with wire.client(server=server) as coolify, pytest.raises(kind, match=said):
        coolify.create_service(API, "1", Lines())
    assert wire.changes() == []


def test_a_destination_is_found_by_its_network() -> None:
    wire = environment().on(*CREATE, {"uuid": "a1"})
    wire.on("GET", "/servers/s1/destinations", [{"uuid": "x", "network": "a"}, {"uuid": "y", "network": "b"}])
    with wire.client(network="b") as coolify:
        coolify.create_service(API, "1", Lines())
    assert wire.bodies(*CREATE)[0]["destination_uuid"] == "y"
    with wire.client(network="c") as coolify, pytest.raises(UsageError, match="network c"):
        coolify.create_service(API, "1", Lines())


def test_a_name_that_stands_for_two_things_needs_a_person() -> None:
    wire = environment(applications=[{"uuid": "a1", "name": "api"}, {"uuid": "a2", "name": "api"}])
    with wire.client() as coolify, pytest.raises(PersonNeeded, match="two applications named api"):
        coolify.observe()
    twice = Wire().on("GET", "/projects", [{"uuid": "p1", "name": "zamio"}, {"uuid": "p2", "name": "zamio"}])
    with twice.client() as coolify, pytest.raises(PersonNeeded, match="2 projects"):
        coolify.observe()


def test_a_refused_image_is_shown_as_coolify_says_it() -> None:
    refusal = problem(422, "Validation failed.", errors={"docker_registry_image_name": ["The format is invalid."]})
    wire = environment().on(*CREATE, refusal)
    with wire.client() as coolify, pytest.raises(UsageError) as caught:
        coolify.create_service(API, "1", Lines())
    assert caught.value.details == ("docker_registry_image_name: The format is invalid.",)


def test_what_is_observed_compares_equal_to_what_was_configured() -> None:
    for desired in (API, BEAT):
        observed = observed_service(desired.name, record(desired), {})
        assert changes_of(desired, observed) == ()
        assert observed.domain == desired.domain


@pytest.mark.parametrize(
    ("other", "change"),
    [
        ({"fqdn": "http://api.zamio.localhost"}, "domain http://api.zamio.localhost -> api.zamio.localhost"),
        ({"fqdn": "https://api.zamio.localhost:9"}, "domain https://api.zamio.localhost:9 -> api.zamio.localhost"),
        ({"ports_exposes": "80,81"}, "port 80,81 -> 8000"),
        ({"health_check_enabled": False}, "health off -> healthcheck every 2 s, within 5 s, 4 times, after 10 s"),
        ({"health_check_type": "http"}, "health another check -> healthcheck every"),
        ({"settings": {}}, "stop grace 30 s -> 45 s"),
        ({"health_check_retries": "many"}, "health healthcheck every 2 s, within 5 s, 0 times"),
    ],
)
def test_a_setting_changed_in_coolify_shows_as_a_change(other: dict[str, Any], change: str) -> None:
    (found,) = changes_of(API, observed_service("api", record(API, **other), {}))
    assert found.startswith(change)


def test_a_whole_environment_is_observed_by_name() -> None:
    wire = environment(applications=[{"uuid": "a1", "name": "api"}], redis=[{"uuid": "d1", "name": "redis"}])
    url = "redis://default:hunter2-hunter2@d1:6379/0"
    database = {
        "uuid": "d1",
        "name": "redis",
        "status": "running:healthy",
        "image": "r/redis:7",
        "internal_db_url": url,
    }
    wire.on(*APP, record(API)).on("GET", "/databases/d1", database)
    rows = [{"key": "A", "value": "1", "is_preview": False}, {"key": "A", "value": "0", "is_preview": True}]
    wire.on("GET", "/applications/a1/envs", rows)
    with wire.client() as coolify:
        seen = coolify.observe()
    assert seen.project == "zamio"
    assert seen.services["api"].tag == "1"
    assert seen.services["api"].variables == {"A": "1"}
    assert seen.databases["redis"].is_running
    assert seen.databases["redis"].internal_url.reveal() == url
    assert "hunter2" not in repr(seen)


def test_a_project_without_the_environment_is_empty() -> None:
    wire = environment().on("GET", "/projects/p1/environments", [{"uuid": "e0", "name": "production"}])
    with wire.client() as coolify:
        assert coolify.observe().project == "zamio"
        assert coolify.observe().services == {}
