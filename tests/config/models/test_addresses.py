"""DatabaseConfig and RedisConfig, held against how Django projects and redis-py read the same address."""

import pickle
from urllib.parse import quote

import dj_database_url
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from redis.connection import parse_url

from slipway.config.models.database import DatabaseConfig
from slipway.config.models.redis import RedisConfig
from slipway.errors import UsageError
from slipway.secret import Secret

WORDS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20)
HOSTS = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,10}[a-z0-9])?(\.[a-z]{2,5})?", fullmatch=True)
PORTS = st.none() | st.integers(1, 65535)


@given(st.sampled_from(["postgres", "postgresql"]), WORDS, WORDS, HOSTS, PORTS, WORDS)
def test_an_encoded_database_address_is_read_as_django_projects_read_it(
    scheme: str, user: str, password: str, host: str, port: int | None, name: str
) -> None:
    said, secret, called = (quote(word, safe="") for word in (user, password, name))
    url = f"{scheme}://{said}:{secret}@{host}{'' if port is None else f':{port}'}/{called}"
    found, theirs = DatabaseConfig.from_url(Secret(url)), dj_database_url.parse(url)
    assert (found.host, found.user, found.name) == (theirs["HOST"], theirs["USER"], theirs["NAME"])
    assert (found.password, found.port) == (Secret(str(theirs["PASSWORD"])), theirs["PORT"] or 5432)
    assert (found.user, found.password, found.name) == (user, Secret(password), name)


@given(st.sampled_from(["redis", "rediss"]), WORDS, WORDS, HOSTS, PORTS, st.none() | st.integers(0, 15))
def test_an_encoded_redis_address_is_read_as_redis_py_reads_it(
    scheme: str, user: str, password: str, host: str, port: int | None, number: int | None
) -> None:
    said, secret = quote(user, safe=""), quote(password, safe="")
    url = (
        f"{scheme}://{said}:{secret}@{host}{'' if port is None else f':{port}'}{'' if number is None else f'/{number}'}"
    )
    found, theirs = RedisConfig.from_url(url), parse_url(url)  # type: ignore[no-untyped-call]
    assert (found.host, found.user, found.password) == (theirs["host"], theirs["username"], Secret(theirs["password"]))
    assert (found.port, found.database) == (theirs.get("port", 6379), theirs.get("db", 0))
    assert found.tls == (scheme == "rediss")


def read(model: type[DatabaseConfig] | type[RedisConfig], text: str) -> tuple[int | None, str]:
    """Return the port that is read, or None and the message."""
    try:
        return model.from_url(Secret(text), "env/x.env:1").port, ""
    except UsageError as error:
        return None, str(error)


@given(st.text(max_size=60) | st.from_regex(r"(postgres|redis)(ql|s)?://[!-~]{0,40}", fullmatch=True))
def test_any_text_is_an_address_or_refused_without_showing_it(text: str) -> None:
    for model in (DatabaseConfig, RedisConfig):
        port, told = read(model, text)
        assert port is None or 1 <= port <= 65535
        assert len(text) < 16 or text not in told


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("mysql://u:p@h/d", "must begin with postgis:// or postgres:// or postgresql://"),
        ("postgresql://u:hunter2/x@h:5432/d", "is no address"),
        ("postgresql://u:hun#ter2@h:5432/d", "has a #"),
        ("postgresql://u:hunter2@h:5432", "names no database"),
        ("postgresql://u:hunter2@h:0/d", "has port 0"),
        ("postgresql:///d", "has no host"),
        ("postgresql://u:p@h /d", "has no host, or a space in it"),
        ("postgresql://u:p@h/d#x", "has a #"),
        ("postgresql://u@h/d?sslpassword=hunter2", "has a password behind the ?"),
        ("postgresql://u:p@[::1/d", "is no address"),
        ("", "must begin with"),
    ],
)
def test_a_wrong_address_is_refused_in_words_of_our_own(url: str, words: str) -> None:
    with pytest.raises(UsageError) as caught:
        DatabaseConfig.from_url(url)
    assert words in str(caught.value)
    assert "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_redis_database_that_is_no_number_is_refused_where_redis_py_takes_it_for_0() -> None:
    assert parse_url("redis://h/zero").get("db", 0) == 0  # type: ignore[no-untyped-call]
    with pytest.raises(UsageError, match="names a database that is no number"):
        RedisConfig.from_url("redis://h/zero")


def test_options_and_an_address_of_six_groups_are_read() -> None:
    found = DatabaseConfig.from_url("postgresql://u@[::1]:6000/d?sslmode=require")
    assert (found.host, found.port, found.options) == ("::1", 6000, {"sslmode": "require"})
    assert found.password is None


def test_a_password_is_shown_nowhere() -> None:
    found = DatabaseConfig.from_url("postgresql://u:hunter2-hunter2@h/d")
    assert found.password == Secret("hunter2-hunter2")
    shown = (repr(found), str(found), found.model_dump_json(), str(found.model_dump()), f"{found.password}")
    assert not any("hunter2" in text for text in shown)
    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(found)
    with pytest.raises(ValidationError) as caught:
        DatabaseConfig(host="h", name="d", password="hunter2-hunter2")  # type: ignore[arg-type]
    assert "hunter2" not in str(caught.value)
