from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import stamina

from slipway.engines.coolify.errors import Reply
from slipway.engines.coolify.http import api_address, retry_after
from slipway.errors import PersonNeeded, Refused, SlipwayError, Unreachable, UsageError
from slipway.secret import Secret
from tests.engines.coolify.wire import ADDRESS, SOURCE, TOKEN, Wire, problem

PROJECTS = ("GET", "/projects")
DEPLOY = ("POST", "/deploy")


@pytest.fixture(autouse=True)
def _no_waiting() -> Iterator[None]:
    with stamina.set_testing(True, attempts=3):
        yield


def refusal(wire: Wire, **options: Any) -> SlipwayError:
    with wire.client(**options) as coolify, pytest.raises(SlipwayError) as caught:
        coolify.observe()
    return caught.value


@pytest.mark.parametrize(
    ("given", "address"),
    [
        ("https://c.example.org", "https://c.example.org/api/v1"),
        ("https://c.example.org/", "https://c.example.org/api/v1"),
        ("http://10.0.0.1:8000/api/v1/", "http://10.0.0.1:8000/api/v1"),
        (" https://example.org/coolify ", "https://example.org/coolify/api/v1"),
    ],
)
def test_an_instance_is_given_with_or_without_the_api_path(given: str, address: str) -> None:
    assert api_address(given) == address


@pytest.mark.parametrize(
    "given", ["", "coolify.example.org", "ftp://x", "https://", "https://x:99999", "https://x?a=1", "https://me:pw@x"]
)
def test_what_is_no_address_is_refused_without_showing_a_password(given: str) -> None:
    with pytest.raises(UsageError) as caught:
        api_address(given)
    assert "me:pw" not in str(caught.value)


def test_every_request_asks_for_json_and_bears_the_whole_token() -> None:
    wire = Wire().on(*PROJECTS, [])
    with wire.client() as coolify:
        assert coolify.observe().project is None
    assert {one.headers["accept"] for one in wire.sent} == {"application/json"}
    assert {one.headers["authorization"] for one in wire.sent} == {f"Bearer {TOKEN.reveal()}"}


@pytest.mark.parametrize("version", ["4.1.9", "4.0.0-beta.474", "v3.12.36"])
def test_versions_before_4_2_are_refused(version: str) -> None:
    wire = Wire().on("GET", "/version", version)
    error = refusal(wire)
    assert isinstance(error, UsageError)
    assert version in error.message
    assert "4.2" in error.message
    assert len(wire.sent) == 1


@pytest.mark.parametrize("version", ["4.2.0", "4.3.11", "v4.4-rc.1", "5.0"])
def test_versions_from_4_2_on_are_taken(version: str) -> None:
    with Wire().on("GET", "/version", version).on(*PROJECTS, []).client() as coolify:
        coolify.observe()
        assert coolify.version() == version


@pytest.mark.parametrize("answer", ["<html>Welcome to nginx</html>", "", "OK", "\x1b[31m4.3", "4" * 5000])
def test_what_is_no_coolify_is_said_to_be_none(answer: str) -> None:
    error = refusal(Wire().on("GET", "/version", answer))
    assert isinstance(error, UsageError)
    assert "no Coolify" in error.message
    assert "\x1b[31m" not in str(error)
    assert len(str(error)) < 500


def test_a_wrong_or_expired_token_names_where_it_came_from() -> None:
    error = refusal(Wire().on("GET", "/version", problem(401, "Unauthenticated.")))
    assert error.exit_code == 2
    assert SOURCE in error.message
    assert "expired or wrong" in error.message
    assert "API tokens" in error.hint


def test_a_token_without_its_number_says_so() -> None:
    wire = Wire().on("GET", "/version", problem(401, "Unauthenticated."))
    assert "12|" in refusal(wire, token=Secret("abcdefghijklmnop")).hint


@pytest.mark.parametrize("token", ["", "7|abc\ndef", "7|ab cd", "7|é"])
def test_a_token_that_cannot_be_one_is_never_sent(token: str) -> None:
    wire = Wire()
    error = refusal(wire, token=Secret(token))
    assert error.exit_code == 2
    assert SOURCE in error.message
    assert wire.sent == []


@pytest.mark.parametrize(
    ("body", "kind", "said"),
    [
        ({"message": "Missing required permissions: deploy"}, UsageError, "lacks the ability deploy"),
        ({"message": "Missing required permissions: read, write"}, UsageError, "lacks the ability read, write"),
        ({"message": "Missing required team role."}, UsageError, "no admin or owner"),
        ({"message": "You may not.", "error": "Unauthorized"}, UsageError, "You may not."),
        ({"success": True, "message": "API is disabled."}, PersonNeeded, "switched off"),
        ({"success": True, "message": "You are not allowed to access the API."}, PersonNeeded, "address"),
    ],
)
def test_each_kind_of_403_says_what_is_missing(body: dict[str, Any], kind: type[SlipwayError], said: str) -> None:
    error = refusal(Wire().on(*PROJECTS, httpx.Response(403, json=body)))
    assert type(error) is kind
    assert said in error.message


@pytest.mark.parametrize(
    ("errors", "line"),
    [
        ({"name": ["is too short", "is odd"]}, "name: is odd"),
        ({"name": "is too short"}, "name: is too short"),
        (["The domain x is not valid"], "The domain x is not valid"),
        (["posgres_user"], "posgres_user: unknown or wrong"),
    ],
)
def test_all_shapes_of_a_422_are_readable(errors: Any, line: str) -> None:
    error = refusal(Wire().on(*PROJECTS, problem(422, "Validation failed.", errors=errors)))
    assert isinstance(error, UsageError)
    assert line in error.details
    assert "Validation failed." in error.message


