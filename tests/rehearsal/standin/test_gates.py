"""Tokens, roles, the switch, addresses and limits."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from slipway.rehearsal.standin import gates
from slipway.rehearsal.standin.rate_limit import RateLimit
from slipway.rehearsal.standin.tokens import TokensUnusable, read_file
from tests.rehearsal.standin.ground import SECRET, Standin


def test_health_needs_no_token(standin: Standin) -> None:
    for path in ("/api/health", "/api/v1/health"):
        answer = standin.client.get(path)
        assert (answer.status_code, answer.text) == (200, "OK")
        assert answer.headers["content-type"].startswith("text/html")


def test_unknown_paths_are_404_for_everyone(standin: Standin) -> None:
    for path in ("/api/v1/nothing", "/", "/api/v1/applications/x/y/z", "/api/v1/applications/"):
        answer = standin.client.get(path)
        assert (answer.status_code, answer.json()["message"]) == (404, "Not found.")


def test_deploy_does_not_imply_read(standin: Standin) -> None:
    uuid = standin.application()
    deployment = standin.good("POST", "/deploy", {"uuid": uuid}, token="deploy")["deployments"][0]["deployment_uuid"]
    assert standin.ask("GET", f"/deployments/{deployment}", token="deploy").status_code == 403


def test_elevated_tokens_are_for_admins(standin: Standin) -> None:
    answer = standin.ask("GET", "/version", token="member")
    assert (answer.status_code, answer.json()) == (403, {"message": "Missing required team role."})
    assert standin.ask("GET", "/version", token="reader").status_code == 200


def test_who_left_the_team_has_an_invalid_token(standin: Standin) -> None:
    answer = standin.ask("GET", "/version", token="left")
    assert (answer.status_code, answer.json()) == (401, {"message": "Invalid token."})


def test_the_switch(standin: Standin) -> None:
    assert standin.good("POST", "/disable", token="write") == {"message": "API disabled."}
    answer = standin.ask("GET", "/version")
    assert (answer.status_code, answer.json()) == (403, {"success": True, "message": "API is disabled."})
    assert standin.good("POST", "/enable") == {"message": "API enabled."}
    assert standin.ask("GET", "/version").status_code == 200


def test_addresses(standin: Standin) -> None:
    standin.site.settings = replace(standin.site.settings, allowed_ips="10.0.0.0/8")
    refused = standin.ask("GET", "/version")
    assert refused.json() == {"success": True, "message": "You are not allowed to access the API."}
    assert standin.ask("GET", "/version", headers={"X-Forwarded-For": "10.1.2.3, 1.2.3.4"}).status_code == 200


@pytest.mark.parametrize(
    ("client", "allowed", "enters"),
    [
        ("1.2.3.4", "", True),
        ("1.2.3.4", "0.0.0.0", True),
        ("1.2.3.4", "10.0.0.1, 0.0.0.0/0", True),
        ("1.2.3.4", "1.2.3.4", True),
        ("1.2.3.4", "1.2.3.5", False),
        ("::1", "::/64", True),
        ("::1", "10.0.0.0/8", False),
        ("nonsense", "10.0.0.0/8", False),
    ],
)
def test_the_allowlist(client: str, allowed: str, enters: bool) -> None:
    assert gates.is_allowed(client, allowed) == enters


def test_a_user_has_one_budget_for_all_tokens(standin: Standin) -> None:
    standin.site.settings = replace(standin.site.settings, rate_limit=3)
    seen = [standin.ask("GET", "/version", token=token) for token in ("root", "read", "full", "root", "reader")]
    assert [answer.status_code for answer in seen] == [200, 200, 200, 429, 200]
    assert [answer.headers["x-ratelimit-remaining"] for answer in seen] == ["2", "1", "0", "0", "2"]
    refused = seen[3]
    assert refused.json() == {"message": "Too Many Attempts."}
    assert 0 < int(refused.headers["retry-after"]) <= 60
    assert standin.ask("GET", "/version", token=None).status_code == 401


def test_a_window_is_a_minute() -> None:
    now = [1000.0]
    limit = RateLimit(lambda: now[0])
    assert [limit.spend("a", 2).remaining for _ in range(2)] == [1, 0]
    assert limit.spend("a", 2).wait == 60
    now[0] += 59
    assert limit.spend("a", 2).wait == 1
    now[0] += 1
    assert limit.spend("a", 2).wait == 0


def test_a_huge_body_is_refused(standin: Standin) -> None:
    content = b'{"name": "' + b"x" * (9 * 1024 * 1024) + b'"}'
    headers = {"Content-Type": "application/json"}
    assert standin.ask("POST", "/projects", content=content, headers=headers).status_code == 413


@pytest.mark.parametrize(
    ("entries", "problem"),
    [
        ("not json", "not JSON"),
        ([], "at least one token"),
        ({}, "at least one token"),
        (["x"], "string `token`"),
        ([{"token": "no-number"}], "<number>|<secret>"),
        ([{"token": "1|short"}], "<number>|<secret>"),
        ([{"token": f"1|{SECRET}"}], "`abilities`"),
        ([{"token": f"1|{SECRET}", "abilities": ["everything"]}], "`abilities`"),
        ([{"token": f"1|{SECRET}", "abilities": ["read"], "expires_at": "soon"}], "`expires_at`"),
    ],
)
def test_a_token_file_that_cannot_be_used_is_named(entries: Any, problem: str, tmp_path: Path) -> None:
    file = tmp_path / "tokens.json"
    file.touch(mode=0o600)
    file.write_text(entries if isinstance(entries, str) else json.dumps(entries))
    with pytest.raises(TokensUnusable) as refused:
        read_file(file)
    assert problem in str(refused.value)
    assert str(file) in str(refused.value)
    assert SECRET not in str(refused.value)


def test_a_token_file_that_others_read_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "tokens.json"
    file.write_text(json.dumps([{"token": f"7|{SECRET}", "abilities": ["read"]}]))
    file.chmod(0o644)
    with pytest.raises(TokensUnusable, match="chmod 600"):
        read_file(file)
    file.chmod(0o600)
    assert read_file(file).find(f"7|{SECRET}") is not None
    assert read_file(file).find(f"8|{SECRET}") is None
    with pytest.raises(TokensUnusable, match="No such file"):
        read_file(tmp_path / "absent.json")
