import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.config.references import (
    DATABASE_PARTS,
    database_values,
    expand,
    known_names,
    observed_names,
    references,
    sample_values,
)
from slipway.config.workspace import Workspace
from slipway.secret import Secret

plain = st.text(max_size=40).filter(lambda text: "${" not in text and not text.endswith("$"))
names = st.from_regex(r"[a-z]{1,8}(\.[a-z]{1,8}){0,2}", fullmatch=True)


@given(st.lists(st.tuples(plain, names), max_size=6), plain, st.dictionaries(names, plain))
def test_a_text_is_its_parts_with_each_reference_replaced(
    parts: list[tuple[str, str]], tail: str, more: dict[str, str]
) -> None:
    values = {**more, **{name: f"<{name}>" for _, name in parts}}
    text = "".join(f"{before}${{{name}}}" for before, name in parts) + tail
    assert expand(text, values) == "".join(f"{before}<{name}>" for before, name in parts) + tail
    assert set(references(text)) == {name for _, name in parts}


@given(plain)
def test_a_text_without_references_is_left_alone(text: str) -> None:
    assert expand(text, {}) == text
    assert references(text) == ()


def test_one_secret_makes_the_whole_text_secret() -> None:
    value = expand("a ${x} b ${y}", {"x": "1", "y": Secret("2")})
    assert value == Secret("a 1 b 2")
    assert expand("a ${x}", {"x": "1", "y": Secret("2")}) == "a 1"


def test_replaced_text_is_not_looked_at_again() -> None:
    assert expand("${x}", {"x": "${y}", "y": "no"}) == "${y}"


@pytest.mark.parametrize("text", ["${", "${a", "a ${b${c}", "${a\n}", "$${"])
def test_what_begins_like_a_reference_and_is_none_is_found(text: str) -> None:
    assert "" in references(text)


def test_the_workspace_decides_what_may_be_referred_to(workspace: Workspace) -> None:
    names = known_names(workspace)
    assert {"domain", "service.api.public_url", "service.frontend.public_host", "service.postgres.internal_url"} <= {
        *names
    }
    assert not any(name.startswith(("service.worker", "service.beat")) for name in names)


@pytest.mark.parametrize(
    ("url", "parts"),
    [
        ("postgres://app:p%2Fw@d1:5432/db", {"host": "d1", "port": "5432", "user": "app", "database": "db"}),
        ("redis://default:p%2Fw@d2:6379/0", {"host": "d2", "port": "6379", "user": "default", "database": "0"}),
        ("redis://:p%2Fw@d2:6379/0", {"host": "d2", "port": "6379", "database": "0"}),
    ],
)
def test_an_address_falls_into_its_parts_and_one_it_does_not_have_stays_open(url: str, parts: dict[str, str]) -> None:
    found = database_values("db", Secret(url))
    assert found.pop("service.db.password") == Secret("p/w")
    assert found.pop("service.db.internal_url") == Secret(url)
    assert found == {f"service.db.{part}": value for part, value in parts.items()}


@given(st.text())
def test_any_text_for_an_address_gives_parts_or_none_and_never_a_crash(url: str) -> None:
    assert set(database_values("db", Secret(url))) <= {f"service.db.{part}" for part in DATABASE_PARTS}


def test_an_address_from_outside_is_there_only_where_the_platform_has_one() -> None:
    url = Secret("postgres://a:b@192.0.2.1:5433/db")
    assert database_values("db", url, url)["service.db.external_url"] == url


def test_everything_that_may_be_referred_to_has_a_sample(workspace: Workspace) -> None:
    assert set(sample_values(workspace)) == set(observed_names(workspace))
