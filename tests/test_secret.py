import base64
import copy
import dataclasses
import html
import json
import pickle
import shlex
import threading
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from slipway.command import command
from slipway.secret import Mask, Secret, masked

# Words of the shown form itself cannot prove anything: they are there on purpose.
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=6).filter(
    lambda text: len(text.strip()) >= 6 and text not in "[secret]"
)


@given(TEXTS)
def test_no_way_of_showing_a_secret_shows_it(value: str) -> None:
    secret = Secret(value)
    shown = (
        str(secret),
        repr(secret),
        f"{secret}",
        f"{secret!r:>40}",
        "%s %r" % (secret, secret),  # noqa: UP031 - the old form is one of the ways
        "{:^30}".format(secret),  # noqa: UP032 - so is this one
        json.dumps({"a": secret}, default=str),
        repr([secret]),
        repr({secret: secret}),
        repr(command("psql", stdin=secret)),
    )
    assert not any(value in text for text in shown)
    with pytest.raises(TypeError) as refused:
        json.dumps(secret)
    assert value not in str(refused.value)
    with pytest.raises(TypeError, match="pickled"):
        pickle.dumps(secret)


@given(st.text(), st.text())
def test_secrets_compare_by_value(one: str, other: str) -> None:
    assume(not any("\ud800" <= c <= "\udfff" for c in one + other))
    assert (Secret(one) == Secret(other)) is (one == other)
    assert len({Secret(one), Secret(one)}) == 1
    assert Secret(one) != one
    assert bool(Secret(one)) is bool(one)
    assert (Secret(one).digest(b"k") == Secret(other).digest(b"k")) is (one == other)
    assert Secret(one).digest(b"k") != Secret(one).digest(b"other")


def test_copies_are_the_secret_itself() -> None:
    secret = Secret("correct horse")
    assert copy.copy(secret) is secret
    assert dataclasses.asdict(command("x", stdin=secret))["stdin"] is secret
    assert not hasattr(secret, "__dict__")


@given(TEXTS, st.text(), st.text())
def test_the_mask_leaves_nothing_of_a_secret(value: str, before: str, after: str) -> None:
    assert value not in Mask([Secret(value)])(before + value + after)


@given(TEXTS, st.integers(0, 3), st.integers(0, 3))
def test_the_mask_knows_how_others_spell_a_secret(value: str, before: int, after: int) -> None:
    mask = Mask([Secret(value)])
    user = "u" * before + value + "p" * after
    spelled = (
        json.dumps(value)[1:-1],
        json.dumps(value, ensure_ascii=False)[1:-1],
        quote(value),
        quote(value, safe=""),
        quote_plus(value),
        html.escape(value),
        repr(value)[1:-1],
        shlex.quote(value).removeprefix("'").removesuffix("'"),
        base64.b64encode(value.encode()).decode().rstrip("="),
        base64.urlsafe_b64encode(value.encode()).decode().rstrip("="),
    )
    for text in spelled:
        assert "[secret]" in mask(f"<{text}>"), text
        assert len(mask(f"<{text}>")) <= len("<[secret]>") + 1, text  # base64's last digit may hold two bits
    assert "[secret]" in mask(base64.b64encode(user.encode()).decode())


def test_lower_case_url_escapes_and_php_slashes_are_known() -> None:
    mask = Mask([Secret("a/b+c=d&e")])
    assert mask("redis://:a%2fb%2bc%3dd%26e@redis") == "redis://:[secret]@redis"
    assert mask(r'{"password":"a\/b+c=d&e"}') == '{"password":"[secret]"}'


@pytest.mark.parametrize(
    ("secrets", "text", "shown"),
    [
        (["abcdef", "cdefgh"], "<abcdefgh>", "<[secret]>"),
        (["password", "password-long"], "<password-long>", "<[secret]>"),
        (["aaaaaa"], "<aaaaaaaa>", "<[secret]>"),
        (["abcdef"], "abcdefabcdef", "[secret][secret]"),
        (["secret"], "a secret", "a [secret]"),
        (["short", ""], "short stays", "short stays"),
        (["      "], "      indented", "      indented"),
    ],
)
def test_overlapping_and_short_secrets(secrets: list[str], text: str, shown: str) -> None:
    assert Mask(map(Secret, secrets))(text) == shown


def test_a_key_is_masked_line_by_line() -> None:
    key = "-----BEGIN KEY-----\nMIIEvQIBADANBg\n  kqhkiG9w0BAQEF\n-----END KEY-----\n"
    mask = Mask([Secret(key)])
    for line in key.splitlines():
        assert mask(f"#5 0.1 {line}").endswith("[secret]")
    assert mask(f"x{key}x") == "x[secret]x"
    assert mask(json.dumps({"key": key})) == '{"key": "[secret]"}'


def test_secrets_are_learned_while_others_mask() -> None:
    mask, ended = Mask(), threading.Event()
    errors: list[RuntimeError] = []

    def masking() -> None:
        try:
            while not ended.is_set():
                mask("some text with value-17-value in it")
        except RuntimeError as error:
            errors.append(error)

    threads = [threading.Thread(target=masking) for _ in range(3)]
    for thread in threads:
        thread.start()
    for number in range(300):
        mask.add([Secret(f"value-{number}-value")])
    ended.set()
    for thread in threads:
        thread.join()
    assert not errors
    assert mask("value-17-value") == "[secret]"


def test_a_document_is_masked_value_by_value() -> None:
    document = {
        "seconds": 1.123456,
        "steps": [{"name": "x", "observed": "pw: 123456"}, ("123456",)],
        "secret": Secret("hidden"),
        "nan": float("nan"),
        "ok": True,
        "none": None,
    }
    assert masked(document, Mask([Secret("123456"), Secret("seconds")])) == {
        "seconds": 1.123456,
        "steps": [{"name": "x", "observed": "pw: [secret]"}, ["[secret]"]],
        "secret": "[secret]",
        "nan": None,
        "ok": True,
        "none": None,
    }
