"""A portal image from a workspace of three files: what its nginx answers while it serves and while it drains.

Its script is no Vite, so it is configured at build; `test_portal_start.py` has portals configured at start.
"""

import http.client
import json
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from slipway.config.kinds import Kind
from slipway.config.schema import Variable
from slipway.config.workspace import Workspace
from slipway.config.workspace_file import load_workspace
from slipway.engines.images.buildkit import BuildKitImages
from slipway.errors import Refused
from slipway.plans.build import image_builds
from slipway.plans.build_common import Bases
from slipway.ports import BuiltImage
from slipway.release.image import Version
from tests.hosts import docker_client, have, run_in

from .conftest import eventually

pytestmark = pytest.mark.docker
ROOT = Path(__file__).parents[2]
BUILD = """
import fs from "node:fs";
fs.mkdirSync("dist/assets", {recursive: true});
fs.writeFileSync("dist/index.html", "<p>" + process.env.VITE_GREETING + "</p>" + (process.env.HOME_ADDRESS ?? ""));
fs.writeFileSync("dist/assets/app-1a2b.js", "console.log(1);".repeat(500));
fs.writeFileSync("dist/robots.txt", "User-agent: *");
fs.writeFileSync("dist/tiny.css", "a{}");
"""
WORKSPACE = """
name: tiny
backend: {path: api}
frontend: {path: ., portals: {shop: {path: shop, configure: build}}}
databases: {}
services:
  shop: {role: static, image: shop, port: 8080, subdomain: shop}
  api: {role: web, image: backend, port: 8000, subdomain: api}
  worker: {role: worker, image: backend}
  beat: {role: beat, image: backend}
probes:
  api: {path: /}
  login: {path: /, body: {}, table: users}
  task: {name: a.b}
  beat: {table: ticks, column: at}
"""


def workspace(folder: Path, script: str = "node build.mjs") -> Workspace:
    (folder / "api").mkdir()
    (folder / "shop").mkdir()
    (folder / "api" / "manage.py").touch()
    (folder / "api" / "requirements.txt").touch()
    root = {"name": "tiny", "version": "1.0.0", "private": True, "workspaces": ["shop"]}
    shop = {"name": "shop", "version": "1.0.0", "private": True, "scripts": {"build": script}}
    packages = {"": root, "node_modules/shop": {"resolved": "shop", "link": True}, "shop": {"version": "1.0.0"}}
    lock = {"name": "tiny", "version": "1.0.0", "lockfileVersion": 3, "requires": True, "packages": packages}
    for name, value in (("package.json", root), ("shop/package.json", shop), ("package-lock.json", lock)):
        (folder / name).write_text(json.dumps(value))
    (folder / "shop" / "build.mjs").write_text(BUILD)
    (folder / "workspace.yaml").write_text(WORKSPACE)
    return load_workspace(folder / "workspace.yaml", folder)


def text(kind: Kind) -> Variable:
    return Variable(type=kind, description="text", services=("static",), required=True)


def build(tiny: Workspace) -> BuiltImage:
    have("node", "nginx")
    version = Version("0.0.0", uuid.uuid4().hex[:12])
    variables = {"shop": {"VITE_GREETING": "hello 'you' $HOME", "VITE_API": "https://api.tiny.example/v1"}}
    declared = {"shop": {"VITE_GREETING": text(Kind.STRING), "VITE_API": text(Kind.URL)}}
    found = image_builds(tiny, version, datetime.now(UTC), Bases(), variables, "slipway-test", ROOT, declared)
    return BuildKitImages().build(found[1], lambda _: None)


@dataclass
class Portal:
    """A running portal container."""

    container: Any
    port: int

    def get(self, path: str, **headers: str) -> http.client.HTTPResponse:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        answer.text = answer.read().decode("latin-1")  # type: ignore[attr-defined]
        connection.close()
        return answer

    def check(self) -> tuple[int, str]:
        return run_in(self.container, "healthcheck")


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BuiltImage]:
    image = build(workspace(tmp_path_factory.mktemp("tiny")))
    yield image
    with docker_client() as client:
        client.images.remove(image.tags[0], force=True)


