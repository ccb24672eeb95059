"""Passwords inside addresses are found decoded, wherever the address stands, and in linear time."""

import time
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.config.credentials import credentials, passwords, typed_passwords


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("https://minio:n8Vt3Kq@minio.example.org", ("n8Vt3Kq",)),
        ("postgresql://app:n8%2FVt%40@db:5432/app?application_name=a@b", ("n8/Vt@",)),
        ("redis://:one@a:6379/0,redis://:two@b:6379/0", ("one", "two")),
        ("https://a:b:c@host", ("b:c",)),
        ("redis://h/0?db=1&password=n8%2B+Vt", ("n8+ Vt",)),
        ("https://h/?access_token=abc#x", ("abc",)),
        ("https://user@host/", ()),
        ("https://host/a:b@c", ()),
        ("https://host/?key=abc&token_type=x", ()),
        ("redis://:${service.redis.password}@h/0?password=${variable.X}", ()),
        ("redis://:@h", ()),
        ("a:b@c", ()),
        ("", ()),
    ],
)
def test_passwords_of_addresses(text: str, found: tuple[str, ...]) -> None:
    assert passwords(text) == found


@given(st.text(min_size=1).filter(lambda text: "${" not in text))
def test_what_is_percent_encoded_comes_back_whole(password: str) -> None:
    text = f"postgresql://app:{quote(password.encode(errors='replace'), safe='')}@db:5432/app"
    assert passwords(text) == (password.encode(errors="replace").decode(),)


def test_neither_user_nor_password_shows_itself() -> None:
    (found,) = credentials("https://minio:n8Vt3Kq@h")
    assert "minio" not in repr(found)
    assert "n8Vt3Kq" not in repr(found)


@pytest.mark.parametrize(
    "part", ["://", "://a", "://a:b", "?password=", "a@", "://@", "&a_password", "://a@b?", "://?&;"]
)
def test_a_hostile_megabyte_is_read_at_once(part: str) -> None:
    text = "x" + "://" + part * (1_000_000 // len(part))
    before = time.process_time()
    passwords(text)
    typed_passwords(text)
    assert time.process_time() - before < 1.5
