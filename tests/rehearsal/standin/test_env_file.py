"""How values are written into a deployment's .env file."""

import pytest

from slipway.rehearsal.standin import env_file
from tests.rehearsal.standin.trap_scenarios import row


@pytest.mark.parametrize(
    ("value", "plain", "literal"),
    [
        ("abc", "abc", "'abc'"),
        ("pa$word", "pa$word", "'pa$word'"),
        ("a #b", "a #b", "'a #b'"),
        ("it's", "it\\'s", "'it's'"),
        ('say "hi"', 'say \\"hi\\"', "'say \"hi\"'"),
        ("a\\b", "a\\\\b", "'a\\b'"),
        ("a\tb\r\0", "a\\tb\\r\\0", "'a\tb\r\0'"),
        ("one\ntwo", "one\ntwo", "'one\ntwo'"),
        ('{"a": "$X"}', '{"a": "$X"}', '{"a": "$X"}'),
        ("[1, 2]", "[1, 2]", "[1, 2]"),
        ("{not json}", "{not json}", "'{not json}'"),
        ("[" * 50_000, "[" * 50_000, "'" + "[" * 50_000 + "'"),
        ('"a"', '\\"a\\"', "'\"a\"'"),
        ("é", "é", "'é'"),
    ],
)
def test_encoding(value: str, plain: str, literal: str) -> None:
    assert env_file.encoded(value, is_literal=False, is_multiline=False) == plain
    assert env_file.encoded(value, is_literal=True, is_multiline=False) == literal
    assert env_file.encoded(value, is_literal=False, is_multiline=True) == literal


@pytest.mark.parametrize("value", [None, ""])
def test_nothing_stays_nothing(value: str | None) -> None:
    assert env_file.encoded(value, is_literal=True, is_multiline=False) is None


def variable(number: int, key: str, value: str | None = "x", **changes: object) -> dict[str, object]:
    flags = {"is_literal": False, "is_multiline": False, "is_runtime": True, "is_preview": False}
    return {"id": number, "key": key, "value": value, **flags, **changes}


def written(*variables: dict[str, object], **fields: object) -> list[str]:
    lines = env_file.content(row(**fields), list(variables), "HEAD", "c").splitlines()
    return [line for line in lines if not line.startswith(("COOLIFY_", "SOURCE_COMMIT", "HOST="))]


def test_order_and_choice() -> None:
    variables = [
        variable(3, "B"), variable(1, "C", "$SERVICE_URL"), variable(2, "A"), variable(4, "BUILD", is_runtime=False),
        variable(5, "TWIN", is_preview=True), variable(6, "NIXPACKS_X"), variable(7, "EMPTY", None),
    ]  # fmt: skip
    assert written(*variables) == ["A=x", "B=x", "EMPTY=", "C=$SERVICE_URL"]
    assert written(*variables, is_env_sorting_enabled=True) == ["A=x", "B=x", "EMPTY=", "C=$SERVICE_URL"]
    assert written(variable(1, "Z"), variable(2, "Y"), is_env_sorting_enabled=True) == ["Y=x", "Z=x"]


def test_the_twin_keys_suppress_each_other() -> None:
    web = row(fqdn="https://a.localhost,http://b.localhost")
    assert dict(env_file.predefined(web, "abc", "c", set())) == {
        "SOURCE_COMMIT": "abc",
        "COOLIFY_URL": "https://a.localhost,http://b.localhost",
        "COOLIFY_FQDN": "a.localhost,b.localhost",
        "COOLIFY_BRANCH": "",
        "COOLIFY_RESOURCE_UUID": web["uuid"],
        "COOLIFY_CONTAINER_NAME": "c",
    }
    assert "COOLIFY_URL" not in dict(env_file.predefined(web, "abc", "c", {"COOLIFY_FQDN"}))
    assert "COOLIFY_FQDN" not in dict(env_file.predefined(web, "abc", "c", {"COOLIFY_URL"}))
