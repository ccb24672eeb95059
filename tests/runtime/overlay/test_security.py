"""What a project with every bad habit answers once the overlay lies over it."""

from typing import Any

import pytest

from .conftest import FALLBACK, Shop


def test_debug_mode_is_off_whatever_project_and_environment_say(shop: Shop) -> None:
    found = shop.composed(DEBUG="true")
    assert found["DEBUG"] is False
    assert "debug" not in found["TEMPLATES"][0]["OPTIONS"]


def test_what_the_project_derived_from_debug_mode_does_not_count(shop: Shop) -> None:
    found = shop.composed()
    assert found["CORS_ALLOW_ALL_ORIGINS"] is False
    assert found["ALLOWED_HOSTS"] == ["api.example.net", "localhost"]
    assert found["SECURE_SSL_REDIRECT"] is True
    assert found["SECURE_HSTS_SECONDS"] == 31_536_000


def test_a_key_that_may_not_be_used_is_no_key_for_any_server(shop: Shop) -> None:
    found = shop.composed(SECRET_KEY=None)
    assert found["SECRET_KEY"] == ""
    assert FALLBACK not in found["JWT"]["keys"]


def test_copies_of_a_hard_coded_key_follow_the_environment(shop: Shop) -> None:
    shop.change(f"\nSECRET_KEY = '{FALLBACK}'\nJWT = {{'keys': (SECRET_KEY,)}}\n")
    found = shop.composed()
    assert found["SECRET_KEY"] == shop.right["SECRET_KEY"]
    assert found["JWT"]["keys"] == (shop.right["SECRET_KEY"],)


def test_a_key_in_a_base_module_is_found_too(shop: Shop) -> None:
    (shop.folder / "shop" / "base.py").write_text((shop.folder / "shop" / "settings.py").read_text())
    (shop.folder / "shop" / "settings.py").write_text("from shop.base import *\n")
    assert "slipway.E013" in shop.problems(SECRET_KEY=FALLBACK)


def test_older_keys_come_from_the_environment(shop: Shop) -> None:
    shop.change(f"\nSECRET_KEY_FALLBACKS = ['{FALLBACK}']\n")
    assert shop.composed()["SECRET_KEY_FALLBACKS"] == []
    assert shop.composed(SECRET_KEY_FALLBACKS="older,oldest")["SECRET_KEY_FALLBACKS"] == ["older", "oldest"]


HEADERS = "answer = dict(client.get('/health/').headers)"


