"""Every task that there is, typed in an environment full of canary secrets: none of them comes out, in no form.

What needs an engine is typed on a machine without one here, so its errors are read; whole rehearsals are searched by
tests/e2e/test_rehearsal.py, with the same forms.
"""

import base64
import gc
import json
import threading
import warnings
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from slipway.engines.age import new_key
from tasks import namespace
from tests.hosts import keygen
from tests.tasks.canary import CANARIES, INSIDE, env_file, leaks
from tests.tasks.typed import Desk

# Docker's client leaves the socket of an engine that does not answer to the collector.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
ENV = "--env production"
# What to type for each task; a new task is not covered before its words stand here.
WORDS: dict[str, tuple[str, ...]] = {
    "test": ("test --fast",),
    "build.all": (f"build.all {ENV}",),
    "build.backend": ("build.backend",),
    "build.bases": ("build.bases",),
    "build.frontend": (f"build.frontend {ENV} --app admin",),
    "build.lock": ("build.lock",),
    "build.push": (f"build.push {ENV}",),
    "check.env": (f"check.env {ENV}", f"check.env {ENV} --connect", "check.env --env staging --strict"),
    "check.images": ("check.images",),
    "check.readers": ("check.readers",),
    "check.vulnerabilities": (f"check.vulnerabilities {ENV}",),
    "db.backup": (f"db.backup {ENV}",),
    "db.backups": (f"db.backups {ENV}",),
    "db.migrate": (f"db.migrate {ENV} --yes",),
    "db.verify": (f"db.verify {ENV} --backup 20260101T000000Z-postgres",),
    "deploy.deploy": (f"deploy {ENV} --yes",),
    "deploy.history": (f"deploy.history {ENV}",),
    "deploy.plan": (f"deploy.plan {ENV}",),
    "deploy.status": (f"deploy.status {ENV}",),
    "deploy.unlock": (f"deploy.unlock {ENV} --yes",),
    "env.diff": (f"env.diff {ENV}", f"env.diff {ENV} --with staging"),
    "env.docs": ("env.docs",),
    "env.example": ("env.example --check",),
    "env.keygen": ("env.keygen", "env.keygen"),
    "env.push": (f"env.push {ENV} --yes",),
    "env.rotate": tuple(f"env.rotate {ENV} --yes --name {name}" for name in CANARIES),
    "env.seal": (f"env.seal {ENV}", f"env.seal {ENV} --recipient nonsense"),
    "env.schema": ("env.schema", "env.schema --model EnvironmentConfig"),
    "env.show": (
        f"env.show {ENV}",
        f"env.show {ENV} --service api",
        f"env.show {ENV} --observe",
        f"env.show {ENV} --typed",
        *(f"env.show {ENV} --name {name}" for name in CANARIES),
    ),
    "env.unseal": (f"env.unseal {ENV} --yes",),
    "rehearse.rehearse": ("rehearse",),
    "rehearse.down": ("rehearse.down",),
}


class Echo(BaseHTTPRequestHandler):
    """A platform that is down and says so with everything it was sent, in several forms."""

    def _answer(self) -> None:
        heard = self.headers["Authorization"] or ""
        told = {
            "message": f"boom {heard}",
            "again": base64.b64encode(heard.encode()).decode(),
            "hex": heard.encode().hex(),
        }
        body = json.dumps(told).encode()
        self.send_response(422)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PATCH = _answer  # noqa: N815 - the server's own names

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the server's own name
        """Say nothing."""


@pytest.fixture(autouse=True)
def _sockets() -> Iterator[None]:
    """Have the collector come by now, so that it complains in no later test."""
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


