"""`inv env.example`, `inv env.schema`: what they write, what they say, and the exit code."""

import json
import shutil
from pathlib import Path

import pytest
from invoke import Context
from invoke.exceptions import Exit

from tasks import env
from tasks._session import ROOT


@pytest.fixture
def checkout(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A copy of what the generated files are made from and of themselves."""
    for folder in ("env", "docs"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    ignored = shutil.ignore_patterns("node_modules", "dist")
    shutil.copytree(ROOT / "example", tmp_path / "example", ignore=ignored)
    monkeypatch.setattr(env, "ROOT", tmp_path)
    return tmp_path


def example(checkout: Path, *, check: bool = False) -> int:
    try:
        env.example(Context(), check=check, source=str(checkout / "example"), format="json")
    except Exit as end:
        return end.code
    return 0


def told(capsys: pytest.CaptureFixture[str]) -> dict[str, bool]:
    found = json.loads(capsys.readouterr().out)
    return {one["file"]: one["changed"] for one in found["files"]}


def test_stale_files_are_told_then_written_then_fine(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert example(checkout, check=True) == 0
    assert set(told(capsys).values()) == {False}
    stale = ("env/staging.env.example", "packages/ui/src/env.d.ts")
    (checkout / stale[0]).write_text("old")
    (checkout / "example" / stale[1]).unlink()
    assert example(checkout, check=True) == 1
    assert [file for file, changed in told(capsys).items() if changed] == [*stale]
    assert (checkout / stale[0]).read_text() == "old"
    assert example(checkout) == 0
    assert [file for file, changed in told(capsys).items() if changed] == [*stale]
    assert (checkout / stale[0]).read_bytes() == (ROOT / stale[0]).read_bytes()
    assert example(checkout, check=True) == 0
    assert not [*checkout.rglob("*.part")]


def test_a_schema_that_contradicts_itself_writes_nothing(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with (checkout / "env" / "schema.yaml").open("a") as file:
        file.write("  NEW: {type: string, services: [web], description: x y, secret: true, default: hunter2}\n")
    assert example(checkout) == 2
    said = capsys.readouterr()
    assert "NEW.default: a secret has no default" in said.err + said.out
    assert "hunter2" not in said.err + said.out
    assert "NEW" not in (checkout / "env" / "local.env.example").read_text()


def test_a_file_that_cannot_be_written_is_named(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (checkout / "env" / "local.env.example").unlink()
    (checkout / "env" / "local.env.example.part").mkdir()
    assert example(checkout) == 2
    said = capsys.readouterr()
    assert "env/local.env.example: cannot be written" in said.err + said.out


def test_a_folder_in_a_files_place_is_stale_and_cannot_be_written(
    checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (checkout / "env" / "local.env.example").unlink()
    (checkout / "env" / "local.env.example").mkdir()
    assert example(checkout, check=True) == 1
    assert example(checkout) == 2
    assert "env/local.env.example: cannot be written" in capsys.readouterr().err
    assert not [*checkout.rglob("*.part")]


def test_a_models_json_schema_is_one_document(capsys: pytest.CaptureFixture[str]) -> None:
    env.schema(Context(), model="EnvironmentConfig", format="json")
    assert json.loads(capsys.readouterr().out)["title"] == "EnvironmentConfig"
    env.schema(Context(), format="json")
    assert "workspace" in json.loads(capsys.readouterr().out)["models"]
    env.schema(Context(), model="DatabaseConfig")
    assert "Password of that role" in capsys.readouterr().out


def test_a_model_that_is_none_is_wrong_use(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(Exit) as end:
        env.schema(Context(), model="DatabaseConfg", format="json")
    assert end.value.code == 2
    assert "did you mean DatabaseConfig?" in capsys.readouterr().err
