"""What is built for a workspace, and that the Dockerfiles and the plan speak of the same things."""

import re
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from slipway.config.health import HealthContract
from slipway.config.kinds import Kind
from slipway.config.schema import Constraints, Variable
from slipway.config.workspace import Configured, Loads, Workspace
from slipway.config.workspace_file import load_workspace
from slipway.engines.images.context import context_entries
from slipway.errors import UsageError
from slipway.plans.build import image_builds
from slipway.plans.build_backend import lock_build
from slipway.plans.build_common import Bases, bases_of
from slipway.plans.build_portals import BUILT_WITH, CONFIGURED, built_with
from slipway.ports import ImageBuild
from slipway.release.bases import RECIPES
from slipway.release.image import Version

ROOT = Path(__file__).parents[2]
EXAMPLE = load_workspace(ROOT / "example" / "workspace.yaml", ROOT / "example")
CREATED = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
LOCK = lock_build(EXAMPLE, ROOT, Bases(), ("django", "celery<6"), ("kombu<5.6", "redis<6"), CREATED)
PORTALS = ("frontend", "admin", "publisher", "stations")


def builds(workspace: Workspace = EXAMPLE, registry: str = "", **arguments: dict[str, str]) -> dict[str, ImageBuild]:
    found = image_builds(workspace, Version("1.2.0", "0123456789ab"), CREATED, Bases(), arguments, registry, ROOT)
    return {build.name: build for build in found}


def changed(**keys: Any) -> Workspace:
    """Return the example with keys of `backend` or `frontend` changed: `changed(backend={"apt": ("ffmpeg",)})`."""
    parts = {name: getattr(EXAMPLE, name).model_copy(update=values) for name, values in keys.items()}
    return EXAMPLE.model_copy(update=parts)


def files(build: ImageBuild) -> set[str]:
    return {entry.name for entry in context_entries(build.context) if entry.kind == "file"}


def test_a_workspace_is_one_backend_and_one_image_a_portal() -> None:
    assert tuple(builds()) == ("backend", *PORTALS)


def test_tags_and_labels_name_version_and_revision() -> None:
    build = builds(registry="127.0.0.1:5000")["admin"]
    assert build.tags == ("127.0.0.1:5000/zamio/admin:1.2.0-0123456789ab",)
    assert build.labels["org.opencontainers.image.revision"] == "0123456789ab"
    assert build.labels["org.opencontainers.image.created"] == "2026-01-02T03:04:05+00:00"
    assert build.labels["slipway.image"] == "admin"
    assert builds()["admin"].tags == ("zamio/admin:1.2.0-0123456789ab",)


def test_the_backend_context_holds_code_requirements_and_overlay_and_nothing_that_running_it_made() -> None:
    names = files(builds()["backend"])
    assert {
        "Dockerfile.backend",
        "lock/backend.lock",
        "tools/trim.py",
        "src/manage.py",
        "slipway/pyproject.toml",
    } <= names
    assert {"src/core/settings.py", "slipway/src/slipway_runtime/healthcheck.py"} <= names
    assert not [name for name in names if re.search(r"static_cdn|/media/|sqlite3|__pycache__|\.env|\.git/", name)]


def test_what_the_backend_needs_becomes_arguments() -> None:
    workspace = changed(
        backend={
            "apt": ("ffmpeg", "libpq5"),
            "apt_without": ("libllvm15",),
            "keep": ("a/*", "b"),
            "writable": ("a", "b"),
        }
    )
    arguments = builds(workspace)["backend"].arguments
    assert arguments["APT_PACKAGES"] == "ffmpeg libpq5"
    assert arguments["APT_WITHOUT"] == "libllvm15"
    assert arguments["KEEP"] == "a/* b"
    assert arguments["LOCK"] == "backend.lock"
    assert arguments["WRITABLE"] == "a b"
    assert arguments["HEALTH_PATH"] == "/health/"
    assert arguments["BUILD_PACKAGES"] == ""


def test_ffmpeg_for_sound_is_a_base_image_that_only_who_asks_for_it_needs() -> None:
    asks = changed(backend={"ffmpeg": "sound"})
    assert bases_of(asks) == (*bases_of(EXAMPLE), "ffmpeg") == ("python", "node", "nginx", "ffmpeg")
    assert builds(asks)["backend"].arguments["BASE_PACKAGES"] == Bases().ffmpeg == RECIPES["ffmpeg"].image
    assert builds(EXAMPLE)["backend"].arguments["BASE_PACKAGES"] == Bases().python