def test_every_answer_has_the_headers(shop: Shop) -> None:
    found = shop.ask(HEADERS)
    assert found["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains"
    assert found["X-Content-Type-Options"] == "nosniff"
    assert found["X-Frame-Options"] == "DENY"
    assert found["Referrer-Policy"] == "same-origin"
    assert found["Cross-Origin-Opener-Policy"] == "same-origin"
    assert found["Permissions-Policy"] == "camera=(), geolocation=(), microphone=()"
    assert parts(found["Content-Security-Policy"]) == {
        "default-src 'self'",
        "img-src 'self' https://covers.example.net",
    }
    assert "Cross-Origin-Resource-Policy" not in found


def test_variables_change_the_headers(shop: Shop) -> None:
    found = shop.ask(
        HEADERS,
        CSP_IMG_SRC="'self' data:",
        CSP_FRAME_ANCESTORS="'none'",
        PERMISSIONS_POLICY="camera=(self)",
        CROSS_ORIGIN_RESOURCE_POLICY="same-site",
        SECURE_REFERRER_POLICY="no-referrer",
        SECURE_HSTS_SECONDS="60",
        SECURE_HSTS_INCLUDE_SUBDOMAINS="false",
    )
    assert parts(found["Content-Security-Policy"]) == {
        "default-src 'self'",
        "img-src 'self' data:",
        "frame-ancestors 'none'",
    }
    assert found["Permissions-Policy"] == "camera=(self)"
    assert found["Cross-Origin-Resource-Policy"] == "same-site"
    assert found["Referrer-Policy"] == "no-referrer"
    assert found["Strict-Transport-Security"] == "max-age=60"


def test_a_project_that_takes_the_policy_for_text_gets_text(shop: Shop) -> None:
    policy = shop.composed(CSP_IMG_SRC="'none'")["CONTENT_SECURITY_POLICY"]
    assert str(policy) == "default-src 'self'; img-src 'none'"
    assert policy["DIRECTIVES"]["img-src"] == ["'none'"]


def test_a_project_with_a_policy_of_its_own_for_django_csp_keeps_it(shop: Shop) -> None:
    shop.change("\nMIDDLEWARE.append('csp.middleware.CSPMiddleware')\n")
    shop.change("CONTENT_SECURITY_POLICY = {'DIRECTIVES': {'default-src': [\"'none'\"]}, 'REPORT_PERCENTAGE': 10}\n")
    found = shop.composed()
    assert found["CONTENT_SECURITY_POLICY"] == {"DIRECTIVES": {"default-src": ["'none'"]}, "REPORT_PERCENTAGE": 10}
    assert not [layer for layer in found["MIDDLEWARE"] if "content_policy" in layer]


def parts(policy: str) -> set[str]:
    return {part.strip() for part in policy.split(";")}


@pytest.mark.parametrize(
    ("peer", "trusted", "secure"),
    [
        ("10.0.0.7", None, True),
        ("203.0.113.9", None, False),
        ("10.0.0.7", "192.0.2.0/24", False),
        ("192.0.2.7", "192.0.2.0/24", True),
        ("not an address", None, False),
        ("", None, False),
    ],
)
def test_https_is_believed_from_a_trusted_peer_alone(shop: Shop, peer: str, trusted: str | None, secure: bool) -> None:
    ask = f"answer = client.get('/secure/', REMOTE_ADDR={peer!r}).status_code"
    assert shop.ask(ask, FORWARDED_ALLOW_IPS=trusted) == (200 if secure else 301)


def test_no_header_can_name_the_key_that_is_believed(shop: Shop) -> None:
    script = (
        "client = Client(headers={'host': 'api.example.net', 'slipway.forwarded_proto': 'https',"
        " 'slipway-forwarded-proto': 'https'})\n"
        "answer = client.get('/secure/').status_code"
    )
    assert shop.ask(script) == 301


ASYNCHRONOUS = """
import asyncio
from django.core.asgi import get_asgi_application

def asked(path, peer):
    async def run():
        sent, body = [], [{"type": "http.request", "body": b"", "more_body": False}]
        async def receive():
            return body.pop() if body else await asyncio.sleep(9)
        async def send(message):
            sent.append(message)
        headers = [(b"host", b"api.example.net"), (b"x-forwarded-proto", b"https")]
        scope = {"type": "http", "method": "GET", "path": path, "query_string": b"", "headers": headers}
        scope |= {"scheme": "http", "client": (peer, 1), "server": ("x", 1)}
        await get_asgi_application()(scope, receive, send)
        return sent
    sent = asyncio.run(run())
    return sent[0]["status"], {name.decode().lower() for name, _ in sent[0]["headers"]}, sent[1:]
"""


def test_an_asynchronous_server_is_treated_alike(shop: Shop) -> None:
    script = ASYNCHRONOUS + (
        "answer = []\n"
        "for peer in ('10.0.0.7', '203.0.113.9'):\n"
        "    status, headers, _ = asked('/secure/', peer)\n"
        "    answer.append([status, {'content-security-policy', 'permissions-policy'} <= headers])\n"
    )
    assert shop.ask(script) == [[200, True], [301, True]]


def test_plain_http_is_redirected_but_for_health_and_metrics(shop: Shop) -> None:
    script = (
        "plain = Client(headers={'host': 'api.example.net'})\n"
        "answer = {path: plain.get(path).status_code for path in"
        " ('/health/', '/health/x', '/x/health/', '/health/detailed/', '/metrics', '/up', '/admin/')}"
    )
    expected: dict[str, Any] = {
        "/health/": 200,
        "/health/x": 301,
        "/x/health/": 301,
        "/health/detailed/": 404,
        "/metrics": 404,
        "/up": 404,
        "/admin/": 301,
    }
    assert shop.ask(script, SLIPWAY_HEALTH_PATH="/up") == expected


def test_cookies_travel_over_https_alone(shop: Shop) -> None:
    script = (
        "cookie = client.get('/admin/login/').cookies['csrftoken']\nanswer = [cookie['secure'], cookie['samesite']]"
    )
    assert shop.ask(script) == [True, "Lax"]
    assert shop.ask(script, CSRF_COOKIE_SAMESITE="strict") == [True, "Strict"]


@pytest.mark.parametrize(("subject", "gone"), [("security", "HSTS"), ("content_policy", "Policy"), ("proxy", "secure")])
def test_each_subject_can_be_switched_off(shop: Shop, subject: str, gone: str) -> None:
    found = shop.composed(SLIPWAY_OVERLAY_OFF=f"{shop.right['SLIPWAY_OVERLAY_OFF']},{subject}")
    kept = {
        "HSTS": found["DEBUG"] is True and "SECURE_HSTS_SECONDS" not in found,
        "Policy": isinstance(found["CONTENT_SECURITY_POLICY"], str),
        "secure": found["SECURE_PROXY_SSL_HEADER"][0] == "HTTP_X_FORWARDED_PROTO",
    }
    assert [name for name, holds in kept.items() if holds] == [gone]
