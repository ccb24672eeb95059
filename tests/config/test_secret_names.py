"""Which names and values promise a secret; what a vendor means for pages does not."""

import time

import pytest

from slipway.config.secret_names import Promise, promise

VALUE = "n8Vt3KqZp6Lw1Xy"


@pytest.mark.parametrize(
    "name",
    [
        "STRIPE_SECRET",
        "STRIPE_SECRET_KEY",
        "AUTH_TOKEN",
        "SMTP_PASSWORD",
        "PRIVATE_KEY",
        "FIREBASE_PRIVATE_KEY",
        "RECAPTCHA_SITE_SECRET",
        "PUBLIC_APP_SECRET",
        "SUPABASE_SERVICE_ROLE_KEY",
        "JWT_SIGNING_KEY",
        "CLIENTSECRET",
    ],
)
def test_a_name_that_promises_a_secret(name: str) -> None:
    assert promise(f"VITE_{name}", VALUE) is Promise.SURE


@pytest.mark.parametrize("name", ["OPENAI_API_KEY", "AWS_ACCESS_KEY", "WEATHER_KEY", "APIKEY", "KEY"])
def test_a_key_may_be_one(name: str) -> None:
    assert promise(f"VITE_{name}", VALUE) is Promise.MAYBE


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("OPENAI_API_KEY", "sk-live-n8Vt3KqZp6Lw1Xy"),
        ("STRIPE_PUBLISHABLE_KEY", "sk_live_n8Vt3KqZp6Lw1Xy"),
        ("MAPBOX_TOKEN", "sk.n8Vt3KqZp6Lw1Xy"),
        ("REGION", "AKIA4Q7ZT2MWX9LB6PRD"),
        ("SETTING", "-----BEGIN RSA PRIVATE KEY-----"),
    ],
)
def test_a_value_that_its_vendor_marks_is_one_under_any_name(name: str, text: str) -> None:
    assert promise(f"VITE_{name}", text) is Promise.SURE


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("STRIPE_PUBLISHABLE_KEY", VALUE),
        ("STRIPE_PUBLIC_KEY", VALUE),
        ("STRIPE_KEY", "pk_live_n8Vt3KqZp6Lw1Xy"),
        ("VAPID_PUBLIC_KEY", VALUE),
        ("PUBLIC_TOKEN", VALUE),
        ("TURNSTILE_SITE_KEY", VALUE),
        ("MAPBOX_TOKEN", "pk.n8Vt3KqZp6Lw1Xy"),
        ("SENTRY_DSN", "https://n8Vt@sentry.example.org/1"),
        ("GOOGLE_MAPS_API_KEY", VALUE),
        ("FIREBASE_API_KEY", VALUE),
        ("POSTHOG_KEY", VALUE),
        ("MIXPANEL_TOKEN", VALUE),
        ("SUPABASE_ANON_KEY", VALUE),
        ("PASSWORD_RESET_URL", "/reset"),
        ("TOKEN_STORAGE_KEY", "session"),
        ("PASSWORD_MIN_LENGTH", "12"),
        ("CSRF_TOKEN_HEADER", "X-CSRFToken"),
        ("SHOW_PASSWORD", "true"),
        ("KEYCLOAK_REALM", "zamio"),
        ("DESIGN_TOKENS", "dark"),
        ("API_URL", "https://api.example.org"),
    ],
)
def test_what_is_meant_for_pages_or_only_about_a_secret_is_none(name: str, text: str) -> None:
    assert promise(f"VITE_{name}", text) is Promise.NONE


@pytest.mark.parametrize("text", ["_KEY" * 250_000, "SECRET" * 160_000, "_" * 1_000_000, "-----BEGIN " * 90_000])
def test_a_hostile_megabyte_is_judged_at_once(text: str) -> None:
    before = time.process_time()
    promise(f"VITE_{text}", text)
    assert time.process_time() - before < 1.5
