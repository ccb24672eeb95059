"""Every rule has cases in tests/cases/environment: what to spoil in a clean environment, and what must be found."""

import base64
import json
import re
import subprocess
import urllib.parse
from pathlib import Path
from typing import Any

import pytest
import yaml

from slipway.checks.environment import RULES, check_environment
from slipway.checks.issue import Issue, Severity
from slipway.config.config import load_config
from slipway.config.generated import generate_secrets
from slipway.config.layers import Placed
from slipway.config.workspace import Workspace
from slipway.errors import UsageError
from slipway.secret import Secret

REPOSITORY = Path(__file__).parents[2]
CASES = sorted((REPOSITORY / "tests" / "cases" / "environment").glob("*.yaml"))
ENVIRONMENTS = ("local", "rehearsal", "staging", "production")
# What a person would put into the file of secrets beside what can be generated.
BY_HAND = {
    "EMAIL_HOST_PASSWORD": "Mt4-kQ9_vZr2wXp7",
    "SLIPWAY_COOLIFY_TOKEN": "3|hT5-nB8_yLd1sKe6GfWq0cJm",
}


def fill(root: Path, environment: str, workspace: Workspace) -> dict[str, Secret]:
    """Give the environment every secret that it needs; return them."""
    schema = load_config(root, environment, workspace).schema
    by_hand = {name: Secret(value) for name, value in BY_HAND.items() if name in schema.variables}
    secrets = {**generate_secrets(schema, by_hand), **by_hand}
    lines = [f"{name}={value.reveal()}\n" for name, value in secrets.items()]
    file = root / "env" / f"{environment}.secrets.env"
    file.write_text("".join(lines))
    file.chmod(0o600)
    return secrets


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_each_environment_is_clean_once_its_secrets_are_there(
    root: Path, workspace: Workspace, environment: str
) -> None:
    fill(root, environment, workspace)
    assert check_environment(root, environment, workspace) == []


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_without_secrets_only_they_are_missing_and_each_has_a_way_out(
    root: Path, workspace: Workspace, environment: str
) -> None:
    issues = check_environment(root, environment, workspace)
    assert {issue.id for issue in issues} <= {"env.missing", "env.probe"}
    assert {"SECRET_KEY"} <= {issue.subject for issue in issues}
    assert all("secrets.env" in issue.hint or "inv rehearse" in issue.hint for issue in issues)


def test_a_standing_ground_is_not_the_environment_of_this_process(root: Path, workspace: Workspace) -> None:
    fill(root, "rehearsal", workspace)
    text = "zamio.localhost"
    of_process, of_ground = (
        check_environment(root, "rehearsal", workspace, {"SLIPWAY_DOMAIN": value})
        for value in (text, Placed(text, ".slipway/rehearsal/ground.json"))
    )
    assert [issue.id for issue in of_process] == ["env.given"]
    assert of_ground == []


def spoil(root: Path, case: dict[str, Any]) -> dict[str, int]:
    """Append and write what the case says; return the number of lines that each file had before."""
    before = {}
    for name, text in case.get("append", {}).items():
        file = root / "env" / name
        old = file.read_text() if file.exists() else ""
        before[f"env/{name}"] = old.count("\n")
        file.write_text(old + text)
    for name, text in case.get("write", {}).items():
        (root / "env" / name).write_text(text)
    for name, change in case.get("replace", {}).items():
        file = root / "env" / name
        text = file.read_text()
        for old, new in change.items():
            assert old in text, f"{name} has no {old}"
            text = text.replace(old, new)
        file.write_text(text)
    return before


def place(issue: Issue, before: dict[str, int]) -> str:
    """Say where an issue is with appended lines counted from the first appended one: `env/x.env:+1`."""
    file, _, line = issue.where.partition(":")
    if file in before and line.isdigit() and int(line) > before[file]:
        return f"{issue.id} {file}:+{int(line) - before[file]}"
    return f"{issue.id} {file}" if file.endswith("schema.yaml") else f"{issue.id} {issue.where}"


@pytest.mark.parametrize("file", CASES, ids=lambda file: file.stem)
def test_a_mistake_is_found_where_it_is_and_nothing_else(root: Path, workspace: Workspace, file: Path) -> None:
    case = yaml.safe_load(file.read_text())
    environment = case.get("environment", "production")
    fill(root, environment, workspace)
    before = spoil(root, case)
    issues = check_environment(root, environment, workspace, case.get("process", {}))
    assert sorted(place(issue, before) for issue in issues) == sorted(case["expect"])
    assert all(issue.message and issue.subject for issue in issues)
    for words in case.get("says", []):
        assert words in "\n".join(f"{issue.message} -> {issue.hint}" for issue in issues)


def ids_of_rules() -> set[str]:
    return {found for rule in RULES for found in re.findall(r"`([a-z]+\.[a-z-]+)`", rule.__doc__ or "")}


def test_every_rule_names_its_ids_and_every_id_has_a_case_and_a_line_in_the_docs() -> None:
    assert all("`" in (rule.__doc__ or "") for rule in RULES)
    cases = {line.split()[0] for file in CASES for line in yaml.safe_load(file.read_text())["expect"]}
    assert ids_of_rules() - cases == {"secret.tracked"}  # its case needs a repository, below
    documented = set(re.findall(r"^\| `([a-z.-]+)`", (REPOSITORY / "docs" / "checks.md").read_text(), re.MULTILINE))
    assert (ids_of_rules() | cases) - documented == set()