def test_the_lock_lies_beside_the_workspace_file_and_is_a_part_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "locks").mkdir()
    (tmp_path / "locks" / "shop.txt").write_text("django==5\n")
    workspace = changed(backend={"lock": "locks/shop.txt"}).model_copy(update={"file": tmp_path / "workspace.yaml"})
    build = builds(workspace)["backend"]
    assert "lock/shop.txt" in files(build)
    assert build.arguments["LOCK"] == "shop.txt"


def test_without_a_lock_nothing_is_built() -> None:
    with pytest.raises(UsageError, match=r"absent\.lock"):
        files(builds(changed(backend={"lock": "absent.lock"}))["backend"])


def test_resolving_reads_no_source_and_makes_no_image_with_a_name() -> None:
    assert LOCK.target == "lock"
    assert LOCK.tags == ()
    assert not [name for name in files(LOCK) if name.startswith(("src/", "slipway/", "lock/"))]
    assert LOCK.arguments["REQUIREMENTS"] == "django\ncelery<6"
    assert LOCK.arguments["CONSTRAINTS"] == "kombu<5.6\nredis<6"


def test_the_install_stage_of_every_portal_reads_the_same_files() -> None:
    manifests = [{name for name in files(build) if name.startswith("manifests/")} for build in builds().values()][1:]
    assert manifests[0] == {
        "manifests/package.json",
        "manifests/package-lock.json",
        "manifests/packages/ui/package.json",
        *(f"manifests/zamio_{name}/package.json" for name in PORTALS),
    }
    assert all(one == manifests[0] for one in manifests)
    installs = {build.arguments["NPM_INSTALL"] for name, build in builds().items() if name != "backend"}
    assert installs == {"ci"}


def test_a_portal_sees_the_shared_packages_and_no_other_portal() -> None:
    names = files(builds()["admin"])
    assert {
        "sources/packages/ui/src/index.ts",
        "sources/tsconfig.base.json",
        "sources/zamio_admin/src/App.tsx",
    } <= names
    assert not [name for name in names if "zamio_stations" in name and not name.startswith("manifests/")]
    assert {"slipway/portal.conf", "slipway/serve", "slipway/configure", "slipway/healthcheck"} <= names


def test_a_portal_configured_at_start_holds_no_environments_value() -> None:
    here, there = (builds(admin={"VITE_API_URL": f"https://{name}.example"})["admin"] for name in ("here", "there"))
    assert here.arguments == there.arguments
    assert here.labels == there.labels
    assert (here.arguments["CONFIGURED"], here.labels[CONFIGURED]) == ("start", "start")
    assert BUILT_WITH not in here.labels


@pytest.mark.parametrize("way", Configured)
def test_what_every_environment_shares_is_built_in_either_way(way: Configured) -> None:
    args = (Version("1.2.0", "0" * 12), CREATED, Bases(), {"admin": {"VITE_API_URL": "https://x.example"}}, "", ROOT)
    found = {
        build.name: build
        for build in image_builds(EXAMPLE.configured(way), *args, built_in={"admin": {"VITE_TITLE": "ours"}})
    }
    assert "VITE_TITLE=ours" in found["admin"].arguments["VITE_ENV"].splitlines()
    assert ("VITE_API_URL=" in found["admin"].arguments["VITE_ENV"]) is (way is Configured.BUILD)
    assert "VITE_TITLE" not in found["stations"].arguments["VITE_ENV"]
    if way is Configured.BUILD:  # the label tells environments apart, so what they share is not in it
        assert found["admin"].labels[BUILT_WITH] == built_with({"VITE_API_URL": "https://x.example"})


def test_an_image_carries_what_its_variables_must_be_like() -> None:
    url = Variable(type=Kind.URL, description="text", services=("static",), required=True)
    mode = Variable(
        type=Kind.ENUM,
        description="text",
        services=("static",),
        required=("production",),
        constraints=Constraints(choices=("dark", "light")),
    )
    declared = {"admin": {"VITE_MODE": mode, "VITE_API_URL": url}}
    found = image_builds(EXAMPLE, Version("1.2.0", "0" * 12), CREATED, Bases(), {}, "", ROOT, declared=declared)
    arguments = {build.name: build.arguments for build in found}
    assert arguments["admin"]["VARIABLES"] == "VITE_API_URL url required\nVITE_MODE enum optional dark|light"
    assert arguments["stations"]["VARIABLES"] == ""