@pytest.fixture
def portal(image: BuiltImage) -> Iterator[Portal]:
    with docker_client() as client:
        container = client.containers.run(
            image.tags[0],
            detach=True,
            read_only=True,
            tmpfs={"/tmp": "", "/run/slipway": "uid=10001,gid=10001"},
            cap_drop=["ALL"],
            environment={"SLIPWAY_DRAIN_SECONDS": "2", "SECURE_HSTS_SECONDS": "60"},
            labels={"slipway.test": "portal"},
            ports={"8080/tcp": ("127.0.0.1", 0)},
        )
        try:
            container.reload()
            portal = Portal(container, int((container.ports["8080/tcp"] or [{}])[0]["HostPort"]))
            eventually(lambda: portal.check()[0] == 0, 10, lambda: container.logs().decode())
            yield portal
        finally:
            container.remove(force=True, v=True)


def header(answer: http.client.HTTPResponse, name: str) -> str | None:
    return answer.getheader(name)


def test_it_serves_the_bundle_without_privileges_and_with_its_variables(portal: Portal) -> None:
    answer = portal.get("/")
    assert (answer.status, answer.text) == (200, "<p>hello 'you' $HOME</p>")  # type: ignore[attr-defined]
    assert run_in(portal.container, "id", "-u") == (0, "10001\n")
    assert run_in(portal.container, "sh", "-c", "echo x > /usr/share/nginx/html/x")[0] != 0


def test_every_path_of_the_application_is_the_index_but_a_missing_chunk_is_404(portal: Portal) -> None:
    assert portal.get("/artists/7?tab=plays").text == portal.get("/").text  # type: ignore[attr-defined]
    missing = portal.get("/assets/app-0000.js")
    assert (missing.status, header(missing, "Cache-Control")) == (404, "no-store")
    for hidden in ("/.env", "/.git/config", "/a/.htpasswd"):
        assert portal.get(hidden).status == 404


@pytest.mark.parametrize(
    ("path", "cache"),
    [
        ("/", "no-store"),
        ("/deep/link", "no-store"),
        ("/assets/app-1a2b.js", "public, max-age=31536000, immutable"),
        ("/robots.txt", "no-cache"),
    ],
)
def test_what_may_be_kept_and_what_may_not(portal: Portal, path: str, cache: str) -> None:
    answer = portal.get(path)
    assert (answer.status, header(answer, "Cache-Control")) == (200, cache)


def test_every_answer_carries_the_security_headers_and_an_id(portal: Portal) -> None:
    for path in ("/", "/assets/app-1a2b.js", "/assets/none.js", "/healthz"):
        answer = portal.get(path)
        assert header(answer, "X-Content-Type-Options") == "nosniff", path
        assert header(answer, "X-Frame-Options") == "DENY", path
        assert header(answer, "Strict-Transport-Security") is None, path
        assert len(header(answer, "X-Request-ID") or "") == 32, path
    assert header(portal.get("/", **{"X-Forwarded-Proto": "https"}), "Strict-Transport-Security") == "max-age=60"
    assert header(portal.get("/"), "Server") == "nginx"


def test_the_id_of_the_router_is_kept_and_a_hostile_one_is_not(portal: Portal) -> None:
    assert header(portal.get("/", **{"X-Request-ID": "abc-1.2_3"}), "X-Request-ID") == "abc-1.2_3"
    assert len(header(portal.get("/", **{"X-Request-ID": 'x"},{"evil'}), "X-Request-ID") or "") == 32


