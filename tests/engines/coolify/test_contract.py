"""The client against the stand-in: two readings of the same facts that share no line, over real HTTP."""

import base64
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import stamina

from slipway.config.workspace import Engine, Role
from slipway.engines.coolify.http import Patience
from slipway.engines.coolify.platform import Coolify
from slipway.errors import PersonNeeded, Refused, SlipwayError, UsageError
from slipway.plan import Execution
from slipway.plans.provision import provision_plan
from slipway.rehearsal.standin import deployment_queue
from slipway.rehearsal.standin.engine import Container
from slipway.rehearsal.standin.site import Site
from slipway.release.desired import DesiredDatabase, DesiredService, Variables
from slipway.release.observed import RunningContainer
from slipway.secret import Mask, Secret
from slipway.testing import FakeContainers, Lines
from tests.rehearsal.standin import ground

SOURCE = "env/rehearsal.secrets.env:3"
PATIENCE = Patience(poll=0.02, appear=0.5, queue=10.0, pull=10.0, retries=2.0)
DATABASES = (
    DesiredDatabase("postgres", Engine.POSTGRESQL, "127.0.0.1:5000/base-postgres:bookworm", Secret("hunter2-hunter2")),
    DesiredDatabase("redis", Engine.REDIS, "127.0.0.1:5000/base-redis:bookworm", Secret("hunter3-hunter3")),
)
SERVICES = (
    DesiredService("api", Role.WEB, "127.0.0.1:5000/zamio/backend", 8000, "api.zamio.localhost", rolling=True),
    DesiredService("worker", Role.WORKER, "127.0.0.1:5000/zamio/backend", None, None, rolling=True),
    DesiredService("beat", Role.BEAT, "127.0.0.1:5000/zamio/backend", None, None, rolling=False),
    DesiredService("admin", Role.STATIC, "127.0.0.1:5000/zamio/admin", 8080, "admin.zamio.localhost", rolling=True),
)


class Host:
    """Stands in for the engine behind the stand-in: what `compose up` starts runs, a deployment ends as it is told."""

    def __init__(self, standin: ground.Standin) -> None:
        self.outcome = "finished"
        self.hold = threading.Event()
        self.hold.set()
        self.deployed: list[str] = []
        self._up: set[str] = set()
        site: Any = standin.site
        site.deploy = self._deploy
        site.compose.run = self._compose
        site.engine.find = lambda name: Container(name, name, "running", "healthy", 0) if name in self._up else None
        site.engine.stop = site.engine.remove = lambda *_: None

    def _compose(self, job: str, _project: str, _file: Path, *arguments: str) -> str:
        if "up" in arguments:
            self._up.add(job)
        return ""

    def _deploy(self, site: Site, uuid: str, _container: str) -> None:
        assert self.hold.wait(20)
        row = site.store.find("deployments", uuid)
        assert row is not None
        application = site.store.find("applications", row["application_uuid"])
        assert application is not None
        tag = application["docker_registry_image_tag"]
        deployment_queue.log(site, uuid, "a debug line", hidden=True)
        deployment_queue.log(site, uuid, f"Starting deployment of {tag} with hunter2-hunter2.")
        if deployment_queue.settle(site, uuid, self.outcome):
            self.deployed.append(tag)


@pytest.fixture
def standin(tmp_path: Path) -> Iterator[ground.Standin]:
    with ground.running(ground.settings(tmp_path), held=True) as found:
        yield found


@pytest.fixture
def host(standin: ground.Standin) -> Host:
    return Host(standin)


def client(standin: ground.Standin, token: str = "root", patience: Patience = PATIENCE) -> Coolify:
    bearer = Secret(ground.BEARERS.get(token, token))
    return Coolify(
        str(standin.client.base_url), bearer, "zamio", "Rehearsal", token_source=SOURCE, patience=patience, mask=Mask()
    )


@pytest.fixture
def coolify(standin: ground.Standin, host: Host) -> Iterator[Coolify]:
    with stamina.set_testing(True, attempts=2), client(standin) as made:
        yield made


@pytest.fixture
def api(coolify: Coolify) -> str:
    uuid = coolify.create_service(SERVICES[0], "1", Lines())
    coolify.configure(uuid, SERVICES[0], Lines())
    return uuid


class _ShownByCoolify(FakeContainers):
    """An engine that shows a database as soon as Coolify calls it running: behind this stand-in there is none."""

    def __init__(self, coolify: Coolify) -> None:
        super().__init__()
        self.coolify = coolify

    def running(self, label: str) -> tuple[RunningContainer, ...]:
        return tuple(
            RunningContainer(found.uuid, found.uuid, found.image, "sha256:0", "running", "healthy", {})
            for found in self.coolify.observe().databases.values()
            if found.is_running
        )


