"""The mistakes people make with a Django project's environment: each is told before a server starts."""

import json

import pytest

from .conftest import FALLBACK, PORTALS, Shop

ODD = "kJ3-vW9qZ_"  # varied, and repeated below
MISTAKES: dict[str, tuple[dict[str, str | None], str]] = {
    "no key": ({"SECRET_KEY": None}, "slipway.E010"),
    "an empty key": ({"SECRET_KEY": ""}, "slipway.E010"),
    "a short key": ({"SECRET_KEY": "8dK2-mzP_qY7tR4w"}, "slipway.E011"),
    "a key of one letter": ({"SECRET_KEY": "a" * 64}, "slipway.E011"),
    "a key that repeats itself": ({"SECRET_KEY": ODD * 6}, "slipway.E011"),
    "a long placeholder": ({"SECRET_KEY": "please-change-me-before-you-go-live-or-else-1a2b3c4d5e"}, "slipway.E012"),
    "django's own placeholder": (
        {"SECRET_KEY": "django-insecure-#j8!0q4v^w2x&z5y*t7u9r1e3(o6p)l0k8j6h4g"},
        "slipway.E012",
    ),
    "the project's fallback": ({"SECRET_KEY": FALLBACK}, "slipway.E013"),
    "no hosts": ({"ALLOWED_HOSTS": None}, "slipway.E020"),
    "empty hosts": ({"ALLOWED_HOSTS": ""}, "slipway.E020"),
    "a host with a scheme": ({"ALLOWED_HOSTS": "https://api.example.net,api.example.net"}, "slipway.E021"),
    "a host with a port": ({"ALLOWED_HOSTS": "api.example.net:443,api.example.net"}, "slipway.E021"),
    "a host with a slash": ({"ALLOWED_HOSTS": "api.example.net/,api.example.net"}, "slipway.E021"),
    "hosts between spaces": ({"ALLOWED_HOSTS": "api.example.net localhost"}, "slipway.E021"),
    "every host": ({"ALLOWED_HOSTS": "*"}, "slipway.E022"),
    "a health host that is not allowed": ({"SLIPWAY_HEALTH_HOST": "health.internal"}, "slipway.E023"),
    "the API's own name is not allowed": ({"ALLOWED_HOSTS": "localhost"}, "slipway.E024"),
    "an origin without scheme": ({"CSRF_TRUSTED_ORIGINS": f"{PORTALS},app.example.net"}, "slipway.E030"),
    "an origin with a slash": ({"CSRF_TRUSTED_ORIGINS": f"{PORTALS},https://app.example.net/"}, "slipway.E030"),
    "an origin with a path": ({"CORS_ALLOWED_ORIGINS": f"{PORTALS},https://app.example.net/app"}, "slipway.E030"),
    "an origin in capitals": ({"CORS_ALLOWED_ORIGINS": f"{PORTALS},https://App.example.net"}, "slipway.E030"),
    "an origin with its usual port": (
        {"CORS_ALLOWED_ORIGINS": f"{PORTALS},https://app.example.net:443"},
        "slipway.E030",
    ),
    "an origin over http": ({"CSRF_TRUSTED_ORIGINS": f"{PORTALS},http://app.example.net"}, "slipway.E031"),
    "every origin": ({"CSRF_TRUSTED_ORIGINS": "https://*"}, "slipway.E032"),
    "every origin of a domain": ({"CSRF_TRUSTED_ORIGINS": "https://*.net"}, "slipway.E032"),
    "a wildcard that CORS does not know": ({"CORS_ALLOWED_ORIGINS": "https://*.example.net"}, "slipway.E032"),
    "the origin null": ({"CORS_ALLOWED_ORIGINS": f"{PORTALS},null"}, "slipway.E032"),
    "everybody with cookies": ({"CORS_ALLOW_ALL_ORIGINS": "true"}, "slipway.E033"),
    "a portal that may read but not write": ({"CSRF_TRUSTED_ORIGINS": "https://shop.example.net"}, "slipway.W034"),
    "a portal that may write but not read": ({"CORS_ALLOWED_ORIGINS": "https://shop.example.net"}, "slipway.W034"),
    "no portals": ({"CORS_ALLOWED_ORIGINS": None}, "slipway.W035"),
    "debug mode": ({"DEBUG": "true"}, "slipway.W005"),
    "a word that is no boolean": ({"SECURE_SSL_REDIRECT": "enabled"}, "slipway.E001"),
    "a number that is none": ({"SECURE_HSTS_SECONDS": "one year"}, "slipway.E001"),
    "a cookie that browsers drop": ({"CSRF_COOKIE_SAMESITE": "None", "CSRF_COOKIE_SECURE": "false"}, "slipway.E040"),
    "a SameSite that is none": ({"SESSION_COOKIE_SAMESITE": "relaxed"}, "slipway.E001"),
    "a cookie in clear": ({"SESSION_COOKIE_SECURE": "false"}, "slipway.W041"),
    "plain http": ({"SECURE_SSL_REDIRECT": "false"}, "slipway.W042"),
    "preload for a minute": ({"SECURE_HSTS_PRELOAD": "true", "SECURE_HSTS_SECONDS": "60"}, "slipway.E043"),
    "a proxy that is no address": ({"FORWARDED_ALLOW_IPS": "traefik"}, "slipway.E045"),
    "every proxy": ({"FORWARDED_ALLOW_IPS": "*"}, "slipway.W046"),
    "quotes that a reader took away": ({"CSP_IMG_SRC": "self data:"}, "slipway.E050"),
    "a second directive inside the first": ({"CSP_IMG_SRC": "'self'; script-src *"}, "slipway.E051"),
    "none and something": ({"CSP_OBJECT_SRC": "'none' https://x.example.net"}, "slipway.E051"),
    "a referrer policy that is none": ({"SECURE_REFERRER_POLICY": "never"}, "slipway.E053"),
    "an opener policy that is none": ({"CROSS_ORIGIN_OPENER_POLICY": "strict"}, "slipway.E054"),
    "a permissions policy that is none": ({"PERMISSIONS_POLICY": "camera 'none'"}, "slipway.E055"),
    "a header within a header": ({"PERMISSIONS_POLICY": "camera=()\r\nSet-Cookie: a=b"}, "slipway.E055"),
    "a kind of file that is none": ({"UPLOAD_TYPES": "jpeg,exe"}, "slipway.E060"),
    "no room for a file": ({"UPLOAD_MAX_MB": "0"}, "slipway.E001"),
    "a bucket's address without a bucket": ({"AWS_S3_ENDPOINT_URL": "https://s3.example.net"}, "slipway.W070"),
    "a bucket that is none": ({"AWS_STORAGE_BUCKET_NAME": "My Bucket"}, "slipway.E071"),
    "half a key": ({"AWS_STORAGE_BUCKET_NAME": "media", "AWS_ACCESS_KEY_ID": "one"}, "slipway.E072"),
    "a bucket's address that is none": (
        {"AWS_STORAGE_BUCKET_NAME": "media", "AWS_S3_ENDPOINT_URL": "s3.example.net:9000"},
        "slipway.E073",
    ),
    "a media folder that is not there": ({"MEDIA_ROOT": "/nowhere/media"}, "slipway.E074"),
    "a subject that is none": ({"SLIPWAY_OVERLAY_OFF": "securety"}, "slipway.E001"),
}


