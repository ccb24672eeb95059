"""A host and a platform that do not let us in, or are not who they were: real sshd, real HTTP, no change anywhere."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e.checkouts import Checkout, project
from tests.e2e.person import Person, Ran
from tests.hosts import SshHost, keygen, run_in, ssh_host
from tests.rehearsal.standin import ground
from tests.rehearsal.standin.ground import BEARERS, Standin

pytestmark = pytest.mark.docker

SECRETS = ("SECRET_KEY", "EMAIL_HOST_PASSWORD", "REDIS_PASSWORD", "POSTGRES_PASSWORD", "DEMO_USER_PASSWORD")


@dataclass(frozen=True)
class Staging:
    """A clone whose environment staging lies on a loopback host and a Coolify that both answer."""

    clone: Checkout
    host: SshHost
    coolify: Standin
    url: str

    def types(self, *words: str, token: str = "root", **settings: str) -> Ran:
        """Run a task for staging, with some settings given otherwise."""
        given = {f"SLIPWAY_{name.upper()}": value for name, value in settings.items()}
        given["SLIPWAY_COOLIFY_TOKEN"] = BEARERS.get(token, token)
        person = Person.without_launcher(self.clone.path, given)
        ran = person.types(*words, "--env", "staging", seconds=90)
        assert given["SLIPWAY_COOLIFY_TOKEN"].rpartition("|")[2] not in ran.said
        return ran

    def is_untouched(self) -> bool:
        """Whether nothing was made on the platform or recorded on the host, and nobody holds the lock."""
        state = "/data/slipway/staging"
        nothing = f"! test -e {state}/lock && ! test -e {state}/history.jsonl && ! test -e {state}/releases"
        return self.coolify.good("GET", "/projects") == [] and run_in(self.host.container, "sh", "-c", nothing)[0] == 0


@pytest.fixture(scope="module")
def staging(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Staging]:
    folder = tmp_path_factory.mktemp("staging")
    clone = project(folder / "clone")
    with ssh_host(folder) as host, ground.running(ground.settings(folder), held=True) as coolify:
        url = str(coolify.client.base_url)
        lines = [
            "SLIPWAY_SSH_HOST=127.0.0.1",
            f"SLIPWAY_SSH_PORT={host.port}",
            f"SLIPWAY_SSH_KEY_FILE={folder / 'id'}",
            f"SLIPWAY_SSH_KNOWN_HOSTS={folder / 'known_hosts'}",
            f"SLIPWAY_COOLIFY_URL={url}",
        ]
        file = clone.path / "env" / "staging.env"
        kept = [line for line in file.read_text().splitlines() if not line.startswith(("SLIPWAY_SSH", "SLIPWAY_COOL"))]
        file.write_text("\n".join([*kept, *lines, ""]))
        clone.commit()
        (clone.path / "env" / "staging.secrets.env").write_text(
            "".join(f"{name}=throwaway-{name.lower()}-0123456789-abcdefghijklmnopqrst\n" for name in SECRETS)
        )
        yield Staging(clone, host, coolify, url)


def test_who_is_let_in_gets_an_answer(staging: Staging) -> None:
    """What the others of this file are refused works."""
    status = staging.types("deploy.status").ended(1)
    assert "0 of 7 services run" in status.out
    staging.types("deploy.history").ended(0)


def test_variables_of_services_that_are_not_there_are_neither_compared_nor_set(staging: Staging) -> None:
    for task in ("env.diff", "env.push --yes"):
        staging.types(*task.split()).ended(2).told("none of the services is on the platform yet", "inv deploy")
    assert staging.is_untouched(), "the lock was given back"


@pytest.mark.parametrize(
    ("token", "words"),
    [
        ("7|this-is-not-the-token-of-anybody", ("expired or wrong", "make a new one in Coolify")),
        ("expired", ("expired or wrong", "make a new one in Coolify")),
        ("this-one-has-no-number-in-front", ("expired or wrong", "a token starts with its number and a bar")),
        ("member", ("no admin or owner of its team", "use an admin's token")),
        ("deploy", ("lacks the ability read", "read, read:sensitive, write and deploy")),
    ],
)
def test_a_token_that_does_not_let_us_in(staging: Staging, token: str, words: tuple[str, ...]) -> None:
    staging.types("deploy.status", token=token).ended(2).told(*words, "/api/v1")
    assert staging.is_untouched()


@pytest.mark.parametrize(("token", "lacks"), [("sensitive", "write"), ("read", "write")])
def test_a_token_that_may_only_read_is_refused_before_a_deployment_begins(
    staging: Staging, token: str, lacks: str
) -> None:
    Person.without_launcher(staging.clone.path, {}).types("build.all").ended(0)
    ran = staging.types("deploy", "--yes", token=token).ended(2)
    ran.told(f"lacks the ability {lacks}", "make one with read, read:sensitive, write and deploy")
    assert staging.is_untouched()


def test_a_host_nobody_has_vouched_for(staging: Staging, tmp_path: Path) -> None:
    known = tmp_path / "known_hosts"
    known.touch()
    ran = staging.types("deploy.history", ssh_known_hosts=str(known)).ended(2)
    ran.told("nobody has vouched for this host yet", f"127.0.0.1:{staging.host.port}", "SHA256:", "ssh-keyscan")
    assert known.read_text() == ""
    assert staging.is_untouched()


def test_a_host_that_shows_another_key(staging: Staging, tmp_path: Path) -> None:
    known = tmp_path / "known_hosts"
    text = f"[127.0.0.1]:{staging.host.port} {keygen(tmp_path / 'another').rsplit(' ', 1)[0]}\n"
    known.write_text(text)
    ran = staging.types("deploy.history", ssh_known_hosts=str(known)).ended(4)
    ran.told("the host shows another key than the known one", "instead of", "ssh-keygen -R")
    assert known.read_text() == text
    assert staging.is_untouched()


def test_a_key_that_the_host_does_not_take(staging: Staging, tmp_path: Path) -> None:
    keygen(tmp_path / "id")
    ran = staging.types("deploy.history", ssh_key_file=str(tmp_path / "id")).ended(2)
    ran.told("the host does not take the key", "authorized_keys")


@pytest.mark.parametrize(
    ("task", "settings", "words"),
    [
        ("deploy.history", {"ssh_port": "9"}, ("nothing answers", "root@127.0.0.1:9", "its SSH port is open")),
        ("deploy.status", {"coolify_url": "http://127.0.0.1:9"}, ("http://127.0.0.1:9", "->")),
    ],
)
def test_nobody_answers(staging: Staging, task: str, settings: dict[str, str], words: tuple[str, ...]) -> None:
    staging.types(task, **settings).ended(3).told(*words)
    assert staging.is_untouched()