def test_an_empty_instance_is_provisioned_and_then_is_so_already(coolify: Coolify) -> None:
    assert coolify.observe().project is None
    say, engine = Lines(), _ShownByCoolify(coolify)
    Execution(say).run(provision_plan(DATABASES, SERVICES, coolify.observe(), coolify, engine, tag="1"))
    seen = coolify.observe()
    assert set(seen.databases) == {"postgres", "redis"}
    assert all(database.is_running for database in seen.databases.values())
    postgres = seen.databases["postgres"]
    assert postgres.internal_url.reveal() == f"postgres://app:hunter2-hunter2@{postgres.uuid}:5432/app"
    assert {name: service.domain for name, service in seen.services.items()} == {
        "api": "api.zamio.localhost",
        "worker": None,
        "beat": None,
        "admin": "admin.zamio.localhost",
    }
    assert {service.tag for service in seen.services.values()} == {"1"}
    assert provision_plan(DATABASES, SERVICES, seen, coolify, engine, tag="2").is_empty
    assert "hunter" not in say.text


def test_a_changed_port_reaches_the_proxy_labels(coolify: Coolify, standin: ground.Standin, api: str) -> None:
    coolify.configure(api, replace(SERVICES[0], port=9000), Lines())
    row = standin.site.store.find("applications", api)
    assert row is not None
    labels = base64.b64decode(row["custom_labels"]).decode()
    assert "loadbalancer.server.port=9000" in labels
    assert "8000" not in labels
    assert coolify.observe().services["api"].settings["port"] == "9000"


def test_variables_become_exactly_these_and_twins_of_deleted_ones_go(
    coolify: Coolify, standin: ground.Standin, api: str
) -> None:
    first: Variables = {"A": "1", "KEY": Secret("pa$word #1"), "PEM": Secret("one\ntwo"), "JSON": '{"a": "b"}'}
    assert coolify.set_variables(api, first) == ("A", "JSON", "KEY", "PEM")
    assert coolify.set_variables(api, first) == ()
    assert coolify.set_variables(api, {"A": "2", "PEM": "now one line"}) == ("A", "JSON", "KEY", "PEM")
    assert coolify.observe().services["api"].variables == {"A": "2", "PEM": "now one line"}
    left = {(row["key"], bool(row["is_preview"])) for row in standin.site.store.where("envs", application_uuid=api)}
    assert left == {("A", False), ("A", True), ("PEM", False), ("PEM", True)}


def test_a_deployment_is_followed_to_its_end(coolify: Coolify, host: Host, api: str) -> None:
    coolify.set_variables(api, {"PASSWORD": Secret("hunter2-hunter2")})
    say = Lines()
    done = coolify.deploy(api, "2", say)
    assert done.status == "finished"
    assert done.log == ("Starting deployment of 2 with [secret].",)
    assert host.deployed == ["2"]
    assert coolify.observe().services["api"].tag == "2"
    assert "debug" not in say.text


def test_a_failed_deployment_leaves_the_tag_before(coolify: Coolify, host: Host, api: str) -> None:
    coolify.deploy(api, "2", Lines())
    host.outcome = "failed"
    with pytest.raises(Refused) as caught:
        coolify.deploy(api, "3", Lines())
    assert caught.value.exit_code == 1
    assert any("deployment of 3" in line for line in caught.value.details)
    assert coolify.observe().services["api"].tag == "2"


def test_a_deployment_somebody_else_started_is_waited_for(
    coolify: Coolify, standin: ground.Standin, host: Host, api: str
) -> None:
    host.hold.clear()
    standin.deploy(api)
    say = Lines()
    threading.Timer(0.3, host.hold.set).start()
    assert coolify.deploy(api, "2", say).status == "finished"
    assert "another deployment" in say.lines[0]
    assert host.deployed == ["1", "2"]