@pytest.mark.parametrize("choice", ["a|b", "a\nVITE_B string optional"])
def test_a_choice_that_a_container_would_misread_is_refused(choice: str) -> None:
    wrong = Variable(
        type=Kind.ENUM, description="text", services=("static",), constraints=Constraints(choices=(choice,))
    )
    with pytest.raises(UsageError, match="VITE_MODE: a portal cannot check the choice"):
        image_builds(
            EXAMPLE,
            Version("1.2.0", "0" * 12),
            CREATED,
            Bases(),
            {},
            "",
            ROOT,
            declared={"admin": {"VITE_MODE": wrong}},
        )


def test_what_pages_may_load_besides_becomes_an_argument() -> None:
    portals = dict(EXAMPLE.frontend.portals)
    csp = {Loads.MEDIA: ("https://a.example",), Loads.IMG: ("https://b.example", "https://*.c.example")}
    portals["admin"] = portals["admin"].model_copy(update={"csp": csp})
    found = builds(changed(frontend={"portals": portals}))
    assert found["admin"].arguments["CSP"] == "img https://b.example https://*.c.example\nmedia https://a.example"
    assert found["stations"].arguments["CSP"] == ""


def test_a_portal_is_built_with_its_own_variables_only() -> None:
    workspace = EXAMPLE.configured(Configured.BUILD)
    given = {"admin": {"VITE_API_URL": "https://api.example", "VITE_A": "x=y z"}, "stations": {"VITE_API_URL": "other"}}
    found = builds(workspace, "", **given)
    assert {build.labels[CONFIGURED] for name, build in found.items() if name != "backend"} == {"build"}
    assert found["admin"].labels[BUILT_WITH] != found["stations"].labels[BUILT_WITH]
    assert found["admin"].arguments["VITE_ENV"] == "VITE_A=x=y z\nVITE_API_URL=https://api.example"
    assert found["stations"].arguments["VITE_ENV"] == "VITE_API_URL=other"
    assert found["frontend"].arguments["VITE_ENV"] == ""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"nobody": {"VITE_A": "1"}}, "no image 'nobody'"),
        ({"backend": {"SECRET_KEY": "x"}}, "SECRET_KEY: the backend is built without variables"),
        ({"admin": {"API_KEY": "x"}}, "API_KEY of image admin"),
        ({"admin": {"VITE_A B": "x"}}, "VITE_A B"),
        ({"admin": {"VITE_A": "1\nPATH=/evil"}}, "line break"),
    ],
)
def test_a_variable_that_cannot_be_built_in_is_refused_and_its_value_not_told(
    arguments: dict[str, dict[str, str]], message: str
) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        builds(EXAMPLE, "", **arguments)
    assert "evil" not in str(caught.value)
    assert "workspace.yaml" in str(caught.value)


@pytest.mark.parametrize("image", ["backend", "admin"])
def test_the_dockerfile_takes_every_argument_and_has_the_stage_and_the_files(image: str) -> None:
    build = builds()[image]
    text = (ROOT / build.dockerfile).read_text()
    of_the_machine = {"PIP_INDEX_URL"}
    resolving = set(LOCK.arguments) if image == "backend" else set()
    assert set(build.arguments) | resolving == set(re.findall(r"^ARG (\w+)", text, re.MULTILINE)) - of_the_machine
    assert f" AS {build.target}\n" in text
    names = files(build)
    folders = {str(parent) for name in names for parent in Path(name).parents}
    for sources in re.findall(r"^COPY (?!--from)(?:--\S+ )*(.+) \S+$", text, re.MULTILINE):
        for source in sources.split():
            assert source.rstrip("/") in names | folders, source


@pytest.mark.parametrize("dockerfile", ["Dockerfile.backend", "Dockerfile.frontend"])
def test_the_image_checks_itself_as_the_health_contract_says(dockerfile: str) -> None:
    contract = HealthContract()
    wanted = {"interval", "timeout", "start-period", "retries"}
    line = next(line for line in (ROOT / dockerfile).read_text().splitlines() if line.startswith("HEALTHCHECK "))
    options = dict(re.findall(r"--([\w-]+)=(\d+)s?", line))
    assert set(options) == wanted
    assert {name.name for name in fields(contract)} >= {name.replace("-", "_") for name in wanted}
    assert options == {name: str(getattr(contract, name.replace("-", "_"))) for name in wanted}


def test_the_overlay_keeps_the_contracts_times() -> None:
    from slipway_runtime.options import read

    options, contract = read([], {}), HealthContract()
    assert (options.drain, options.grace) == (contract.drain, contract.grace)
    assert f"SLIPWAY_DRAIN_SECONDS:-{contract.drain}}}" in (ROOT / "images" / "portal" / "serve").read_text()