@pytest.fixture(scope="module")
def echo() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def planted(desk: Desk, echo: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, str]:
    """Plant the canaries and return everything that must not be seen."""
    keygen(tmp_path / "id")
    (tmp_path / "known_hosts").touch()
    (desk.root / "docs").mkdir(exist_ok=True)
    identity, public = new_key()
    desk.writes("recipients.txt", f"{public}\n")
    in_file = {name: value for name, value in CANARIES.items() if name not in {"ACRCLOUD_ACCESS_SECRET", "SENTRY_DSN"}}
    desk.writes("production.secrets.env", env_file(in_file))
    with (desk.root / "env" / "production.env").open("a") as file:
        file.write(f"SENTRY_DSN={CANARIES['SENTRY_DSN']}\nDEFAULT_FROM_EMAIL=x${{variable.REDIS_PASSWORD}}\n")
    desk.writes(
        "staging.secrets.env", env_file({"SECRET_KEY": CANARIES["SECRET_KEY"], "UNKNOWN": CANARIES["REDIS_PASSWORD"]})
    )
    given = {
        "SLIPWAY_VAR_ACRCLOUD_ACCESS_SECRET": CANARIES["ACRCLOUD_ACCESS_SECRET"],
        "SLIPWAY_AGE_IDENTITY": identity.reveal(),
        "SLIPWAY_COOLIFY_URL": echo,
        "SLIPWAY_SSH_HOST": "127.0.0.1",
        "SLIPWAY_SSH_PORT": "1",
        "SLIPWAY_SSH_KEY_FILE": str(tmp_path / "id"),
        "SLIPWAY_SSH_KNOWN_HOSTS": str(tmp_path / "known_hosts"),
    }
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    # The tests themselves are what `inv test` starts; they are not started once more.
    monkeypatch.setattr("tasks.test.stages", lambda *, fast: ())
    inside = {f"inside {number}": text for number, text in enumerate(INSIDE)}
    return {**CANARIES, **inside, "the key": identity.reveal()}


FURTHER = {"check.env": ("github", "sarif")}
"""Forms that a task can tell its findings in besides text and JSON."""


def written(root: Path) -> dict[str, str]:
    """Return the files below `root` but those where secrets belong."""
    return {
        str(file.relative_to(root)): file.read_text(errors="replace")
        for file in root.rglob("*")
        if file.is_file()
        and not file.name.endswith("secrets.env")
        and file.name not in {"secrets.env", "production.env", "digests.key"}
    }


def test_every_task_has_its_words() -> None:
    assert set(WORDS) == set(namespace.task_names)


@pytest.mark.parametrize("task", sorted(WORDS))
def test_no_secret_comes_out_of_a_task(desk: Desk, planted: dict[str, str], task: str) -> None:
    for words in WORDS[task]:
        for form in ("text", "json", *FURTHER.get(task, ())):
            ran = desk.types(f"{words} --format {form}")
            assert ran.code in {0, 1, 2, 3}, ran.said
            assert leaks(ran.said, planted) == [], words
            if form in {"json", "sarif"}:
                assert isinstance(ran.document, dict)
    assert {name: found for name, text in written(desk.root).items() if (found := leaks(text, planted))} == {}


def test_what_was_sealed_opens_and_is_shown_without_a_secret(desk: Desk, planted: dict[str, str]) -> None:
    said = desk.types(f"env.seal {ENV}").said
    (desk.root / "env" / "production.secrets.env").unlink()
    for words in (f"env.show {ENV}", f"check.env {ENV}", f"env.rotate {ENV} --name DEMO_USER_PASSWORD --yes"):
        said += desk.types(words).said
    assert "production.secrets.env.age:1" in said
    assert leaks(said, planted) == []
    assert leaks("".join(written(desk.root).values()), planted) == []


@pytest.mark.parametrize("name", sorted(CANARIES))
def test_the_search_finds_what_it_is_for(name: str) -> None:
    value = CANARIES[name]
    data = value.encode()
    for text in (
        value,
        json.dumps({"a": value}),
        base64.b64encode(b"user:" + data).decode(),
        base64.urlsafe_b64encode(b"ab" + data + b"tail").decode(),
        base64.b64encode(data).decode(),
        data.hex(),
    ):
        assert leaks(f"before {text} after", CANARIES) == [name]
    assert leaks("nothing of it", CANARIES) == []
