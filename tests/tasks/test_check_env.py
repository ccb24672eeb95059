"""`inv check.env` as a person or a program calls it: forms, strictness, exit codes."""

import json

import pytest
from invoke import Context
from invoke.exceptions import Exit

from tasks import _check_env, _session, check


def run(capsys: pytest.CaptureFixture[str], **options: object) -> tuple[int, str]:
    code = 0
    try:
        check.env(Context(), **options)
    except Exit as ended:
        code = ended.code
    return code, capsys.readouterr().out


@pytest.fixture
def local(root: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """The project's own local environment with its one secret, and a mail backend that is only a warning's worth."""
    from pathlib import Path

    assert isinstance(root, Path)
    secrets = root / "env" / "local.secrets.env"
    secrets.write_text("SECRET_KEY=" + "Xy7-" * 3 + "q" * 45 + "\n")
    secrets.chmod(0o600)
    (root / "env" / "local.admin.env").write_text("SECRET_KEY=\nDEBUG=true\n")
    (root / "docs").mkdir()
    page = Path(__file__).parents[2] / "docs" / "checks.md"
    (root / "docs" / "checks.md").write_text(page.read_text())
    monkeypatch.setattr(_check_env, "ROOT", root)


@pytest.mark.usefixtures("local")
def test_a_warning_is_a_yes_and_with_strict_a_no(capsys: pytest.CaptureFixture[str]) -> None:
    code, out = run(capsys, env="local")
    assert code == 0, out
    assert "env.misplaced" in out
    assert "0 errors, 2 warnings, 0 info; " in out
    assert "variables of 7 services in " in out
    assert run(capsys, env="local", strict=True)[0] == 1
    code, out = run(capsys, env="local", strict=True, format="json")
    assert code == 1
    assert json.loads(out)["ok"] is False


@pytest.mark.usefixtures("local")
def test_each_form_is_what_its_reader_expects(capsys: pytest.CaptureFixture[str]) -> None:
    lines = run(capsys, env="local", format="github")[1].splitlines()
    assert [line.partition(" ")[0] for line in lines] == ["::warning", "::warning"]
    log = json.loads(run(capsys, env="local", format="sarif")[1])
    assert [result["ruleId"] for result in log["runs"][0]["results"]] == ["env.misplaced", "env.misplaced"]


def test_what_cannot_be_looked_at_is_no_clean_run_in_any_form(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, env="nope") == (2, "")
    code, out = run(capsys, env="nope", format="github")
    assert (code, out.partition(" ")[0]) == (2, "::error")
    code, out = run(capsys, env="nope", format="sarif")
    assert code == 2
    assert json.loads(out)["runs"][0]["invocations"][0]["executionSuccessful"] is False
    code, out = run(capsys, env="nope", format="json")
    assert (code, json.loads(out)["error"]["exit_code"]) == (2, 2)


def test_a_form_that_does_not_exist_is_wrong_use(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, format="xml")[0] == 2
    with pytest.raises(Exit), _session.session(format="sarif"):
        pass  # other tasks do not have it