def test_the_log_is_json_with_the_path_and_without_the_query(portal: Portal) -> None:
    portal.get("/reset/me?token=hunter2", **{"User-Agent": 'a"b\\', "X-Request-ID": "find-me"})
    lines: list[str] = []

    def is_logged() -> bool:
        said = portal.container.logs(stderr=False).decode().splitlines()
        lines.extend(line for line in said if "find-me" in line)
        return bool(lines)

    eventually(is_logged)
    entry = json.loads(lines[0])
    assert (entry["path"], entry["status"], entry["agent"]) == ("/reset/me", 200, 'a"b\\')
    assert "hunter2" not in lines[0]


@pytest.mark.parametrize(("accepted", "encoding"), [("gzip", "gzip"), ("gzip, br", "br"), ("", None)])
def test_text_is_compressed_already(portal: Portal, accepted: str, encoding: str | None) -> None:
    answer = portal.get("/assets/app-1a2b.js", **{"Accept-Encoding": accepted})
    assert header(answer, "Content-Encoding") == encoding
    assert "Accept-Encoding" in (header(answer, "Vary") or "")
    suffix = {"gzip": ".gz", "br": ".br", None: ""}[encoding]
    size = run_in(portal.container, "stat", "-c", "%s", f"/usr/share/nginx/html/assets/app-1a2b.js{suffix}")[1]
    assert header(answer, "Content-Length") == size.strip()
    assert run_in(portal.container, "ls", "/usr/share/nginx/html/tiny.css.gz")[0] != 0


def test_the_policy_of_a_portal_built_for_one_environment_names_its_api(portal: Portal) -> None:
    policy = header(portal.get("/"), "Content-Security-Policy") or ""
    assert "connect-src 'self' https://api.tiny.example wss://api.tiny.example;" in policy
    assert "script-src 'self';" in policy
    assert portal.get("/env.js").status == 404


def test_the_image_is_nginx_and_what_people_look_around_with(portal: Portal, image: BuiltImage) -> None:
    assert image.size < 20e6
    for program in ("apt-get", "dpkg", "perl", "python3", "node", "gcc", "curl", "su", "mount"):
        # busybox's shell calls its own applets whatever the PATH holds, so files are looked for
        assert run_in(portal.container, "find", "/", "-xdev", "-name", program, "!", "-type", "d")[1] == "", program
    for program in ("grep", "find", "head", "cat", "ls", "id", "stat", "ps", "wget", "nc", "bash", "nginx", "tini"):
        assert run_in(portal.container, "sh", "-c", f"command -v {program}")[0] == 0, program
    assert run_in(portal.container, "sh", "-c", "find / -xdev -perm /6000 -type f")[1] == ""
    known = run_in(portal.container, "sh", "-c", "grep -h ^Package: /var/lib/dpkg/status.d/*")[1]
    assert {"nginx", "libc6", "libssl3", "tini", "bash", "busybox-static"} <= {
        line.removeprefix("Package: ") for line in known.splitlines()
    }
    versions = run_in(portal.container, "sh", "-c", "grep -c ^Version: /var/lib/dpkg/status.d/* | grep -v :1$")[1]
    assert versions == ""


def test_it_is_red_at_once_and_fails_no_request_until_the_drain_is_over(portal: Portal) -> None:
    assert portal.check() == (0, "green: GET /healthz answered 200\n")
    begin = time.monotonic()
    portal.container.kill("SIGTERM")
    eventually(lambda: portal.check() == (1, "red: draining\n"), 1)
    assert portal.get("/healthz").status == 503
    while time.monotonic() - begin < 1.8:
        assert portal.get("/").status == 200
    assert portal.container.wait(timeout=10)["StatusCode"] == 0
    assert 2.0 <= time.monotonic() - begin < 5.0


def test_a_portal_that_does_not_compile_fails_with_its_own_message(tmp_path: Path) -> None:
    with pytest.raises(Refused) as caught:
        build(workspace(tmp_path, 'echo "src/App.tsx(3,7): error TS2322: no" >&2; exit 2'))
    assert "TS2322" in str(caught.value)


def test_a_build_that_writes_nothing_fails(tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"(?s)shop: the build wrote no dist/index\.html"):
        build(workspace(tmp_path, "true"))
