"""Names, image references, run options and health checks."""

import re
from typing import Any

import pytest

from slipway.rehearsal.standin import compose_file, database_file, health_check, naming, run_options
from slipway.rehearsal.standin.shell_grammar import is_shell_safe
from tests.rehearsal.standin.ground import moment
from tests.rehearsal.standin.trap_scenarios import row

HEX = "ab" * 32


@pytest.mark.parametrize(
    ("name", "tag", "pulled"),
    [
        ("r:5000/a", "1", "r:5000/a:1"),
        ("a", None, "a:latest"),
        ("a", f"sha256-{HEX}", f"a@sha256:{HEX}"),
        ("a@sha256", HEX, f"a@sha256:{HEX}"),
    ],
)
def test_what_is_pulled(name: str, tag: str | None, pulled: str) -> None:
    assert naming.image_reference(name, tag) == pulled


@pytest.mark.parametrize(
    ("name", "tag", "stored"),
    [
        ("a", "1", ("a", "1")),
        ("r:5000/a", None, ("r:5000/a", None)),
        ("r:5000/a:2", None, ("r:5000/a", "2")),
        (f"a@sha256:{HEX}", None, ("a@sha256", HEX)),
        ("a", HEX, ("a@sha256", HEX)),
    ],
)
def test_how_a_new_application_stores_its_image(name: str, tag: str | None, stored: tuple[str, str | None]) -> None:
    assert naming.split_reference(name, tag) == stored


def test_container_names() -> None:
    assert naming.container_name(row(), moment(15)) == "k3x0v9m2q7c1z8r5t4y6w0ab-151550123456"
    assert naming.container_name(row(is_consistent_container_name_enabled=True), moment(15)) == row()["uuid"]
    assert naming.container_name(row(custom_internal_name="beat"), moment(15)) == "beat"


def test_uuids_and_slugs() -> None:
    found = {naming.new_uuid() for _ in range(50)}
    assert len(found) == 50
    assert all(re.fullmatch(r"[a-z0-9]{24}", uuid) for uuid in found)
    assert naming.slug("Zam IO_Api  @ Größe!") == "zam-io-api-at-groe"


@pytest.mark.parametrize(
    ("options", "safe"),
    [
        ("--init --cap-add=NET_ADMIN", True),
        ("""--entrypoint "sh -c 'a; b'" """, True),
        ("""--entrypoint 'sh -c "$HOME"'""", True),
        ('--entrypoint "a \\" b"', True),
        ('--x "unbalanced', False),
        ("--x 'unbalanced", False),
        ("a; b", False),
        ("a && b", False),
        ("a > b", False),
        ("$(x)", False),
        ('"$HOME"', False),
        ('"`x`"', False),
        ("a\\", False),
        ("a\nb", False),
    ],
)
def test_the_grammar_of_run_options(options: str, safe: bool) -> None:
    assert is_shell_safe(options) == safe


def test_run_options_become_compose_keys() -> None:
    options = (
        "--cap-add=NET_ADMIN --cap-add NET_ADMIN --cap-drop ALL --security-opt=no-new-privileges --init --privileged "
        "--shm-size=64m --ulimit nofile=5 --ulimit broken=x --dns 1.1.1.1 --ip 10.0.0.5 --gpus all --device /dev/x "
        "--sysctl a=b --restart=no -v /:/host --memory 5m"
    )
    application = row(custom_docker_run_options=options)
    assert run_options.compose_keys(application) == {
        "cap_add": ["NET_ADMIN"], "cap_drop": ["ALL"], "security_opt": ["no-new-privileges"], "init": True,
        "privileged": True, "shm_size": "64m", "ulimits": {"nofile": 5}, "dns": ["1.1.1.1"], "devices": ["/dev/x"],
        "sysctls": ["a=b"],
        "deploy": {"resources": {"reservations": {"devices": [{"driver": "nvidia", "capabilities": ["gpu"]}]}}},
    }  # fmt: skip
    assert run_options.addresses(application) == {"ipv4_address": "10.0.0.5"}
    assert run_options.compose_keys(row()) == {}


def check(**fields: Any) -> Any:
    return health_check.for_compose(row(health_check_enabled=True, **fields))


def test_health_checks() -> None:
    assert health_check.for_compose(row(ports_exposes="8000")) is None
    assert check() is None
    url = "http://localhost:8000/"
    assert check(ports_exposes="8000,9000") == {
        "test": [
            "CMD-SHELL",
            f"curl -s -X 'GET' -f '{url}' > /dev/null || wget -q -O- '{url}' > /dev/null || exit 1",
        ],
        "interval": "5s",
        "timeout": "5s",
        "retries": 10,
        "start_period": "5s",
    }
    ignored = check(ports_exposes="8000", health_check_return_code=204, health_check_response_text="never")
    assert ignored == check(ports_exposes="8000")
    command = {"health_check_type": "cmd", "health_check_command": "/usr/local/bin/healthcheck"}
    assert check(**command)["test"] == ["CMD-SHELL", "/usr/local/bin/healthcheck"]
    fallen_back = check(ports_exposes="80", health_check_type="cmd", health_check_command='x "y"')
    assert fallen_back["test"][1].startswith("curl")


def test_the_compose_document_of_an_application() -> None:
    application = row(
        ports_exposes="8000,9000", ports_mappings="8080:8000", limits_cpus="0.5", limits_cpuset="0-1",
        custom_network_aliases="api, zamio", custom_docker_run_options="--ip 10.0.0.5", start_command="ignored",
    )  # fmt: skip
    document = compose_file.for_application(application, "c", {"coolify.managed": "true"}, "net")
    assert document["networks"] == {"net": {"external": True, "name": "net"}}
    assert document["services"]["c"] == {
        "image": "127.0.0.1:5000/zamio/backend:1", "container_name": "c", "restart": "unless-stopped",
        "expose": ["8000", "9000"], "mem_limit": "0", "memswap_limit": "0", "mem_swappiness": 60,
        "networks": {"net": {"aliases": ["c", "api", "zamio"], "ipv4_address": "10.0.0.5"}},
        "mem_reservation": "0", "cpus": 0.5, "cpu_shares": 1024, "env_file": [".env"], "cpuset": "0-1",
        "ports": ["8080:8000"], "labels": {"coolify.managed": "true"},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("image", "path"),
    [
        ("postgres:16-alpine", "/var/lib/postgresql/data"),
        ("r:5000/postgres:18", "/var/lib/postgresql"),
        ("postgres", "/var/lib/postgresql/data"),
        ("slipway/base-postgres:bookworm", "/var/lib/postgresql/data"),
    ],
)
def test_where_postgresql_keeps_its_data(image: str, path: str) -> None:
    assert database_file.mount_path(database_file.POSTGRESQL, image) == path