def test_a_422_without_errors_shows_its_message() -> None:
    text = "You need to provide at least one of environment_name or environment_uuid."
    assert text in refusal(Wire().on(*PROJECTS, problem(422, text))).message


def test_a_domain_conflict_names_who_has_it() -> None:
    conflict = {"domain": "https://api.x", "resource_name": "old", "resource_type": "application"}
    error = refusal(Wire().on(*PROJECTS, problem(409, "Domain conflicts detected.", conflicts=[conflict])))
    assert isinstance(error, Refused)
    assert "https://api.x belongs to application old" in error.details


def test_a_redirect_is_not_followed_with_the_token() -> None:
    answer = httpx.Response(302, headers={"location": "https://elsewhere/login"})
    wire = Wire().on("GET", "/version", answer)
    error = refusal(wire)
    assert error.exit_code == 2
    assert "https://elsewhere/login" in error.message
    assert len(wire.sent) == 1


def test_reading_is_tried_again_after_a_lost_connection_and_a_500() -> None:
    wire = Wire().on("GET", "/servers", httpx.ReadError("reset"), problem(500, "Server Error"), [])
    with wire.client() as coolify:
        coolify.require_abilities()
    assert len(wire.bodies("GET", "/servers")) == 3


@pytest.mark.parametrize(
    "answer", [httpx.ReadTimeout("slow"), httpx.ConnectError("refused"), problem(503, "down"), "<html>", "["]
)
def test_a_host_that_does_not_answer_is_unreachable_in_the_end(answer: Any) -> None:
    error = refusal(Wire().on(*PROJECTS, answer))
    assert error.exit_code == 3
    assert ADDRESS in error.where


def test_json_nested_without_end_is_no_crash() -> None:
    assert refusal(Wire().on(*PROJECTS, httpx.Response(200, content=b"[" * 200_000))).exit_code == 3


@pytest.mark.parametrize("answer", [{"data": []}, [1, 2], "null", "7", [["a"]]])
def test_json_of_another_shape_is_no_crash(answer: Any) -> None:
    assert refusal(Wire().on(*PROJECTS, answer)).exit_code == 3


def test_an_answer_without_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("slipway.engines.coolify.http._LARGEST_BODY", 1000)
    assert "without an end" in refusal(Wire().on(*PROJECTS, "x" * 1001)).message


def test_an_untrusted_certificate_is_named_and_not_tried_again() -> None:
    wire = Wire().on("GET", "/version", httpx.ConnectError("[SSL: CERTIFICATE_VERIFY_FAILED] self-signed"))
    error = refusal(wire)
    assert error.exit_code == 3
    assert "CA file" in error.hint
    assert len(wire.sent) == 1


def test_a_ca_file_that_is_none_is_refused(tmp_path: Path) -> None:
    wrong = tmp_path / "ca.pem"
    wrong.write_text("no certificate")
    for path in (wrong, tmp_path / "missing.pem"):
        error = refusal(Wire(), ca_file=path)
        assert isinstance(error, UsageError)
        assert error.where == str(path)


def test_a_rate_limit_is_waited_out_as_long_as_it_says() -> None:
    busy = problem(429, "Too Many Attempts.", headers={"Retry-After": "17"})
    wire = Wire().on(*PROJECTS, busy, busy, [])
    with wire.client() as coolify:
        coolify.observe()
    assert wire.clock.slept == [17.0, 17.0]


def test_a_rate_limit_longer_than_patience_is_not_waited_for() -> None:
    wire = Wire().on(*PROJECTS, problem(429, "Too Many Attempts.", headers={"Retry-After": "3600"}))
    error = refusal(wire)
    assert isinstance(error, Unreachable)
    assert "3600" in error.message
    assert wire.clock.slept == []


@pytest.mark.parametrize("text", ["", "soon", "-3", "1e9", "Wed, 21 Oct 2026 07:28:00 GMT", "9" * 40])
def test_an_odd_retry_after_is_a_short_wait(text: str) -> None:
    assert retry_after(Reply(429, {"retry-after": text})) == 5.0


def test_no_error_shows_the_token_even_if_the_server_does() -> None:
    secret = TOKEN.reveal()
    for answer in (
        problem(422, f"token {secret} is bad", errors={secret: [secret]}),
        problem(403, f"no: {secret.partition('|')[2]}"),
        problem(500, secret),
        f"<p>{secret}</p>",
        httpx.ReadError(f"{secret} reset"),
        problem(422, "x" * 380 + secret),
    ):
        assert secret.partition("|")[2][:12] not in str(refusal(Wire().on(*PROJECTS, answer)))


def test_controls_of_a_foreign_text_do_not_reach_the_terminal() -> None:
    error = refusal(Wire().on(*PROJECTS, problem(422, "a\x1b[2Jb", errors=["c\x07 d\x9b"])))
    assert not set("\x1b\x07\x9b") & set(str(error))


def test_abilities_are_found_out_without_changing_anything() -> None:
    wire = Wire().on("GET", "/servers", []).on("POST", "/deploy", problem(400, "You must provide uuid or tag."))
    with wire.client() as coolify:
        coolify.require_abilities()
    wire.on("POST", "/deploy", problem(403, "Missing required permissions: deploy"))
    with wire.client() as coolify, pytest.raises(UsageError, match="ability deploy"):
        coolify.require_abilities()
    assert all("uuid" not in one.body for one in wire.sent if one.body)


def test_a_parameter_called_uuid_is_sent_to_deploy_only() -> None:
    wire = Wire().on("GET", "/servers", []).on(*PROJECTS, [])
    with wire.client() as coolify:
        coolify.require_abilities()
        coolify.observe()
    for one in wire.sent:
        if one.path != "/deploy":
            assert "uuid" not in {**(one.body or {}), **one.query}
