"""GitHub's commands are read back as its runner reads them; SARIF is held against the parts of 2.1.0 that are used."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.checks.formats import github, help_texts, place, sarif, sarif_failure
from slipway.checks.issue import Issue, Severity

PAGE = (Path(__file__).parents[2] / "docs" / "checks.md").read_text()
COMMAND = re.compile(r"::(error|warning|notice) ((?:[a-z]+=[^:,]*,?)+)::(.*)")
texts = st.text(max_size=60)


def found(
    where: str = "env/production.env:12",
    message: str = "is wrong",
    severity: Severity = Severity.ERROR,
    hint: str = "mend it",
) -> Issue:
    return Issue("env.type", severity, "EMAIL_PORT", where, message, hint)


def unescaped(text: str, *, is_property: bool) -> str:
    """Return what GitHub's runner makes of a value (actions/runner, ActionCommand.cs)."""
    for code, plain in (("%0D", "\r"), ("%0A", "\n"), *((("%3A", ":"), ("%2C", ",")) if is_property else ())):
        text = text.replace(code, plain)
    return text.replace("%25", "%")


@given(message=texts, hint=texts, where=texts)
def test_a_command_is_one_line_and_reads_back_as_it_was_meant(message: str, hint: str, where: str) -> None:
    (line,) = github([found(where, message, hint=hint)])
    assert len(line.splitlines()) == 1 or not set(line) & set("\r\n\x1b\x00\x0b\x0c\x85")
    command = COMMAND.fullmatch(line)
    assert command is not None
    assert set(re.findall(r"(\w+)=", command[2])) <= {"file", "line", "title"}
    said = unescaped(command[3], is_property=False)
    printable = "".join(c for c in message if c in "\t\r\n" or (c.isprintable() and not 0xD800 <= ord(c) <= 0xDFFF))
    assert all(c in said for c in printable)


def test_a_command_has_file_and_line_and_nothing_can_end_it_early() -> None:
    hostile = found("env/production.env:12", "100%\r\n::stop-commands::x\x1b[2J", Severity.WARNING, "")
    assert list(github([hostile])) == [
        "::warning file=env/production.env,line=12,title=env.type::100%25%0D%0A::stop-commands::x[2J"
    ]


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("env/production.env:12", ("env/production.env", 12)),
        ("env/schema.yaml (default)", ("env/schema.yaml", 0)),
        ("env/production.env", ("env/production.env", 0)),
        ("given value", ("", 0)),
        ("the contract's own figures", ("", 0)),
        ("/home/me/src/workspace.yaml:3", ("", 0)),
        ("../outside.env:3", ("", 0)),
        ("env/a\nb.env:3", ("", 0)),
        ("example/zamio_backend/Dockerfile:12", ("example/zamio_backend/Dockerfile", 12)),
        ("a folder/compose file:2", ("a folder/compose file", 2)),
        ("host.example.org:22", ("", 0)),
        ("https://host.example.org:8443", ("", 0)),
    ],
)
def test_only_a_file_of_the_checkout_is_a_place(where: str, expected: tuple[str, int]) -> None:
    assert place(found(where)) == expected


def check_log(log: dict[str, Any]) -> list[dict[str, Any]]:
    """Hold a log against what SARIF 2.1.0 demands of the objects in it; return the results."""
    assert log["version"] == "2.1.0"
    assert set(log) == {"$schema", "version", "runs"}
    (run,) = log["runs"]
    assert set(run) <= {"tool", "columnKind", "invocations", "results"}
    driver = run["tool"]["driver"]
    assert set(driver) == {"name", "semanticVersion", "rules"}
    assert re.fullmatch(r"\d+\.\d+\.\d+", driver["semanticVersion"])
    ids = [rule["id"] for rule in driver["rules"]]
    assert len(ids) == len(set(ids))
    for rule in driver["rules"]:
        assert set(rule) == {"id", "name", "shortDescription", "help"}
        assert re.fullmatch(r"[A-Za-z0-9]+", rule["name"])
        assert rule["shortDescription"]["text"]
        assert rule["help"]["text"]
    for invocation in run["invocations"]:
        assert isinstance(invocation["executionSuccessful"], bool)
    fingerprints = [result["partialFingerprints"]["slipwayIssue/v1"] for result in run["results"]]
    assert len(fingerprints) == len(set(fingerprints))
    for result in run["results"]:
        assert set(result) == {"ruleId", "ruleIndex", "level", "message", "locations", "partialFingerprints"}
        assert result["level"] in {"none", "note", "warning", "error"}
        assert ids[result["ruleIndex"]] == result["ruleId"]
        assert result["message"]["text"]
        for location in result["locations"]:
            assert set(location) <= {"physicalLocation", "logicalLocations"}
            if physical := location.get("physicalLocation"):
                uri = physical["artifactLocation"]["uri"]
                assert not uri.startswith(("/", "file:", ".."))
                assert re.fullmatch(r"[A-Za-z0-9._~/%-]+", uri)
                assert physical.get("region", {"startLine": 1})["startLine"] >= 1
    results: list[dict[str, Any]] = run["results"]
    return results


def test_a_log_has_rules_with_help_levels_and_relative_places() -> None:
    issues = [
        found(),
        found("env/staging.env:3", severity=Severity.WARNING),
        found("/elsewhere/workspace.yaml:3", severity=Severity.INFO),
    ]
    log = sarif(issues, help_texts(PAGE), "0.1.0")
    results = check_log(json.loads(json.dumps(log)))
    assert [result["level"] for result in results] == ["error", "warning", "note"]
    assert "physicalLocation" not in results[2]["locations"][0]
    rules = log["runs"][0]["tool"]["driver"]["rules"]  # type: ignore[index]
    assert {rule["id"]: rule["shortDescription"]["text"] for rule in rules}["env.type"] == (
        "the text is not of the schema's type"
    )


def test_a_fingerprint_survives_lines_above_and_differs_between_twins() -> None:
    def prints(*issues: Issue) -> list[str]:
        results = check_log(json.loads(json.dumps(sarif(issues, {}, "0.1.0"))))
        return [result["partialFingerprints"]["slipwayIssue/v1"] for result in results]

    assert prints(found("env/production.env:12")) == prints(found("env/production.env:40"))
    first, second = prints(found("env/production.env:1"), found("env/production.env:2"))
    assert first != second


@given(st.lists(st.builds(found, texts, texts, st.sampled_from(Severity), texts), max_size=4))
def test_a_log_of_anything_is_sound(issues: list[Issue]) -> None:
    shown = json.dumps(sarif(issues, help_texts(PAGE), "0.1.0"), ensure_ascii=False)
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", shown)
    check_log(json.loads(shown))


def test_a_run_that_could_not_look_is_no_clean_one() -> None:
    log = json.loads(json.dumps(sarif_failure("no such environment\x1b[2J", "0.1.0")))
    assert check_log(log) == []
    (invocation,) = log["runs"][0]["invocations"]
    assert not invocation["executionSuccessful"]
    assert "\x1b" not in json.dumps(invocation)


def test_every_documented_id_of_an_environment_has_a_help_text() -> None:
    known = help_texts(PAGE)
    assert len(known) > 60
    assert {"env.missing", "secret.url", "database.budget", "yaml.syntax"} <= known.keys()
    assert not any(identity.startswith(("portals.", "images.")) for identity in known)
