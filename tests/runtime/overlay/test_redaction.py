"""Redaction: known values in every spelling, keys, shapes, and nothing half told."""

import base64
import json
import time
from collections.abc import Callable
from urllib.parse import quote

import pytest
from slipway_runtime.redaction import GONE, Redactor, secret_values

from tests.runtime.canary import CANARY, line


def test_a_secret_at_the_cut_is_not_half_told() -> None:
    redactor = Redactor([CANARY])
    for before in range(90, 130):
        told = redactor.text("-" * before + CANARY + "x" * 10_000, longest=100)
        assert CANARY[:8] not in told, before
    for before in range(360, 420):
        assert CANARY[:8] not in redactor.text("-" * before + CANARY + "x" * 10_000, longest=100), before


SPELLINGS: list[Callable[[str], str]] = [
    str,
    repr,
    json.dumps,
    lambda text: quote(text, safe=""),
    lambda text: base64.b64encode(text.encode()).decode(),
    lambda text: base64.b64encode(f"user:{text}".encode()).decode(),
    lambda text: base64.b64encode(f"me:{text}!".encode()).decode(),
    lambda text: f"https://user:{text}@host/",
    lambda text: f"x{text}y",
]


@pytest.mark.parametrize("spell", SPELLINGS)
def test_a_known_secret_is_found_in_every_spelling(spell: Callable[[str], str]) -> None:
    told = Redactor(secret_values({"PARTNER_API_KEY": CANARY})).text(spell(CANARY))
    assert GONE in told
    assert CANARY[8:30] not in told
    assert base64.b64encode(CANARY.encode()).decode()[4:24] not in told


def test_secrets_are_known_by_their_variables_names_and_in_urls() -> None:
    found = secret_values(
        {
            "SECRET_KEY": "one-one-one",
            "SECRET_KEY_FALLBACKS": "two-two-two,three-three",
            "AWS_SECRET_ACCESS_KEY": "four-four",
            "DATABASE_URL": "postgres://app:fi%40ve-five@db/app",
            "REDIS_URL": "redis://:six-six-six@redis:6379/0",
            "PRIVATE_PEM": "-----BEGIN-----\nseven-seven\n",
            "BROKEN_URL": "http://[::1:bad@x",
            "EMAIL_HOST_PASSWORD": "short",
            "TOKEN_LIFETIME": "3600",
            "ALLOWED_HOSTS": "api.example.org",
            "BASE_URL": "https://api.example.org",
        }
    )
    words = {
        "one-one-one",
        "two-two-two",
        "three-three",
        "four-four",
        "fi%40ve-five",
        "fi@ve-five",
        "six-six-six",
        "seven-seven",
    }
    assert words <= found
    assert not found & {"short", "3600", "api.example.org", "https://api.example.org"}


@pytest.mark.parametrize(
    "key", ["password", "api-key", "Authorization", "set-cookie", "X-CSRFToken", "refresh_token", "otp"]
)
def test_values_of_secret_keys_go(key: str) -> None:
    assert line("x", mine={key: "visible"})["extra"]["mine"] == {key: GONE}


@pytest.mark.parametrize(
    "key", ["email", "phone_number", "first_name", "momo_number", "date_of_birth", "account_number"]
)
def test_personal_data_goes_unless_a_person_wants_it(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert line("x", **{key: "visible"})["extra"] == {key: GONE}
    assert line("mail to ama@example.org")["message"] == "mail to [e-mail]"
    monkeypatch.setenv("SLIPWAY_LOG_PERSONAL", "true")
    assert line("mail to ama@example.org", **{key: "visible"})["extra"] == {key: "visible"}


@pytest.mark.parametrize(
    "text",
    [
        "password=visible-1",
        "'token': 'visible-1'",
        "Bearer visible-1",
        "redis://:visible-1@h",
        "{'Cookie': 'sessionid=visible-1; csrftoken=visible-2'}",
        "Cookie: sessionid=visible-1; csrftoken=visible-2",
        '"Authorization": "Bearer visible-1"',
        "eyJhbGciOiJIUzI1NiJ9.visible-1.visible-2",
    ],
)
def test_shapes_of_secrets_go(text: str) -> None:
    assert "visible" not in line(f"before {text} after")["message"]


@pytest.mark.parametrize(
    "text",
    [
        "token" * 20_000,
        "a" * 60_000 + "@",
        "a@" * 30_000,
        "a.a@a." * 10_000,
        "x://a:" * 9_000 + "@",
        "token=" * 10_000,
        "eyJ" * 20_000,
    ],
)
def test_a_hostile_text_costs_no_more_than_its_length(text: str) -> None:
    redactor = Redactor([CANARY])
    begin = time.perf_counter()
    redactor.text(text)
    assert time.perf_counter() - begin < 0.5
