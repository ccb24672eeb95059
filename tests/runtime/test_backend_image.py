"""The backend image of a project of a few lines: what ends its build, and how its process ends."""

import json
import secrets
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import docker
import pytest

from slipway.config.workspace import Workspace
from slipway.config.workspace_file import load_workspace
from slipway.engines.images.buildkit import BuildKitImages
from slipway.engines.images.files import EngineImageFiles
from slipway.engines.images.machine import build_arguments, own_home
from slipway.errors import Refused, Unreachable
from slipway.plans.build import image_builds
from slipway.plans.build_common import Bases
from slipway.ports import BuiltImage
from slipway.release.image import Version
from slipway.release.lock import lock_file
from slipway.verbs.lock import make_lock
from tests.hosts import docker_client, have, run_in

from .conftest import eventually

pytestmark = [pytest.mark.docker, pytest.mark.slow]
ROOT = Path(__file__).parents[2]
MANAGE = """
import os, sys
from django.core.management import execute_from_command_line
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "core.settings")
execute_from_command_line(sys.argv)
"""
SETTINGS = """
import os
SECRET_KEY = os.environ["SECRET_KEY"]
ALLOWED_HOSTS = os.environ.get("ALLOWED_HOSTS", "").split(",")
SECURE_SSL_REDIRECT = True
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
MIDDLEWARE = ["django.middleware.security.SecurityMiddleware", "django.middleware.common.CommonMiddleware"]
INSTALLED_APPS = ["django.contrib.staticfiles"]
ROOT_URLCONF = "core.urls"
STATIC_URL = "/static/"
STATIC_ROOT = {static_root!r}
STATICFILES_DIRS = ["/app/assets"]
"""
URLS = """
from django.http import HttpResponse
from django.urls import path
urlpatterns = [path("up/", lambda request: HttpResponse(request.get_host()))]
"""
ASGI = """
import os
from django.core.asgi import get_asgi_application
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "core.settings")
application = get_asgi_application()
"""
WORKSPACE = """
name: tiny
backend: {path: api, static_root: collected, writable: [media, mails], constraints: ["django<5.3"]}
frontend: {path: ., portals: {shop: {path: shop}}}
databases: {}
services:
  api: {role: web, image: backend, port: 8000, subdomain: api, health_path: /up/}
  worker: {role: worker, image: backend}
  beat: {role: beat, image: backend}
probes:
  api: {path: /}
  login: {path: /, body: {}, table: users}
  task: {name: a.b}
  beat: {table: ticks, column: at}
"""


def workspace(folder: Path, static_root: str | None = "/app/collected") -> Workspace:
    for path in ("api/core", "api/assets", "api/media", "shop"):
        (folder / path).mkdir(parents=True)
    texts = {
        "api/manage.py": MANAGE,
        "api/requirements.txt": "django>=5.2\n",
        "api/core/__init__.py": "",
        "api/core/settings.py": SETTINGS.format(static_root=static_root),
        "api/core/urls.py": URLS,
        "api/core/asgi.py": ASGI,
        "api/assets/app.css": "p {}",
        "api/media/private.jpg": "from somebody's machine",
        "api/db.sqlite3": "from somebody's machine",
        "api/.env": "SECRET_KEY=hunter2",
        "package.json": "{}",
        "package-lock.json": "{}",
        "shop/package.json": "{}",
        "workspace.yaml": WORKSPACE,
    }
    for name, text in texts.items():
        (folder / name).write_text(text)
    return load_workspace(folder / "workspace.yaml", folder)


