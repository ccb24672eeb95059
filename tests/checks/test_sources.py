"""Rules over sources: tiny checkouts in tests/cases/sources, each with exactly what must be found; and the example."""

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from slipway.checks.issue import Issue, Severity
from slipway.checks.sources.rules import RULES, issues
from slipway.checks.sources.stand import OVERLAY
from slipway.config.config import read_config
from slipway.config.workspace import Workspace
from slipway.sources.found import Found
from slipway.sources.scan import scan
from slipway.sources.walk import walk

REPOSITORY = Path(__file__).parents[2]
CASES = sorted((REPOSITORY / "tests" / "cases" / "sources").glob("*.yaml"))
CLOSE: dict[str, Any] = yaml.safe_load((REPOSITORY / "tests" / "cases" / "sources_close.yaml").read_text())
WORKSPACE = {
    "name": "tiny",
    "backend": {"path": "back"},
    "frontend": {"portals": {"app": {"path": "app"}, "shop": {"path": "shop"}}, "packages": ["packages/ui"]},
    "databases": {"db": {"engine": "postgresql", "version": "15"}, "redis": {"engine": "redis", "version": "7"}},
    "services": {
        "api": {"role": "web", "image": "backend", "port": 8000, "subdomain": "api"},
        "worker": {"role": "worker", "image": "backend"},
        "beat": {"role": "beat", "image": "backend"},
        "app": {"role": "static", "image": "app", "port": 8080, "subdomain": "app"},
        "shop": {"role": "static", "image": "shop", "port": 8080, "subdomain": "shop"},
    },
    "probes": {
        "api": {"path": "/"},
        "login": {"path": "/", "body": {}, "table": "t"},
        "task": {"name": "t"},
        "beat": {"table": "t", "column": "c"},
    },
}


@pytest.fixture(scope="module")
def overlay() -> Found:
    """What Slipway's own runtime reads, from its sources."""
    return scan(walk(REPOSITORY, (OVERLAY,)))


def written(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)


def found_in(root: Path, case: dict[str, Any], overlay: Found, monkeypatch: pytest.MonkeyPatch) -> list[Issue]:
    """Lay the case's files out, a checkout in `source` and variables in `env`, and return what is found."""
    source = root / "source"
    source.mkdir()
    monkeypatch.chdir(source)  # places are told from here
    written(source, case.get("files", {}))
    schema = {"environments": {"production": "production", "local": "development"}, "variables": case.get("schema", {})}
    written(
        root / "env", {"schema.yaml": yaml.safe_dump(schema), "base.env": "", "production.env": "", "local.env": ""}
    )
    written(root / "env", case.get("env", {}))
    workspace = Workspace.model_validate({**WORKSPACE, "source": source, "file": source / "workspace.yaml"})
    config, faults = read_config(root, case.get("environment", "production"), workspace, {}, None)
    assert config is not None, faults
    return issues(config, scan(walk(source), "back/core/settings.py"), overlay)


@pytest.mark.parametrize("file", CASES, ids=lambda file: file.stem)
def test_exactly_what_the_case_says_is_found(
    tmp_path: Path, file: Path, overlay: Found, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = yaml.safe_load(file.read_text())
    found = found_in(tmp_path, case, overlay, monkeypatch)
    assert sorted(f"{one.severity} {one.id} {one.where} {one.subject}" for one in found) == sorted(case["expect"])
    text = "\n".join(f"{one.message} -> {one.hint}" for one in found)
    for words in case.get("says", []):
        assert words in text
    for words in case.get("hides", []):
        assert words not in text


@pytest.mark.parametrize("environment", ["local", "rehearsal", "staging", "production"])
def test_nothing_in_the_example_is_found(root: Path, workspace: Workspace, environment: str, overlay: Found) -> None:
    config, _ = read_config(root, environment, workspace, {}, None)
    assert config is not None
    found = scan(walk(workspace.source), "zamio_backend/core/settings.py")
    assert issues(config, found, overlay) == []


def test_an_overlay_that_is_off_makes_what_it_covered_an_error(
    tmp_path: Path, overlay: Found, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = yaml.safe_load((REPOSITORY / "tests/cases/sources/settings.yaml").read_text())
    case["env"]["production.env"] += "SLIPWAY_OVERLAY_OFF=security,database,redis\n"
    case["schema"]["SLIPWAY_OVERLAY_OFF"] = {"type": "list", "services": ["backend"], "description": "what is off"}
    found = found_in(tmp_path, case, overlay, monkeypatch)
    errors = {one.id for one in found if one.severity is Severity.ERROR}
    assert errors == {"sources.hard-coded", "sources.conn-max-age", "sources.one-redis"}


def test_the_overlay_s_own_sources_say_what_it_reads(overlay: Found) -> None:
    names = {use.name for use in overlay.uses if use.reads}
    assert {"DEBUG", "SECRET_KEY", "SESSION_COOKIE_SECURE", "CORS_ALLOWED_ORIGINS", "AWS_SECRET_ACCESS_KEY"} <= names
    assert not [use for use in overlay.uses if use.kind == "unknown"]
    assert overlay.troubles == ()


def test_every_rule_names_its_ids_and_each_has_a_case_and_a_line_in_the_page() -> None:
    ids = {found for rule in RULES for found in re.findall(r"`(sources\.[a-z-]+)`", rule.__doc__ or "")}
    assert len(ids) >= 18
    tried = {line.split()[1] for file in CASES for line in yaml.safe_load(file.read_text())["expect"]}
    assert ids - tried == set()
    page = (REPOSITORY / "docs" / "checks.md").read_text()
    assert [one for one in sorted(ids) if f"| `{one}`" not in page] == []


def test_what_is_right_but_close_to_wrong_is_not_found(
    tmp_path: Path, overlay: Found, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert found_in(tmp_path, CLOSE, overlay, monkeypatch) == []


@pytest.mark.parametrize("change", CLOSE["changes"], ids=lambda change: change["finds"])
def test_and_one_change_makes_it_wrong(
    tmp_path: Path, change: dict[str, Any], overlay: Found, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = CLOSE["files"][change["in"]]
    for old, new in {change["old"]: change["new"], **change.get("also", {})}.items():
        assert old in text
        text = text.replace(old, new)
    case = {**CLOSE, "files": {**CLOSE["files"], change["in"]: text}}
    assert change["finds"] in {one.id for one in found_in(tmp_path, case, overlay, monkeypatch)}


def test_every_rule_over_sources_has_such_a_change() -> None:
    ids = {found for rule in RULES for found in re.findall(r"`(sources\.[a-z-]+)`", rule.__doc__ or "")}
    assert ids - {change["finds"] for change in CLOSE["changes"]} == set()


def test_a_copy_of_the_example_elsewhere_is_told_with_whole_paths(
    tmp_path: Path, root: Path, workspace: Workspace, overlay: Found
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(workspace.source / "zamio_backend", copy / "zamio_backend")
    (copy / "zamio_backend" / "broken.py").write_text("import os\nos.environ[")
    config, _ = read_config(root, "local", workspace.model_copy(update={"source": copy}), {}, None)
    assert config is not None
    found = issues(config, scan(walk(copy), "zamio_backend/core/settings.py"), overlay)
    broken = [one for one in found if one.id == "sources.unparsed"]
    assert [one.where for one in broken] == [f"{copy}/zamio_backend/broken.py:2"]
