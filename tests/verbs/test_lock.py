"""The lock with an engine in memory: made where there is none, refused where it does not fit, never half-written."""

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from slipway.config.workspace import Workspace
from slipway.config.workspace_file import load_workspace
from slipway.errors import Refused, SlipwayError, Unreachable, UsageError
from slipway.plans.build_backend import LOCK_FOLDER, LOCK_NAME
from slipway.plans.build_common import Bases
from slipway.ports import BuildEvent, BuiltImage, ImageBuild
from slipway.release.lock import lock_file
from slipway.testing import FakeImageFiles, FakeImages
from slipway.verbs.lock import ensure_lock, kept_lock, make_lock, wanted_lock

ROOT = Path(__file__).parents[2]
RESOLVED = b"# python: 3.11\ndjango==5.1.4 \\\n    --hash=sha256:aa\n    # via pytest-django\n"


class Resolver:
    """An engine whose resolver answers RESOLVED; `built` are the builds that it was asked for, `said` what was told."""

    def __init__(self, answer: bytes = RESOLVED) -> None:
        self.files = Answered(answer)
        self.images = Recording()
        self.said: list[str] = []

    def ensures(self, workspace: Workspace) -> None:
        ensure_lock(self.images, self.files, workspace, ROOT, self.said.append, Bases)


class Answered(FakeImageFiles):
    """Every image holds the resolver's answer."""

    def __init__(self, answer: bytes) -> None:
        super().__init__()
        self.answer = answer

    def read(self, image: str, folder: str) -> Mapping[str, bytes]:
        assert folder == LOCK_FOLDER
        if not self.answer:
            return super().read(image, folder)
        return {LOCK_NAME: self.answer}


class Recording(FakeImages):
    def __init__(self) -> None:
        super().__init__()
        self.asked: list[ImageBuild] = []

    def build(self, build: ImageBuild, tell: Callable[[BuildEvent], None]) -> BuiltImage:
        self.asked.append(build)
        return super().build(build, tell)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """The example without its lock."""
    ignored = shutil.ignore_patterns("node_modules", "backend.lock")
    return Path(shutil.copytree(ROOT / "example", tmp_path / "source", ignore=ignored))


def changed(source: Path, old: str, new: str) -> Workspace:
    file = source / "workspace.yaml"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))
    return load_workspace(file, source)


def test_without_a_lock_one_is_made_kept_and_told(source: Path) -> None:
    resolver, workspace = Resolver(), load_workspace(source / "workspace.yaml", source)
    resolver.ensures(workspace)
    kept = kept_lock(workspace)
    assert kept is not None
    assert kept.pins == {"django": "5.1.4"}
    assert kept.made_from == wanted_lock(workspace, ROOT).digest
    assert "kept 1 packages" in resolver.said[-1]
    assert "commit it" in resolver.said[-1]
    assert len(resolver.files.discarded) == 1
    resolver.ensures(workspace)
    assert len(resolver.images.asked) == 1


def test_what_is_resolved_is_the_project_and_the_overlay_under_the_constraints(source: Path) -> None:
    requirements = source / "zamio_backend" / "requirements.txt"
    requirements.write_text("pytest>=8\nDjango>=5\n-c limits.txt\n")
    (requirements.parent / "limits.txt").write_text("redis<7\n")
    workspace = changed(source, "constraints: []", 'constraints: ["kombu<5.6"]\n  development: ["PyTest*"]')
    resolver = Resolver()
    resolver.ensures(workspace)
    (build,) = resolver.images.asked
    assert build.target == "lock"
    lines = build.arguments["REQUIREMENTS"].splitlines()
    assert lines[0] == "Django>=5"
    assert any(line.startswith("uvicorn") for line in lines)
    assert not any(line.startswith("pytest") for line in lines)
    assert build.arguments["CONSTRAINTS"] == "redis<7\nkombu<5.6"


def test_every_resolution_is_a_new_one(source: Path) -> None:
    resolver, workspace = Resolver(), load_workspace(source / "workspace.yaml", source)
    for _ in range(2):
        make_lock(resolver.images, resolver.files, workspace, ROOT, resolver.said.append, Bases())
    moments = {build.arguments["ASKED_AT"] for build in resolver.images.asked}
    assert len(moments) == 2


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("Django>=5.1.7,<5.2", "Django>=5.1.7,<5.2\nrequests>=2", "requests is asked for and not in the lock"),
        ("Django>=5.1.7,<5.2", "Django>=5.2", "Django>=5.2 is asked for, the lock has 5.1."),
        ("Django>=5.1.7,<5.2", "Django>=5.1,<5.2", "requirements, constraints or backend.development have changed"),
    ],
)
def test_a_lock_that_does_not_fit_any_more_is_refused_with_the_way_out(
    source: Path, old: str, new: str, words: str
) -> None:
    resolver, workspace = Resolver(), load_workspace(source / "workspace.yaml", source)
    shutil.copy(ROOT / "example" / "backend.lock", source)
    resolver.ensures(workspace)
    requirements = source / "zamio_backend" / "requirements.txt"
    requirements.write_text(requirements.read_text().replace(old, new))
    with pytest.raises(UsageError, match="does not fit the requirements any more") as caught:
        resolver.ensures(workspace)
    assert f"inv build.lock --source {source}" in caught.value.hint
    (detail,) = caught.value.details
    assert detail.startswith(words)
    assert resolver.images.asked == []


