"""The keys `vulnerabilities` of a workspace file, as a person writes them."""

import shutil
from pathlib import Path

import pytest

from slipway.config.policy import FailFrom
from slipway.config.workspace_file import load_workspace
from slipway.errors import UsageError

EXAMPLE = Path(__file__).parents[2] / "example"
ENTRY = "    - {id: CVE-2026-1, package: django, until: 2027-01-31, reason: not reachable here}"


def load(tmp_path: Path, *lines: str) -> object:
    file = tmp_path / "workspace.yaml"
    shutil.copy(EXAMPLE / "workspace.yaml", file)
    with file.open("a") as opened:
        opened.write("\nvulnerabilities:\n" + "\n".join(lines) + "\n")
    return load_workspace(file, EXAMPLE).vulnerabilities


def test_a_policy_is_read_and_without_one_high_fails(tmp_path: Path) -> None:
    policy = load_workspace(EXAMPLE / "workspace.yaml", EXAMPLE).vulnerabilities
    assert (policy.fail_from, policy.ignore) == (FailFrom.HIGH, ())
    loaded = load(tmp_path, "  fail_from: low", "  ignore:", ENTRY)
    assert repr(loaded).startswith("Vulnerabilities(fail_from=<FailFrom.LOW: 'low'>, ignore=(Ignored(id='CVE-2026-1'")


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        (["  fail_from: hihg"], "did you mean high?"),
        (["  fail_from: 7"], "must be one of low, medium, high, critical"),
        (["  fail_form: high"], "did you mean fail_from?"),
        (["  ignore:", ENTRY.replace("until", "untill")], "did you mean until?"),
        (["  ignore:", ENTRY.replace("2027-01-31", "2027-02-30")], "until"),
        (["  ignore:", ENTRY.replace("2027-01-31", "never")], "until"),
        (["  ignore:", ENTRY.replace(", reason: not reachable here", "")], "reason: is missing"),
        (["  ignore:", ENTRY.replace("not reachable here", "later")], "must say why in a few words"),
        (["  ignore:", ENTRY.replace("CVE-2026-1", "'*'")], "id"),
    ],
)
def test_a_mistake_is_told_with_its_line(tmp_path: Path, lines: list[str], says: str) -> None:
    with pytest.raises(UsageError) as refused:
        load(tmp_path, *lines)
    assert says in str(refused.value)
    assert "workspace.yaml:" in str(refused.value)