def build(tiny: Workspace) -> BuiltImage:
    have("python")
    version = Version("0.0.0", uuid.uuid4().hex[:12])
    backend = image_builds(tiny, version, datetime.now(UTC), Bases(), {}, "slipway-test", ROOT)[0]
    images = BuildKitImages(arguments=build_arguments(home=own_home()))
    if not lock_file(tiny).exists():
        make_lock(images, EngineImageFiles(docker.from_env), tiny, ROOT, lambda _: None, Bases())
    return images.build(backend, lambda _: None)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A workspace that is built as it is."""
    return workspace(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="module")
def image(whole: Workspace) -> Iterator[BuiltImage]:
    image = build(whole)
    yield image
    with docker_client() as client:
        client.images.remove(image.tags[0], force=True)


@pytest.fixture
def start(image: BuiltImage) -> Iterator[Callable[..., Any]]:
    """Run the image read-only and without capabilities."""
    with docker_client() as client:
        containers = []

        def run(*words: str, **options: Any) -> Any:
            variables = {
                "SECRET_KEY": secrets.token_urlsafe(64),
                "ALLOWED_HOSTS": ".tiny.example",
                "SLIPWAY_DRAIN_SECONDS": "2",
            }
            container = client.containers.run(
                image.tags[0],
                list(words) or None,
                detach=True,
                read_only=True,
                tmpfs={"/tmp": "", "/run/slipway": "uid=10001,gid=10001,mode=0755"},
                cap_drop=["ALL"],
                environment=variables,
                labels={"slipway.test": "backend"},
                **options,
            )
            containers.append(container)
            return container

        yield run
        for container in containers:
            container.remove(force=True, v=True)


def test_it_runs_unprivileged_and_holds_what_it_should_and_nothing_else(start: Callable[..., Any]) -> None:
    container = start()
    for command, answer in {
        "id -u; id -g": "10001\n10001\n",
        "cat /app/collected/app.css": "p {}",
        "ls -A /app": "__pycache__\nassets\ncollected\ncore\nmails\nmanage.py\nmedia\nrequirements.txt\n",
        "ls -A /app/media /app/mails": "/app/mails:\n\n/app/media:\n",
        "stat -c %u:%a /app/media /app/mails /app/core /run/slipway": "10001:755\n10001:755\n0:755\n10001:755\n",
        "command -v gcc cc make pip pip3 npm": "",
        "env | grep -i -e cert -e pip_": "",
        "find /app /opt/venv -user 10001 -type f | head -1": "",
    }.items():
        assert run_in(container, "sh", "-c", command)[1] == answer, command


def test_it_answers_behind_a_proxy_and_is_green_without_a_database(start: Callable[..., Any]) -> None:
    container = start()
    eventually(lambda: run_in(container, "healthcheck")[0] == 0, 20, lambda: run_in(container, "healthcheck")[1])
    assert "GET /up/ for tiny.example answered 200" in run_in(container, "healthcheck")[1]


def test_it_turns_red_drains_and_ends_with_0(start: Callable[..., Any]) -> None:
    container = start()
    eventually(lambda: run_in(container, "healthcheck")[0] == 0, 20)
    begin = time.monotonic()
    container.kill("SIGTERM")
    eventually(lambda: "red: draining" in run_in(container, "healthcheck")[1], 1)
    assert container.wait(timeout=10)["StatusCode"] == 0
    assert 2.0 <= time.monotonic() - begin < 6.0


def test_a_migration_that_is_process_1_ends_by_sigterm(start: Callable[..., Any]) -> None:
    # Without a handler the kernel keeps signals from process 1; the default database does not answer.
    script = "import time, slipway_runtime.migrate as m; m.migrate = lambda *_: time.sleep(60); m.main()"
    container = start("-c", script, entrypoint=["python"])
    time.sleep(1)
    container.kill("SIGTERM")
    assert container.wait(timeout=5)["StatusCode"] == 143
    assert json.loads(container.logs(stderr=False).splitlines()[-1])["error"] == "ended by SIGTERM"


def test_an_edit_makes_what_a_build_without_memory_makes(whole: Workspace, image: BuiltImage) -> None:
    """Two edits in one checkout; each image is held against `collectstatic` and `compileall` run inside it."""
    api = whole.source / "api"
    held = "cd /app && find . -type f ! -name '*.pyc' -exec sha256sum {} + | sort -k 2; find . -name '*.pyc' | sort"
    anew = (
        "cp -a /app /tmp/before && rm -rf /app/collected && find /app -name __pycache__ -exec rm -r {} + && cd /app && "
    )
    anew += "SECRET_KEY=x python3 manage.py collectstatic --noinput && python3 -m compileall -q . && rm -r media mails"
    layers, manifests = [image.layers], []
    with docker_client() as client:
        for file, text in ((api / "core" / "urls.py", f"{URLS}# edited\n"), (api / "assets" / "app.css", "b {}")):
            file.write_text(text)
            edited = build(whole)
            options: dict[str, Any] = {
                "entrypoint": ["sh", "-ec"],
                "user": "0",
                "remove": True,
                "labels": {"slipway.test": "backend"},
            }
            first, second = (
                client.containers.run(edited.tags[0], [script], **options) for script in (held, f"{anew}\n{held}")
            )
            assert second.decode().endswith(first.decode())
            manifests.append(client.containers.run(edited.tags[0], ["cat /app/collected/staticfiles.json"], **options))
            layers.append(edited.layers)
            client.images.remove(edited.tags[0], force=True)
    assert len(set(layers[1]) - set(layers[0])) == 1  # the edited code, and no static file
    assert manifests[0] != manifests[1]


def test_a_project_that_cannot_collect_its_static_files_has_no_image(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="collectstatic") as caught:
        build(workspace(tmp_path, static_root=None))
    assert "STATIC_ROOT" in str(caught.value)


def test_a_requirement_that_fits_nothing_is_named(tmp_path: Path) -> None:
    tiny = workspace(tmp_path)
    (tmp_path / "api" / "requirements.txt").write_text("django>=5.3,<6\n")
    with pytest.raises(Refused, match=r"(?s)django.*django<5\.3"):
        build(tiny)
    assert not lock_file(tiny).exists()


def test_a_package_that_is_not_the_locks_is_named_and_not_installed(
    tmp_path: Path, whole: Workspace, image: BuiltImage
) -> None:
    """Somebody changed what the index offers under a version that was locked."""
    tiny = workspace(tmp_path)
    text = lock_file(whole).read_text()
    begin = text.index("sqlparse==")
    first = text.index("--hash=sha256:", begin)
    end = text.index("\n    #", begin)
    lock_file(tiny).write_text(f"{text[:first]}--hash=sha256:{'0' * 64}{text[end:]}")
    with pytest.raises(Refused, match=r"(?s)[Hh]ash mismatch for `sqlparse"):
        build(tiny)


def test_a_package_that_the_lock_lacks_is_named_and_not_installed(
    tmp_path: Path, whole: Workspace, image: BuiltImage
) -> None:
    tiny = workspace(tmp_path)
    text = lock_file(whole).read_text()
    begin = text.index("\nsqlparse==")
    lock_file(tiny).write_text(text[:begin] + text[text.index("\n", text.index("# via", begin)) :])
    with pytest.raises(Refused, match="sqlparse"):
        build(tiny)


def test_a_lock_for_another_python_is_refused(tmp_path: Path, whole: Workspace, image: BuiltImage) -> None:
    tiny = workspace(tmp_path)
    lock_file(tiny).write_text(lock_file(whole).read_text().replace("# python: 3.11", "# python: 3.9"))
    with pytest.raises(Refused, match=r"(?s)made for Python 3\.9, this image has 3\.11.*inv build\.lock"):
        build(tiny)


def test_an_index_that_does_not_answer_is_told(tmp_path: Path) -> None:
    tiny = workspace(tmp_path)
    images = BuildKitImages(arguments={"PIP_INDEX_URL": "http://127.0.0.1:9/simple"})
    with pytest.raises(Unreachable, match=r"did not reach where its packages come from"):
        make_lock(images, EngineImageFiles(docker.from_env), tiny, ROOT, lambda _: None, Bases())
    assert not lock_file(tiny).exists()
