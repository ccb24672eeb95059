"""What can be guessed, and how long it takes to say so."""

import secrets
import string
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.checks.strength import is_common, weakness


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("Hg3xKz9", "7 characters"),
        ("Hg3xKz9Hg3xKz9Hg3xKz9", "one part repeated"),
        ("Hg3xKz9Hg3xKz9Hg3", "one part repeated"),
        ("Hg3xKz9hG3XkZ9", "one part repeated"),
        ("abcdefghijklmnop", "in a row"),
        ("ponmlkjihgfedcba", "in a row"),
        ("qwertyuiopasdfgh", "in a row"),
        ("1qaz2wsx3edc4rfv", "in a row"),
        ("Passwort-12345678", "in a row"),
        ("zamioadminpassword123", "in a row"),
        ("abababab-abababab", "different characters"),
    ],
)
def test_what_can_be_guessed_is_weak(text: str, why: str) -> None:
    assert why in (weakness(text) or "")


@pytest.mark.parametrize(
    "text",
    [
        "n8Vt3KqZp6Lw1Xy",
        "abcdefgh-n8Vt3Kq",
        "Hg3xKz9_Hg3xKz9-Wq5Lm2",
        "3f9a1c0be7d24856",
        "correct-horse-battery-staple",
        "AKIA4Q7ZT2MWX9LB6PRD",
    ],
)
def test_what_is_close_to_it_is_not(text: str) -> None:
    assert weakness(text) is None


@given(st.text(alphabet=string.ascii_letters + string.digits, min_size=1, max_size=12), st.integers(2, 8), st.data())
def test_any_part_is_seen_however_it_is_cut(part: str, times: int, data: st.DataObject) -> None:
    whole = part * times + part[: data.draw(st.integers(0, len(part)))]
    assert weakness(whole) is not None


def test_made_up_secrets_are_never_weak() -> None:
    assert [text for text in (secrets.token_hex(16) for _ in range(300)) if weakness(text)] == []
    assert [text for text in (secrets.token_urlsafe(24) for _ in range(300)) if weakness(text)] == []


@pytest.mark.parametrize("part", ["a", "abcdefgh", "123", "password", "aB3", "x" * 400 + "yzabcd", "a" * 1000 + "b"])
def test_a_megabyte_is_judged_at_once(part: str) -> None:
    text = part * (1_000_000 // len(part))
    before = time.process_time()
    weakness(text)
    is_common(text)
    assert time.process_time() - before < 0.5
