"""Who is counted as whom by the rate limit."""

import time
from ipaddress import ip_network
from types import SimpleNamespace
from typing import Any

import pytest
from slipway_runtime.limiting.callers import ABSENT, Known, client, credential, exempt, looked_at

INSIDE = (ip_network("10.0.0.0/8"), ip_network("127.0.0.0/8"), ip_network("fc00::/7"))


@pytest.mark.parametrize(
    ("peer", "header", "expected"),
    [
        ("203.0.113.9", None, "203.0.113.9"),
        ("203.0.113.9", "198.51.100.1", "203.0.113.9"),  # nobody's proxy: what it says is its own invention
        ("10.0.0.2", None, "10.0.0.2"),
        ("10.0.0.2", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.2", "1.2.3.4, 198.51.100.1", "198.51.100.1"),  # the left one is forged
        ("10.0.0.2", "1.2.3.4, 198.51.100.1, 10.0.0.7", "198.51.100.1"),
        ("10.0.0.2", "10.0.0.9, 10.0.0.7", "10.0.0.9"),
        ("10.0.0.2", "198.51.100.1:4711", "198.51.100.1"),
        ("10.0.0.2", "[2001:db8:1:2::7]:443", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:3::7", None, "2001:db8:1:2::/64"),
        ("fc00::1", "::ffff:198.51.100.1", "198.51.100.1"),
        ("::ffff:10.0.0.2", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.2", "garbage", "10.0.0.2"),
        ("10.0.0.2", "1.2.3.4, garbage", "10.0.0.2"),
        ("10.0.0.2", "", "10.0.0.2"),
        ("10.0.0.2", "x" * 100_000, "10.0.0.2"),
        ("", "198.51.100.1", "198.51.100.1"),  # a socket file
        ("", None, "unknown"),
        ("testserver", "garbage", "unknown"),
    ],
)
def test_the_client_is_the_rightmost_address_that_is_no_trusted_proxy(
    peer: str, header: str | None, expected: str
) -> None:
    meta = {"REMOTE_ADDR": peer} | ({"HTTP_X_FORWARDED_FOR": header} if header is not None else {})
    assert client(meta, INSIDE) == expected


def test_without_trusted_proxies_no_header_counts() -> None:
    assert client({"REMOTE_ADDR": "10.0.0.2", "HTTP_X_FORWARDED_FOR": "1.2.3.4"}, ()) == "10.0.0.2"


def test_a_credential_stands_for_the_user_that_the_project_took_it_for() -> None:
    known, shown = Known(), credential("Bearer abc", "")
    somebody = SimpleNamespace(is_authenticated=True, pk=7)
    assert known.user(shown) is None
    known.learn(shown, somebody)
    assert known.user(shown) == "7"
    assert known.user(credential("Bearer abd", "")) is None
    known.learn(shown, ABSENT)  # a view that did not look
    assert known.user(shown) == "7"
    known.learn(shown, SimpleNamespace(is_authenticated=False, pk=None))  # logged out
    assert known.user(shown) is None
    known.learn(None, somebody)
    assert known.user(None) is None


def test_what_is_remembered_is_bounded_in_number_and_time() -> None:
    known = Known(most=3, kept=0.05)
    shown = [credential(f"Bearer {n}", "") for n in range(5)]
    for n, one in enumerate(shown):
        known.learn(one, SimpleNamespace(is_authenticated=True, pk=n))
    assert [known.user(one) for one in shown] == [None, None, "2", "3", "4"]
    time.sleep(0.06)
    assert [known.user(one) for one in shown] == [None] * 5


def test_a_credential_cannot_be_made_up_of_two_halves_of_another() -> None:
    assert credential("a", "b") != credential("ab", "") != credential("", "ab")
    assert credential("", "") is None


def test_a_lazy_user_is_not_looked_up() -> None:
    from django.utils.functional import SimpleLazyObject

    def look() -> Any:
        raise AssertionError("looked up")

    lazy = SimpleNamespace(user=SimpleLazyObject(look))
    assert looked_at(lazy) is ABSENT
    assert looked_at(SimpleNamespace()) is ABSENT
    lazy._cached_user = "somebody"  # what Django's own look-up leaves behind
    assert looked_at(lazy) == "somebody"
    assert looked_at(SimpleNamespace(user="the REST framework's")) == "the REST framework's"


def test_paths_that_are_not_counted() -> None:
    assert exempt("/health/", {"/health/"}, ())
    assert not exempt("/health/x", {"/health/"}, ())
    assert exempt("/hooks/pay/", (), ("/hooks/",))
    assert not exempt("/api/", (), ("/hooks/",))
