"""The in-process probe: what no look at a variable shows."""

import json
from typing import Any

import pytest

from .conftest import PORTALS, Shop


def probed(shop: Shop, *words: str, **variables: str | None) -> tuple[int, dict[str, Any]]:
    done = shop.run("-m", "slipway_runtime.probe", *words, **variables)
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def test_the_right_environment_passes(shop: Shop) -> None:
    code, found = probed(shop)
    assert (code, found["ok"], found["issues"]) == (0, True, [])
    assert found["asked"] >= 40


def test_a_project_that_prints_and_logs_leaves_one_document(shop: Shop) -> None:
    shop.change("\nprint('hello')\n")
    assert probed(shop)[0] == 0


MISTAKES: dict[str, tuple[tuple[str, ...], dict[str, str | None], str, str]] = {
    "a portal that neither list has": (("--origins", f"{PORTALS},https://new.example.net"), {}, "probe.csrf", "new"),
    "a portal that CORS lacks": (
        ("--origins", PORTALS),
        {"CORS_ALLOWED_ORIGINS": "https://shop.example.net"},
        "probe.cors",
        "staff",
    ),
    "a portal that CSRF lacks": (
        ("--origins", PORTALS),
        {"CSRF_TRUSTED_ORIGINS": "https://shop.example.net"},
        "probe.csrf",
        "staff",
    ),
    "a name of the API that is not allowed": (("--api-hosts", "api.other.net"), {}, "probe.host", "api.other.net"),
    "a health host that is not allowed": (("--health-hosts", "10.0.0.7"), {}, "probe.health", "10.0.0.7"),
    "a health path that is not there": ((), {"SLIPWAY_HEALTH_PATH": "/healthz"}, "probe.health", "/healthz"),
    "a cookie over plain http": ((), {"CSRF_COOKIE_SECURE": "false"}, "probe.cookie", "api.example.net"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_wrong_environment_fails(shop: Shop, name: str) -> None:
    words, changes, identity, where = MISTAKES[name]
    code, found = probed(shop, *words, **changes)
    assert code == 1
    assert [one for one in found["issues"] if one["id"] == identity and where in one["where"]], found


PROJECTS = {
    "CORS inside the redirect": (
        "MIDDLEWARE = MIDDLEWARE[1:2] + MIDDLEWARE[:1] + MIDDLEWARE[2:]\nCORS_URLS_REGEX = '^/api/'\n",
        "probe.cors",
    ),
    "a redirect of its own": ("PREPEND_WWW = True\n", "probe.redirect"),
    "methods that CORS forbids": ("CORS_ALLOW_METHODS = ['GET', 'POST', 'OPTIONS']\n", "probe.cors"),
    "headers that CORS forbids": ("CORS_ALLOW_HEADERS = ['accept', 'content-type']\n", "probe.cors"),
    "a pattern for every origin": ("CORS_ALLOWED_ORIGIN_REGEXES = ['https://.*']\n", "probe.wide"),
    "no CSRF protection": ("MIDDLEWARE.remove('django.middleware.csrf.CsrfViewMiddleware')\n", "probe.wide"),
    "a middleware that raises": ("MIDDLEWARE.append('shop.broken.layer')\n", "probe.error"),
    "an app that does not load": ("INSTALLED_APPS.append('shop.nowhere')\n", "probe.start"),
}


@pytest.mark.parametrize("name", PROJECTS)
def test_a_wrong_project_fails(shop: Shop, name: str) -> None:
    lines, identity = PROJECTS[name]
    (shop.folder / "shop" / "broken.py").write_text("def layer(ask):\n    return lambda request: 1 / 0\n")
    shop.change("\n" + lines)
    code, found = probed(shop)
    assert code == 1
    assert identity in {one["id"] for one in found["issues"]}, found


def test_a_redirect_loop_is_one(shop: Shop) -> None:
    # The overlay's own header setting is off, and the project believes another header than the proxy sends.
    shop.change("\nSECURE_PROXY_SSL_HEADER = ('HTTP_X_SCHEME', 'https')\n")
    code, found = probed(shop, SLIPWAY_OVERLAY_OFF=f"{shop.right['SLIPWAY_OVERLAY_OFF']},proxy")
    assert code == 1
    [loop] = [one for one in found["issues"] if one["id"] == "probe.redirect" and one["where"] == "api.example.net"]
    assert "for ever" in loop["message"]


def test_a_project_that_does_not_load_has_an_answer_too(shop: Shop) -> None:
    shop.change("\nraise RuntimeError('hunter2')\n")
    code, found = probed(shop)
    assert code == 1
    assert [one["id"] for one in found["issues"]] == ["slipway.E003"]
    assert "hunter2" not in json.dumps(found)


def test_nothing_of_the_project_is_written(shop: Shop) -> None:
    layer = (
        "from django.core.cache import cache\n"
        "from django.contrib.auth.models import User\n"
        "def layer(ask):\n"
        "    def answer(request):\n"
        "        try:\n"
        "            cache.set('asked', '1')\n"
        "            User.objects.create(username='asked')\n"
        "        except Exception:\n"
        "            pass\n"
        "        return ask(request)\n"
        "    return answer\n"
    )
    (shop.folder / "shop" / "audit.py").write_text(layer)
    database, cache = shop.folder / "real.sqlite3", shop.folder / "cache"
    shop.change(f"\nDATABASES['default']['NAME'] = {str(database)!r}\nMIDDLEWARE.append('shop.audit.layer')\n")
    backend = "django.core.cache.backends.filebased.FileBasedCache"
    shop.change(f"CACHES = {{'default': {{'BACKEND': {backend!r}, 'LOCATION': {str(cache)!r}}}}}\n")
    assert probed(shop)[0] == 0
    assert not database.exists()
    assert not cache.exists()


def test_a_wrong_option_is_2(shop: Shop) -> None:
    assert shop.run("-m", "slipway_runtime.probe", "--portals", "x").returncode == 2