def test_every_rule_over_secrets_has_a_case_that_is_right_but_close_to_wrong() -> None:
    close = {kind for file in CASES for kind in yaml.safe_load(file.read_text()).get("close_to", [])}
    rules = [rule for rule in RULES if rule.__module__.rpartition(".")[2] in {"secrets", "strength", "exposed"}]
    ids = {found for rule in rules for found in re.findall(r"`([a-z]+\.[a-z-]+)`", rule.__doc__ or "")}
    assert len(ids) >= 9
    assert ids | {"env.placeholder"} <= close | {"secret.tracked"}  # its case needs a repository, below
    for file in CASES:
        case = yaml.safe_load(file.read_text())
        assert {line.split()[0] for line in case["expect"]}.isdisjoint(
            kind for kind in case.get("close_to", []) if kind != "env.placeholder"
        ), file


def test_a_file_of_secrets_beside_what_git_tracks_is_right(root: Path, workspace: Workspace) -> None:
    fill(root, "production", workspace)
    for words in (["init", "-q"], ["add", "-f", "env/production.env", "env/base.env"]):
        subprocess.run(["git", *words], cwd=root, check=True, capture_output=True)
    assert check_environment(root, "production", workspace) == []


def test_a_file_of_secrets_that_git_tracks_is_an_error(root: Path, workspace: Workspace) -> None:
    fill(root, "production", workspace)
    for words in (["init", "-q"], ["add", "-f", "env/production.secrets.env"]):
        subprocess.run(["git", *words], cwd=root, check=True, capture_output=True)
    found = check_environment(root, "production", workspace)
    assert [(issue.id, issue.where) for issue in found] == [("secret.tracked", "env/production.secrets.env")]


def test_a_broken_schema_is_told_with_its_line_and_the_rest_waits(root: Path, workspace: Workspace) -> None:
    (root / "env" / "schema.yaml").write_text("environments: {}\nvariables:\n  A: {type: nothing}\n")
    found = check_environment(root, "production", workspace)
    assert {issue.where for issue in found} == {"env/schema.yaml:3"}
    assert all(issue.severity is Severity.ERROR for issue in found)


@pytest.mark.parametrize("name", ["productoin", "../env", "base"])
def test_an_environment_that_does_not_exist_is_wrong_use(root: Path, workspace: Workspace, name: str) -> None:
    with pytest.raises(UsageError):
        check_environment(root, name, workspace)


def forms(secret: str) -> set[str]:
    raw = secret.encode()
    encoded = base64.b64encode(raw).decode()
    return {
        secret,
        encoded.rstrip("="),
        encoded[: len(encoded) // 4 * 4 - 4],
        base64.urlsafe_b64encode(raw).decode().rstrip("="),
        urllib.parse.quote(secret, safe=""),
        raw.hex(),
        json.dumps(secret)[1:-1],
        secret[::-1],
    }


CANARY = "Ky7'\"$Qz-canary/8W!?é"
PLAIN = "KY7QZCANARY8WXUVT3"


@pytest.mark.parametrize(
    "text",
    [
        f"SECRET_KEY={CANARY}\n",
        f"SECRET_KEY={PLAIN}\nEMAIL_HOST_PASSWORD={PLAIN}\nEMAIL_HOST_USER={PLAIN}\nVITE_API_URL=https://{PLAIN}\n",
        f"SECRET_KEY='{CANARY}\nDEBUG=false\n",
        f"SECRET_KEY=${{{PLAIN}}}\nDATABASE_URL=${{service.{PLAIN}\n",
        f"REDIS_URL=redis://u:{CANARY}@h:x\nDATABASE_URL=postgresql://u:{PLAIN}@h\n",
        f"{PLAIN}\n{PLAIN}=\n{PLAIN}==\n{PLAIN}={PLAIN}\n{PLAIN}={PLAIN}\n",
        f"SECRET_KEYS={CANARY}\nVITE_SECRET_TOKEN={PLAIN}\n",
        f"SECRET_KEY=\"-----BEGIN\n{PLAIN}\n{CANARY}\n",
        f"SECRET_KEY=-----BEGIN\n{PLAIN}=\n  {PLAIN}/a+b==\n-----END\n",
        f"DEBUG={PLAIN}\nALLOWED_HOSTS=https://{PLAIN}\nEMAIL_PORT={PLAIN}\nCSRF_TRUSTED_ORIGINS={PLAIN}\n",
        f"SLIPWAY_HEALTH_RETRIES={PLAIN}\nSLIPWAY_DOMAIN={PLAIN}\nBASE_URL=http://{PLAIN}\nEMAIL_BACKEND={PLAIN}\n",
    ],
)  # fmt: skip
@pytest.mark.parametrize("file", ["production.env", "production.secrets.env", "production.api.env"])
@pytest.mark.parametrize("encoding", ["utf-8", "latin-1", "utf-16"])
def test_no_message_shows_a_secret_in_any_form(
    root: Path, workspace: Workspace, text: str, file: str, encoding: str
) -> None:
    (root / "env" / file).write_bytes(text.encode(encoding))
    said = json.dumps(
        [issue.as_json() for issue in check_environment(root, "production", workspace)], ensure_ascii=False
    )
    said += repr(check_environment(root, "production", workspace))
    try:
        config = load_config(root, "production", workspace)
        said += repr(config)
        for service in workspace.services:
            said += repr(config.settings(service))
            config.variables_for(service, {})
    except UsageError as error:
        said += f"{error}{error!r}{error.details}"
    for form in forms(CANARY) | forms(PLAIN):
        assert form not in said