def test_the_right_environment_has_no_problem(shop: Shop) -> None:
    assert shop.problems() == []


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_told(shop: Shop, name: str) -> None:
    changes, identity = MISTAKES[name]
    assert identity in shop.problems(**changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"CSRF_TRUSTED_ORIGINS": "https://*.example.net"},
        {"CSRF_TRUSTED_ORIGINS": f"{PORTALS},https://api.example.net"},
        {"ALLOWED_HOSTS": ".example.net,[::1],127.0.0.1", "SLIPWAY_HEALTH_HOST": "api.example.net"},
        {"FORWARDED_ALLOW_IPS": "10.0.0.7,fd00::/8"},
        {"CSP_IMG_SRC": "'self' data: https://*.example.net", "CSP_SCRIPT_SRC": "'self' 'sha256-abc='"},
        {"SECRET_KEY": "0f" * 8 + "3a9c" * 4 + "7be15d2840c6a9f1e3d5b7c9a2e4f608"},
        {"PERMISSIONS_POLICY": 'camera=(self "https://x.example.net"), fullscreen=*'},
        {
            "UPLOAD_TYPES": "*",
            "AWS_STORAGE_BUCKET_NAME": "media.zamio",
            "AWS_S3_ENDPOINT_URL": "https://s3.example.net:9000",
        },
        {"SLIPWAY_ROLE": "worker", "ALLOWED_HOSTS": None, "CORS_ALLOWED_ORIGINS": None, "CSRF_TRUSTED_ORIGINS": None},
    ],
)
def test_what_is_right_raises_no_alarm(shop: Shop, changes: dict[str, str | None]) -> None:
    assert shop.problems(**changes) == []


def test_no_message_has_a_value_of_a_secret(shop: Shop) -> None:
    secret = "8dK2-mzP_qY7tR4w"
    found = shop.composed(SECRET_KEY=secret, AWS_STORAGE_BUCKET_NAME="media", AWS_ACCESS_KEY_ID=secret)
    assert len(found["SLIPWAY"]["problems"]) == 2
    assert secret not in repr(found["SLIPWAY"]["problems"])


@pytest.mark.parametrize("role", ["web", "worker", "beat", "migrate"])
def test_no_role_starts_and_everything_is_told_at_once(shop: Shop, role: str) -> None:
    done = shop.run("-m", "slipway_runtime.start", role, SECRET_KEY="short", FORWARDED_ALLOW_IPS="x", DEBUG="on")
    assert done.returncode == 2
    for identity in ("slipway.E011", "slipway.E045", "slipway.W005"):
        assert identity in done.stderr
    assert "not started: 2 problems" in done.stderr
    if role == "migrate":
        assert json.loads(done.stdout.splitlines()[-1])["ok"] is False


def test_a_project_that_does_not_load_is_told_with_the_rest(shop: Shop) -> None:
    shop.change('\nPORT = int(os.environ["PORT_OF_SOMETHING"])\n')
    done = shop.run("-m", "slipway_runtime.start", "web", PORT_OF_SOMETHING="hunter2", ALLOWED_HOSTS="*")
    assert done.returncode == 2
    assert "slipway.E003" in done.stderr
    assert "ValueError at settings.py" in done.stderr
    assert "slipway.E022" in done.stderr
    assert "hunter2" not in done.stderr


def test_the_same_problems_are_system_checks(shop: Shop) -> None:
    command = (
        "from django.core.management import execute_from_command_line as run; run(['x', 'check', '--tag', 'slipway'])"
    )
    assert shop.run("-c", command).returncode == 0
    done = shop.run("-c", command, ALLOWED_HOSTS="*", SESSION_COOKIE_SECURE="no")
    assert done.returncode == 1
    assert "(slipway.E022)" in done.stderr
    assert "(slipway.W041)" in done.stderr
