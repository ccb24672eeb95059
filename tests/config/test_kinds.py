import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.config.kinds import Kind, items, misfit

GOOD = {
    Kind.STRING: ["", "anything $ at ' all"],
    Kind.INTEGER: ["0", "-5", "600"],
    Kind.NUMBER: ["0.8", "15", "-1.5"],
    Kind.BOOLEAN: ["true", "False", "TRUE"],
    Kind.LIST: ["", "a", "a,b"],
    Kind.URL: ["https://api.zamio.com", "http://localhost:8000/path?q=1", "wss://x/ws"],
    Kind.DATABASE_URL: ["postgresql://u:p@h:5432/d", "postgres://u:p%40@h/d"],
    Kind.REDIS_URL: ["redis://h", "rediss://:p@h:6379/0", "redis://default:p@h:6379/"],
    Kind.HOST_LIST: ["api.zamio.com", ".zamio.com,localhost,127.0.0.1", "[::1]"],
    Kind.ORIGIN_LIST: ["https://a.zamio.com,http://localhost:5173"],
    Kind.DURATION: ["30s", "1.5h", "200ms"],
    Kind.JSON: ['{"a": [1]}', "1"],
}
BAD = {
    Kind.INTEGER: [("1.5", "type"), ("x", "type"), ("\u0661", "type"), ("1" * 5000, "type")],
    Kind.NUMBER: [("nan", "type"), ("1e5", "type"), ("", "type")],
    Kind.BOOLEAN: [("on", "boolean"), ("1", "boolean"), ("Yes", "boolean"), ("maybe", "type")],
    Kind.LIST: [("a, b", "list-space"), ("a,,b", "type"), (" a", "list-space")],
    Kind.URL: [("api.zamio.com", "type"), ("ftp://x", "type"), ("https://", "type"), ("https://a b", "type"),
               ("http://[", "type")],
    Kind.DATABASE_URL: [("mysql://h/d", "type"), ("postgresql://h", "type"), ("postgresql://u:a/b@h:x/d", "type")],
    Kind.REDIS_URL: [("http://h", "type"), ("redis://h/zero", "type")],
    Kind.HOST_LIST: [
        ("https://a.com", "host"), ("a.com:8000", "host"), ("a.com/", "host"), ("*", "host"), ("*.a.com", "host"),
        ("a..com", "host"), ("a.com, b.com", "list-space"), ("-a.com", "host"),
    ],
    Kind.ORIGIN_LIST: [
        ("a.com", "origin"), ("https://a.com/", "origin"), ("https://a.com/x", "origin"), ("https://*", "origin"),
        ("https://*.a.com", "origin"), ("https://u@a.com", "origin"), ("ftp://a.com", "origin"),
        ("https://a.com:x", "origin"),
    ],
    Kind.DURATION: [("30", "type"), ("s", "type"), ("-1s", "type")],
    Kind.JSON: [("{a: 1}", "type"), ("", "type"), ("[" * 100_000, "type")],
}  # fmt: skip


@pytest.mark.parametrize(("kind", "text"), [(kind, text) for kind, texts in GOOD.items() for text in texts])
def test_a_fitting_text_is_taken(kind: Kind, text: str) -> None:
    assert misfit(kind, text) is None


@pytest.mark.parametrize(("kind", "text", "rule"), [(kind, *case) for kind, cases in BAD.items() for case in cases])
def test_a_misfit_is_told_by_rule(kind: Kind, text: str, rule: str) -> None:
    found = misfit(kind, text)
    assert found is not None
    assert found.id == rule


@given(st.sampled_from(list(Kind)), st.text(st.characters(codec="utf-8"), min_size=7, max_size=60))
def test_no_message_holds_the_text_and_nothing_crashes(kind: Kind, text: str) -> None:
    text += "\N{SNOWMAN}"  # no message's own words are a part of it
    found = misfit(kind, text)
    assert found is None or text not in found.message + found.hint


@given(st.lists(st.from_regex(r"[a-z]{1,9}", fullmatch=True)))
def test_items_are_what_was_joined(parts: list[str]) -> None:
    assert items(",".join(parts)) == parts