def test_a_deployment_without_end_is_cancelled_and_the_tag_put_back(
    standin: ground.Standin, coolify: Coolify, host: Host, api: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    coolify.deploy(api, "2", Lines())
    host.hold.clear()
    monkeypatch.setattr("slipway.engines.coolify.deploy.Deploying._seconds_allowed", lambda *_: 0.3)
    with pytest.raises(Refused, match="was cancelled"):
        coolify.deploy(api, "3", Lines())
    host.hold.set()
    assert coolify.observe().services["api"].tag == "2"
    assert [row["status"] for row in standin.site.store.where("deployments", status="cancelled-by-user")]


def test_an_interrupt_cancels_and_puts_the_tag_back(
    standin: ground.Standin, coolify: Coolify, host: Host, api: str
) -> None:
    coolify.deploy(api, "2", Lines())
    host.hold.clear()

    def say(line: str) -> None:
        if line == "api: in_progress":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        coolify.deploy(api, "3", say)
    host.hold.set()
    assert coolify.observe().services["api"].tag == "2"
    assert standin.site.store.where("deployments", status="cancelled-by-user")


def test_a_full_queue_is_said_to_be_full(standin: ground.Standin, host: Host, api: str) -> None:
    host.hold.clear()
    for number in range(27):
        standin.deploy(standin.application(name=f"other{number}"))
    impatient = replace(PATIENCE, queue=1.0)
    with client(standin, patience=impatient) as coolify, pytest.raises(SlipwayError) as caught:
        coolify.deploy(api, "2", Lines())
    host.hold.set()
    assert caught.value.exit_code == 3
    assert "queue is full" in caught.value.message
    row = standin.site.store.find("applications", api)
    assert row is not None
    assert row["docker_registry_image_tag"] == "1"


@pytest.mark.parametrize(
    ("token", "exit_code", "said"),
    [
        ("99|a-token-nobody-made", 2, "expired or wrong"),
        ("expired", 2, "expired or wrong"),
        ("left", 2, "expired or wrong"),
        ("read", 2, "lacks the ability write"),
        ("write", 2, "lacks the ability read"),
        ("deploy", 2, "lacks the ability read"),
        ("member", 2, "no admin or owner"),
    ],
)
def test_a_token_that_is_not_enough_has_one_clear_message(
    standin: ground.Standin, token: str, exit_code: int, said: str
) -> None:
    with client(standin, token) as coolify, pytest.raises(SlipwayError) as caught:
        coolify.require_abilities()
    assert caught.value.exit_code == exit_code
    assert said in caught.value.message
    assert SOURCE in caught.value.message
    assert "throwaway" not in str(caught.value)


def test_abilities_are_found_out_without_a_trace(standin: ground.Standin) -> None:
    for token in ("root", "full"):
        with client(standin, token) as coolify:
            coolify.require_abilities()
    assert standin.site.store.where("applications") == []
    assert standin.site.store.where("deployments") == []


def test_a_token_without_read_sensitive_cannot_observe_values(
    standin: ground.Standin, coolify: Coolify, api: str
) -> None:
    coolify.set_variables(api, {"A": "1"})
    with client(standin, "full") as blind:
        with pytest.raises(UsageError, match="lacks the ability read:sensitive"):
            blind.observe()
        with pytest.raises(UsageError, match="lacks the ability read:sensitive"):
            blind.set_variables(api, {"A": "2"})
    assert coolify.observe().services["api"].variables == {"A": "1"}


def test_an_api_that_is_switched_off_needs_a_person(standin: ground.Standin) -> None:
    standin.site.store.set_instance(is_api_enabled=False)
    with client(standin) as coolify, pytest.raises(PersonNeeded, match="switched off"):
        coolify.observe()


def test_a_domain_that_belongs_to_another_is_refused_with_its_owner(
    standin: ground.Standin, coolify: Coolify, api: str
) -> None:
    other = coolify.create_service(replace(SERVICES[3], domain="api.zamio.localhost"), "1", Lines())
    with pytest.raises(Refused) as caught:
        coolify.configure(other, replace(SERVICES[3], domain="api.zamio.localhost"), Lines())
    assert any("api" in line for line in caught.value.details)


def test_an_image_name_with_a_tag_is_refused_with_the_field(coolify: Coolify, api: str) -> None:
    with pytest.raises(UsageError) as caught:
        coolify.configure(api, replace(SERVICES[0], repository="r/UPPER"), Lines())
    assert any("docker_registry_image_name" in line for line in caught.value.details)


def test_a_host_that_went_away_is_unreachable(tmp_path: Path) -> None:
    with ground.running(ground.settings(tmp_path), held=True) as gone:
        left = client(gone)
    begin = time.monotonic()
    with stamina.set_testing(True, attempts=2), left, pytest.raises(SlipwayError) as caught:
        left.observe()
    assert caught.value.exit_code == 3
    assert "cannot be reached" in caught.value.message
    assert time.monotonic() - begin < 5


def test_a_rate_limit_longer_than_patience_is_said_to_be_one(tmp_path: Path) -> None:
    narrow = ground.settings(tmp_path, rate_limit=4)
    with (
        ground.running(narrow, held=True) as standin,
        client(standin, patience=replace(PATIENCE, rate_limit=0.5)) as it,
    ):
        it.observe()
        with pytest.raises(SlipwayError, match="too busy") as caught:
            it.observe()
    assert caught.value.exit_code == 3
