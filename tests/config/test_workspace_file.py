import shutil
from pathlib import Path

import pytest

from slipway.config.workspace_file import load_workspace
from slipway.errors import UsageError

EXAMPLE = Path(__file__).parents[2] / "example"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """The skeleton of a checkout: every file that the workspace file names, empty."""
    for file in (
        "workspace.yaml",
        "package.json",
        "package-lock.json",
        "tsconfig.base.json",
        "zamio_backend/manage.py",
        "zamio_backend/requirements.txt",
        "packages/ui/package.json",
        "packages/ui/src/index.ts",
        *(f"zamio_{portal}/package.json" for portal in ("frontend", "admin", "publisher", "stations")),
    ):
        (tmp_path / "src" / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "src" / file).touch()
    shutil.copy(EXAMPLE / "workspace.yaml", tmp_path / "src")
    return tmp_path / "src"


def complaint(source: Path, old: str = "", new: str = "") -> str:
    file = source / "workspace.yaml"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))
    with pytest.raises(UsageError) as caught:
        load_workspace(file, source)
    assert caught.value.exit_code == 2
    return str(caught.value)


def line_of(source: Path, text: str) -> int:
    return next(n for n, line in enumerate((source / "workspace.yaml").read_text().splitlines(), 1) if text in line)


def test_a_whole_checkout_is_taken(source: Path) -> None:
    workspace = load_workspace(source / "workspace.yaml", source)
    assert workspace.source == source
    assert workspace.image_names == ("backend", "frontend", "admin", "publisher", "stations")


@pytest.mark.parametrize(
    "lost",
    [
        "zamio_backend/manage.py",
        "zamio_backend/requirements.txt",
        "package.json",
        "package-lock.json",
        "packages/ui",
        "tsconfig.base.json",
        "zamio_admin",
        "zamio_admin/package.json",
    ],
)
def test_what_the_checkout_lacks_is_named(source: Path, lost: str) -> None:
    there = source / lost
    if there.is_dir():
        shutil.rmtree(there)
    else:
        there.unlink()
    assert f" {lost}" in complaint(source)


def test_a_missing_source_folder_is_one_message(source: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"does not exist\n  -> give the checkout's root with --source PATH"):
        load_workspace(source / "workspace.yaml", tmp_path / "nowhere")


def test_a_missing_workspace_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"workspace\.yaml: there is no such file"):
        load_workspace(tmp_path / "workspace.yaml", tmp_path)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("image: admin,", "image: admi,", "services.admin.image: no image 'admi'"),
        ("role: beat, image: backend", "role: beat, image: admin", "role beat needs the image backend"),
        ("role: static, image: admin", "role: static, image: backend", "needs a portal's image"),
        ("subdomain: stations", "subdomain: admin", "more than one has the subdomain admin"),
        ("port: 8000", "port: 80000", "services.api.port"),
        ("role: web", "role: wbe", "services.api.role"),
        ("path: zamio_backend", "path: ../zamio_backend", "must stay inside the workspace"),
        ("version: \"15\"", "version: 15", "must be text\n  -> write it in quotes"),
        ("  celery: core", "  celry: core", "backend.celry: is not a key known here"),
        ("name: zamio", "name: zamio\nfile: x", "file: is not a key known here"),
    ],
)  # fmt: skip
def test_a_contradiction_is_named_with_its_line(source: Path, old: str, new: str, words: str) -> None:
    message = complaint(source, old, new)
    assert words in message
    line = "services:" if "more than one" in words else new.splitlines()[-1]
    assert f"workspace.yaml:{line_of(source, line)}: " in message


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("  path: zamio_backend", "  path: zamio_backend\n  dockerfile: own", "backend.dockerfile: is not a key known"),
        ("{path: zamio_admin}", "{path: zamio_admin, dockerfile: own}", "frontend.portals.admin.dockerfile: is not"),
        ("{role: web, image: backend,", "{role: web, build: ./api,", "services.api.build: is not a key known here"),
    ],
)
def test_a_dockerfile_of_ones_own_is_refused_with_what_to_do_instead(
    source: Path, old: str, new: str, words: str
) -> None:
    message = complaint(source, old, new)
    assert words in message
    assert "images are made by Slipway's own Dockerfiles alone (docs/builds.md)" in message


def test_an_image_made_elsewhere_is_refused_with_what_can_be_named(source: Path) -> None:
    message = complaint(source, "image: backend, port", "image: registry.example.org/api:1, port")
    assert "services.api.image: " in message
    assert "an image that was made elsewhere cannot be deployed" in message


def test_a_database_and_a_service_may_not_share_a_name(source: Path) -> None:
    line = line_of(source, "  worker:")
    message = complaint(source, "  redis: {engine", "  worker: {engine")
    assert f"workspace.yaml:{line}: services.worker: a database has this name too" in message


def test_all_faults_come_at_once(source: Path) -> None:
    file = source / "workspace.yaml"
    file.write_text(file.read_text().replace("port: 8000", "port: no").replace("celery: core", "celry: core"))
    message = complaint(source)
    assert "has 2 problems" in message
    assert "services.api.port" in message
    assert "backend.celry" in message


def test_a_link_out_of_the_checkout_is_refused(source: Path, tmp_path: Path) -> None:
    shutil.move(source / "zamio_admin", tmp_path / "elsewhere")
    (source / "zamio_admin").symlink_to(tmp_path / "elsewhere")
    assert "leads out of the source" in complaint(source)


def test_one_missing_file_is_said_once(source: Path) -> None:
    (source / "tsconfig.base.json").unlink()
    assert complaint(source).count("tsconfig.base.json") == 1
