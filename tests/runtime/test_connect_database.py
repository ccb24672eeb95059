"""The parameters that `slipway_runtime.connect` hands to the driver are those of the application."""

from types import SimpleNamespace
from typing import Any
from unittest import mock
from urllib.parse import quote

import dj_database_url
import pytest
from django.db.backends.postgresql.base import DatabaseWrapper
from hypothesis import given as each
from hypothesis import strategies as st
from slipway_runtime.conf import database as overlaid
from slipway_runtime.conf.env import Env
from slipway_runtime.connecting.database import parameters


def of_django(url: str, environ: dict[str, str]) -> dict[str, Any]:
    """Return what Django hands to psycopg for `url` under the overlay."""
    given = {"DATABASES": {"default": dict(dj_database_url.parse(url))}}
    database = overlaid.overlay(given, Env(environ))["DATABASES"]["default"]
    defaults = {"USER": "", "PASSWORD": "", "HOST": "", "PORT": "", "TIME_ZONE": None}
    settings = SimpleNamespace(USE_TZ=False)
    with (
        mock.patch("django.db.backends.postgresql.base.settings", settings),
        mock.patch("django.db.backends.base.base.settings", settings),
    ):
        found = DatabaseWrapper({**defaults, "OPTIONS": {}, **database}).get_connection_params()
    for name in ("cursor_factory", "context", "prepare_threshold"):  # Django's own, none of libpq's
        if name not in url:
            found.pop(name, None)
    return dict(found)


@pytest.mark.parametrize(
    "address",
    [
        "postgres://app:p%2Fw@db.example.org:5433/app",
        "postgresql://app:pw@db/app?options=-csearch_path%3Dother&target_session_attrs=read-write",
        "postgres://app:pw@db/app?currentSchema=other&sslmode=verify-full&sslrootcert=/ca.pem",
        "postgres://app:pw@%2Fvar%2Frun/app?keepalives=0&application_name=mine",
        "postgres:///app?host=/var/run&user=other",
        "postgres://app:pw@db/app?dbname=another&host=elsewhere&port=1",
        "postgres://app:pw@db/?service=mine",
        "postgres://app:pw@db/app?nonsense=1&gssencmode=disable",
    ],
)
@pytest.mark.parametrize("role", ["", "worker"])
def test_the_driver_gets_what_django_gives_it(address: str, role: str) -> None:
    environ = {"SLIPWAY_ROLE": role, "DB_STATEMENT_TIMEOUT": "7s", "DB_POOL_SIZE": "0"}
    assert parameters(address, environ) == of_django(address, environ)


_TEXT = st.text(st.characters(exclude_categories=["Cs", "No"]), max_size=9)
"""Without the likes of `²`: a digit that is no number ends both readings with a ValueError."""


@each(st.dictionaries(st.sampled_from(["sslmode", "options", "krbsrvname", "x", "gssencmode"]), _TEXT))
def test_every_query_is_read_as_dj_database_url_reads_it(query: dict[str, str]) -> None:
    address = "postgres://a:b@h:1/d?" + "&".join(f"{name}={quote(value)}" for name, value in query.items())
    assert parameters(address, {}) == of_django(address, {})


def test_an_overlay_that_leaves_the_database_alone_adds_nothing() -> None:
    assert parameters("postgres://a:b@h/d", {"SLIPWAY_OVERLAY_OFF": "database", "SLIPWAY_ROLE": "web"}) == {
        "user": "a", "password": "b", "host": "h", "dbname": "d", "client_encoding": "UTF8",
    }  # fmt: skip


@pytest.mark.parametrize(
    "address", ["", "postgres:///app", "postgres://app:pw@h/", "postgres://app:pw@h:port/app", "postgres://[::1/app"]
)
def test_what_names_no_host_is_no_address(address: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parameters(address, {})
