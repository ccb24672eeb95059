"""Pushes and pulls against a real registry, with log-ins, and against servers that misbehave."""

import json
import os
import socket
import subprocess
import threading
import time
import uuid
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
import stamina

from slipway.engines.images.bases import ensure_bases
from slipway.engines.images.buildkit import BuildKitImages
from slipway.errors import Refused, SlipwayError, Unreachable, UsageError
from slipway.ports import ContextPart, ImageBuild, Pushed
from tests.door import before
from tests.engines.images.registries import LABEL, PASSWORD, USER, answers, hostile, log_in, real_registry, tags

pytestmark = pytest.mark.docker


def quiet(_: object) -> None:
    pass


@pytest.fixture
def label() -> Iterator[str]:
    value = uuid.uuid4().hex[:12]
    yield value
    listed = subprocess.run(
        ["docker", "image", "ls", "-q", "--filter", f"label={LABEL}={value}"],
        capture_output=True,
        text=True,
        check=True,
    )
    for image in set(listed.stdout.split()):
        subprocess.run(["docker", "image", "rm", "-f", image], capture_output=True, check=True)


@pytest.fixture
def login(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A configuration folder of Docker's that knows no registry yet."""
    folder = tmp_path / "docker"
    folder.mkdir()
    monkeypatch.setenv("DOCKER_CONFIG", str(folder))
    return folder


def made(folder: Path, label: str, *tags: str, base: str = "scratch") -> ImageBuild:
    """Return a build of a tiny image that nobody else has."""
    context = folder / uuid.uuid4().hex
    context.mkdir()
    (context / "Dockerfile").write_text(f"FROM {base}\nCOPY word /word-{label}\n")
    (context / "word").write_bytes(os.urandom(300_000))
    return ImageBuild("web", (ContextPart(context),), "Dockerfile", tags, labels={LABEL: label})


def test_only_missing_layers_are_sent_and_counted(tmp_path: Path, label: str) -> None:
    images = BuildKitImages()
    with real_registry(label) as registry:
        one, two = (f"{registry}/slipway-test/{label}:{tag}" for tag in ("1", "2"))
        images.build(made(tmp_path, label, one), quiet)
        first = images.push(one, quiet)
        images.build(made(tmp_path, label, two, base=one), quiet)
        second = images.push(two, quiet)
        assert (first.layers, second.layers) == (1, 1)
        assert 300_000 <= second.sent < 400_000
        assert images.push(two, quiet) == Pushed(second.reference)


def test_the_log_in_that_docker_keeps_reaches_pushes_pulls_and_bases(
    tmp_path: Path, label: str, login: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    images, lines = BuildKitImages(), list[str]()
    with real_registry(label, tmp_path / "htpasswd") as registry:
        base = f"{registry}/slipway-test/{label}:base"
        images.build(made(tmp_path, label, base), quiet)
        with pytest.raises(UsageError, match=rf"(?s){registry} wants another log-in.*docker login {registry}"):
            images.push(base, lines.append)
        log_in(login, registry, "wrong")
        with pytest.raises(UsageError, match="wants another log-in"):
            images.push(base, lines.append)
        with pytest.raises(UsageError, match=rf"(?s){registry} wants another log-in.*docker login {registry}"):
            images.fetch(base, lines.append)
        assert not images.answers(base)
        log_in(login, registry)
        images.push(base, lines.append)
        subprocess.run(["docker", "image", "rm", "-f", base], capture_output=True, check=True)
        # The builder itself has no log-in: reading what a build starts from brings the base.
        build = made(tmp_path, label, f"slipway-test/{label}:1", base=base)
        inputs = images.read([build])["web"]
        assert inputs.unknown_bases == ()
        assert inputs.parts[f"base {base}"].startswith("sha256:")
        built = images.build(build, lambda event: lines.append(f"{event.step} {event.text}"))
        subprocess.run(["docker", "image", "rm", "-f", base], capture_output=True, check=True)
        # So does one that is only copied from: no build ever asks a registry for a log-in itself.
        copies = made(tmp_path, label, f"slipway-test/{label}:2")
        (copies.context[0].root / "Dockerfile").write_text(f"FROM scratch\nCOPY --from={base} / /\n")
        assert images.read([copies])["web"].unknown_bases == ()
        images.build(copies, quiet)
        subprocess.run(["docker", "image", "rm", "-f", base], capture_output=True, check=True)
        log_in(login, registry, "wrong")
        with pytest.raises(UsageError, match="wants another log-in"):
            images.read([build])
    shown = capfd.readouterr()
    assert PASSWORD not in json.dumps([*lines, *built.history, dict(built.environment), dict(built.labels)])
    assert PASSWORD not in shown.out + shown.err


def test_a_credential_helper_is_asked(tmp_path: Path, label: str, login: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    helper = tmp_path / "bin" / "docker-credential-test"
    helper.parent.mkdir()
    helper.write_text(
        f'#!/bin/sh\nread -r registry\necho "$* $registry" >> {tmp_path}/asked\n'
        f'printf \'{{"Username":"{USER}","Secret":"{PASSWORD}"}}\'\n'
    )
    helper.chmod(0o755)
    monkeypatch.setenv("PATH", f"{helper.parent}:{os.environ['PATH']}")
    images = BuildKitImages()
    with real_registry(label, tmp_path / "htpasswd") as registry:
        (login / "config.json").write_text(json.dumps({"credHelpers": {registry: "test"}}))
        reference = f"{registry}/slipway-test/{label}:1"
        images.build(made(tmp_path, label, reference), quiet)
        assert images.push(reference, quiet).reference.startswith(f"{registry}/slipway-test/{label}@sha256:")
        assert (tmp_path / "asked").read_text().splitlines()[0] == f"get {registry}"


@pytest.mark.parametrize(
    ("act", "kind", "words"),
    [
        (answers(500), Unreachable, r"the registry 127\.0\.0\.1:\d+ does not answer: .*500"),
        (answers(503), Unreachable, "does not answer: .*503"),
        (answers(401, WWW_Authenticate='Basic realm="x"'), UsageError, "wants another log-in"),
        (answers(403), Refused, "403"),
        (lambda request: request.connection.close(), Unreachable, "does not answer"),
    ],
)
def test_a_registry_that_fails_is_named(
    tmp_path: Path, label: str, login: Path, act: object, kind: type[SlipwayError], words: str
) -> None:
    assert callable(act)
    images = BuildKitImages()
    with hostile(act) as registry, stamina.set_testing(True, attempts=2):
        reference = f"{registry}/slipway-test/{label}:1"
        images.build(made(tmp_path, label, reference), quiet)
        begin = time.monotonic()
        with pytest.raises(kind, match=words) as raised:
            images.push(reference, quiet)
        assert raised.value.where == reference
        assert time.monotonic() - begin < 20


def test_a_registry_that_never_answers_is_given_up(tmp_path: Path, label: str) -> None:
    over = threading.Event()
    images = BuildKitImages(silence=2.0)

    def wait(_: BaseHTTPRequestHandler) -> None:
        over.wait(60)

    with hostile(wait) as registry:
        reference = f"{registry}/slipway-test/{label}:1"
        images.build(made(tmp_path, label, reference), quiet)
        begin = time.monotonic()
        with pytest.raises(Unreachable, match=r"does not answer: nothing was heard for 2 s"):
            images.push(reference, quiet)
        assert time.monotonic() - begin < 8
        over.set()


def test_cancel_ends_a_push_that_waits_for_its_registry(tmp_path: Path, label: str) -> None:
    over, asked = threading.Event(), threading.Event()

    def wait(request: BaseHTTPRequestHandler) -> None:
        if request.command == "POST":
            asked.set()
            over.wait(60)
        else:
            answers(404 if "/manifests/" in request.path or "/blobs/" in request.path else 200)(request)

    images = BuildKitImages(silence=60.0)
    with hostile(wait) as registry:
        reference = f"{registry}/slipway-test/{label}:1"
        images.build(made(tmp_path, label, reference), quiet)

        def cancel() -> None:
            asked.wait(20)
            images.cancel()

        stop = threading.Thread(target=cancel)
        stop.start()
        begin = time.monotonic()
        with pytest.raises(Refused, match="was cancelled"):
            images.push(reference, quiet)
        assert time.monotonic() - begin < 20
        stop.join()
        over.set()


def test_a_registry_that_dies_in_the_middle_of_an_upload_gets_the_rest_when_it_is_back(
    tmp_path: Path, label: str
) -> None:
    images, lines = BuildKitImages(), list[str]()
    listening = socket.create_server(("127.0.0.1", 0))
    address = f"127.0.0.1:{listening.getsockname()[1]}"
    with real_registry(label) as registry:
        host, _, port = registry.partition(":")
        with before(listening, lambda: socket.create_connection((host, int(port))), after=150_000) as door:
            reference = f"{address}/slipway-test/{label}:1"
            images.build(made(tmp_path, label, reference), quiet)

            def say(text: str) -> None:
                lines.append(text)
                if "retrying" in text:
                    assert not images.answers(f"{registry}/slipway-test/{label}:1")
                    door.open()

            pushed = images.push(reference, say)
            assert not door.after
        assert any("retrying" in line for line in lines)
        assert pushed.layers == 1
        assert tags(registry, f"slipway-test/{label}") == ["1"]


def test_a_package_mirror_that_does_not_answer_is_no_broken_build(tmp_path: Path, label: str) -> None:
    base = ensure_bases(BuildKitImages(), ["debian"], quiet)["debian"]
    text = (
        f"FROM {base}\nRUN rm -rf /etc/apt/sources.list.d; "
        f"echo 'deb [trusted=yes] http://127.0.0.1:1/{label} stable main' > /etc/apt/sources.list; "
        "apt-get update; apt-get install -y nothing-of-that-name\n"
    )
    (tmp_path / "Dockerfile").write_text(text)
    build = ImageBuild("web", (ContextPart(tmp_path),), "Dockerfile", (), labels={LABEL: label})
    with pytest.raises(Unreachable, match="did not reach where its packages come from") as raised:
        BuildKitImages().build(build, quiet)
    assert any("127.0.0.1" in line for line in raised.value.details)
