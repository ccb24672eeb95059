import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.config.references import expand, known_names, references
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