def test_a_comment_changes_nothing(source: Path) -> None:
    resolver, workspace = Resolver(), load_workspace(source / "workspace.yaml", source)
    resolver.ensures(workspace)
    requirements = source / "zamio_backend" / "requirements.txt"
    requirements.write_text(f"# new\n{requirements.read_text()}\n\n")
    resolver.ensures(workspace)


def test_a_development_name_that_no_requirement_has_is_an_error_with_its_line(source: Path) -> None:
    workspace = changed(source, "constraints: []", "constraints: []\n  development: [daphne, djnago, zzz-*]")
    with pytest.raises(UsageError) as caught:
        wanted_lock(workspace, ROOT)
    said = str(caught.value)
    line = next(n for n, text in enumerate(workspace.file.read_text().splitlines(), 1) if "development:" in text)
    assert f"workspace.yaml:{line}: backend.development: no requirement is called djnago" in said
    assert "did you mean django?" in said
    assert "zzz-*" in said
    assert "called daphne" not in said


def test_a_development_package_that_another_needs_stays_and_is_told(source: Path) -> None:
    workspace = changed(source, "constraints: []", "constraints: []\n  development: [django]")
    resolver = Resolver()
    made = make_lock(resolver.images, resolver.files, workspace, ROOT, resolver.said.append, Bases())
    assert made.notes == ("django stays although it is named under backend.development: pytest-django needs it",)


def test_a_constraint_that_is_none_is_an_error_with_its_line(source: Path) -> None:
    workspace = changed(source, "constraints: []", 'constraints: ["kombu", "redis <>= 5"]')
    with pytest.raises(UsageError, match=r"workspace\.yaml:\d+: backend\.constraints: redis <>= 5 is no requirement"):
        wanted_lock(workspace, ROOT)


def test_requirements_without_end_are_refused(source: Path) -> None:
    requirements = source / "zamio_backend" / "requirements.txt"
    requirements.write_text("".join(f"package-{number}>=1.0,<2.0\n" for number in range(9000)))
    with pytest.raises(UsageError, match="bytes of requirements"):
        wanted_lock(load_workspace(source / "workspace.yaml", source), ROOT)


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ("error: Failed to fetch: `https://index.example.org/simple/django/`", Unreachable),
        ("NewConnectionError('Failed to establish a new connection: [Errno 111] Connection refused')", Unreachable),
        ("Because django was not found in the package registry", Refused),
    ],
)
def test_an_index_that_does_not_answer_is_no_contradiction(source: Path, line: str, error: type[SlipwayError]) -> None:
    resolver, workspace = Resolver(), load_workspace(source / "workspace.yaml", source)
    resolver.images.failures["build", "lock"] = Refused("RUN resolve ended with exit code 1", details=("a", line))
    with pytest.raises(error) as caught:
        resolver.ensures(workspace)
    assert line in caught.value.details
    assert kept_lock(workspace) is None


@pytest.mark.parametrize("answer", [b"", b"# python: 3.11\n"])
def test_a_resolver_that_answers_nothing_leaves_the_lock_as_it_was(source: Path, answer: bytes) -> None:
    workspace = load_workspace(source / "workspace.yaml", source)
    Resolver().ensures(workspace)
    before = lock_file(workspace).read_text()
    silent = Resolver(answer)
    with pytest.raises(Refused):
        make_lock(silent.images, silent.files, workspace, ROOT, silent.said.append, Bases())
    assert lock_file(workspace).read_text() == before
    assert len(silent.files.discarded) == 1


def test_a_lock_that_cannot_be_written_says_where(source: Path) -> None:
    workspace = changed(source, "constraints: []", "constraints: []\n  lock: absent/backend.lock")
    with pytest.raises(UsageError, match=r"absent/backend\.lock: the lock cannot be written") as caught:
        Resolver().ensures(workspace)
    assert "backend.lock" in caught.value.hint


def test_the_locks_in_git_fit() -> None:
    workspace = load_workspace(ROOT / "example" / "workspace.yaml", ROOT / "example")
    resolver = Resolver()
    resolver.ensures(workspace)
    assert resolver.images.asked == []
