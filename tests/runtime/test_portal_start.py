"""Portals configured at start, built by the real Vite from the example's packages: one image, several environments."""

import json
import re
import shutil
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from slipway.config.kinds import Kind
from slipway.config.schema import Variable
from slipway.config.workspace import Configured, Workspace
from slipway.config.workspace_file import load_workspace
from slipway.engines.image_contents import ImageContents
from slipway.engines.images.buildkit import BuildKitImages
from slipway.engines.images.files import EngineImageFiles
from slipway.errors import Refused
from slipway.inventory.npm import NpmLock
from slipway.inventory.package import Ecosystem
from slipway.plans.build import image_builds
from slipway.plans.build_common import Bases
from slipway.plans.build_portals import CONFIGURED
from slipway.ports import BuiltImage, ImageBuild
from slipway.release.image import Version
from slipway.verbs.portals import ROOT as BUNDLE
from tests.hosts import docker_client, have, run_in

from .conftest import eventually

pytestmark = pytest.mark.docker
ROOT = Path(__file__).parents[2]
API = Variable(type=Kind.URL, description="text", services=("static",), required=True)
NOTE = Variable(type=Kind.STRING, description="text", services=("static",))
DEFINED = "{__API__: JSON.stringify(process.env.VITE_API_URL)}"
USED = "\ndeclare const __API__: string;\n(window as unknown as { api: string }).api = __API__;\n"
TITLED = "\n(window as unknown as { told: string }).told = `title:${import.meta.env.VITE_TITLE}`;\n"
DECLARED = {"admin": {"VITE_API_URL": API, "VITE_NOTE": NOTE}}


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of the example without what running it made; its lock is the same, so npm installs from the cache."""
    ignored = shutil.ignore_patterns("node_modules", "dist", "static_cdn", "media", "*.sqlite3", "__pycache__")
    return Path(shutil.copytree(ROOT / "example", tmp_path / "example", ignore=ignored))


def admin_of(
    checkout: Path, declared: Mapping[str, Mapping[str, Variable]] = DECLARED, built_in: Mapping[str, str] | None = None
) -> ImageBuild:
    workspace: Workspace = load_workspace(checkout / "workspace.yaml", checkout)
    version = Version("0.0.0", uuid.uuid4().hex[:12])
    shared = {"admin": built_in or {}}
    found = image_builds(
        workspace, version, datetime.now(UTC), Bases(), {}, "slipway-test", ROOT, declared, built_in=shared
    )
    return next(build for build in found if build.name == "admin")


@contextmanager
def built(build: ImageBuild) -> Iterator[BuiltImage]:
    have("node", "nginx")
    image = BuildKitImages().build(build, lambda _: None)
    try:
        yield image
    finally:
        with docker_client() as client:
            client.images.remove(image.tags[0], force=True)


def bundle(image: BuiltImage) -> dict[str, str]:
    with docker_client() as client:
        files = EngineImageFiles(lambda: client, {"slipway.test": "files"}).read(image.id, BUNDLE)
    return {path: content.decode() for path, content in files.items() if path.endswith((".js", ".html"))}


@contextmanager
def running(image: BuiltImage, **variables: str) -> Iterator[Any]:
    with docker_client() as client:
        container = client.containers.run(
            image.id,
            detach=True,
            read_only=True,
            tmpfs={"/tmp": "", "/run/slipway": "uid=10001,gid=10001"},
            cap_drop=["ALL"],
            environment=variables,
            labels={"slipway.test": "portal-start"},
        )
        try:
            yield container
        finally:
            container.remove(force=True, v=True)


def asked(container: Any, path: str) -> str:
    code, said = run_in(container, "wget", "-q", "-O", "-", f"http://127.0.0.1:8080{path}")
    assert code == 0, said
    return said


def edited(file: Path, change: Callable[[str], str]) -> None:
    before = file.read_text()
    assert change(before) != before
    file.write_text(change(before))


def test_one_image_tells_each_environment_its_own_values(checkout: Path) -> None:
    edited(checkout / "zamio_admin" / "vite.config.js", lambda text: text.replace("plugins:", "base: '/', plugins:"))
    edited(checkout / "zamio_admin" / "index.html", lambda text: text.replace("</title>", " of %VITE_TITLE%</title>"))
    edited(checkout / "zamio_admin" / "src" / "main.tsx", lambda text: text + TITLED)
    hostile = 'a "b" </script>\n\u2028\\'
    with built(admin_of(checkout, built_in={"VITE_TITLE": "every environment"})) as image:
        assert image.labels[CONFIGURED] == "start"
        texts = bundle(image)
        page = texts["index.html"]
        with docker_client() as client:
            bundled = ImageContents(client).inventory(image).of(Ecosystem.NPM)
        assert bundled == NpmLock.read(checkout / "package-lock.json").production("zamio_admin")
        assert page.index('<script src="/env.js">') < page.index('type="module"')
        assert any("globalThis.__ENV.VITE_API_URL" in text for text in texts.values())
        # What all environments share is in page and script; no look-up asks for it.
        assert " of every environment</title>" in page
        assert any('"title:every environment"' in text for text in texts.values())
        assert not any("__ENV.VITE_TITLE" in text for text in texts.values())
        assert not any("slipway-" in text or ".invalid" in text for text in texts.values())
        for host in ("staging.example", "production.example"):
            given = {"VITE_API_URL": f"https://{host}", "VITE_NOTE": hostile, "SECRET_KEY": "hidden"}
            with running(image, **given) as container:
                eventually(lambda: run_in(container, "healthcheck")[0] == 0, 10, lambda: container.logs().decode())
                said = asked(container, "/env.js")
                found = re.fullmatch(r"globalThis\.__ENV=Object\.freeze\((.*)\);\n", said)
                assert found
                assert json.loads(found[1]) == {"VITE_API_URL": f"https://{host}", "VITE_NOTE": hostile}
                assert asked(container, "/deep/link") == page


@pytest.mark.parametrize(
    ("given", "words"),
    [({}, "VITE_API_URL has no value"), ({"VITE_API_URL": "api.example"}, "VITE_API_URL is no url")],
)
def test_a_container_without_its_variables_does_not_start(checkout: Path, given: dict[str, str], words: str) -> None:
    with built(admin_of(checkout)) as image, running(image, **given) as container:
        assert container.wait(timeout=10)["StatusCode"] == 2
        assert words in container.logs().decode()


def test_an_edit_of_no_consequence_gives_the_same_layers(checkout: Path) -> None:
    def layers(image: BuiltImage) -> list[str]:
        with docker_client() as client:
            found: list[str] = client.images.get(image.id).attrs["RootFS"]["Layers"]
            return found

    with built(admin_of(checkout)) as first:
        edited(checkout / "zamio_admin" / "src" / "App.tsx", lambda text: text + "\n// nothing\n")
        with built(admin_of(checkout)) as second:
            assert layers(first) == layers(second)


@pytest.mark.parametrize(
    ("file", "change", "words"),
    [
        (
            "zamio_admin/vite.config.js",
            lambda text: text.replace("plugins:", f"define: {DEFINED}, plugins:"),
            r"VITE_API_URL is read in a way that cannot be configured at start \(in index-\S+\.js\)",
        ),
        (
            "zamio_admin/index.html",
            lambda text: text.replace("<title>", "<meta name='api' content='%VITE_API_URL%'><title>"),
            r"VITE_API_URL is read in a way that cannot be configured at start \(in index\.html\)",
        ),
        (
            "zamio_admin/package.json",
            lambda text: text.replace("vite build", "vite build && node after.mjs"),
            r"does not end in `vite build`.*\n?.*configure: build",
        ),
        (
            "zamio_admin/package.json",
            lambda text: text.replace("vite build", "vite build --config own.js"),
            "names a configuration of its own",
        ),
    ],
)  # fmt: skip
def test_a_build_that_cannot_be_configured_at_start_fails_and_says_how(
    checkout: Path, file: str, change: Callable[[str], str], words: str
) -> None:
    edited(checkout / file, change)
    if "__API__" in (checkout / file).read_text():
        edited(checkout / "zamio_admin" / "src" / "main.tsx", lambda text: text + USED)
    with pytest.raises(Refused, match=f"(?s){words}"), built(admin_of(checkout)):
        pass


def test_the_classic_way_stays(checkout: Path) -> None:
    workspace = load_workspace(checkout / "workspace.yaml", checkout).configured(Configured.BUILD)
    version = Version("0.0.0", uuid.uuid4().hex[:12])
    values = {"admin": {"VITE_API_URL": "https://api.classic.example"}}
    found = image_builds(workspace, version, datetime.now(UTC), Bases(), values, "slipway-test", ROOT, DECLARED)
    build = next(one for one in found if one.name == "admin")
    with built(build) as image:
        texts = bundle(image)
        assert any("https://api.classic.example" in text for text in texts.values())
        assert "env.js" not in texts["index.html"]
        with running(image) as container:
            eventually(lambda: run_in(container, "healthcheck")[0] == 0, 10, lambda: container.logs().decode())
