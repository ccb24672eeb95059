"""What is shown of each variable: its place, what it won against, its references; of a secret a keyed digest alone."""

from pathlib import Path

import pytest

from slipway.config.config import Config, load_config
from slipway.config.explained import Explained, Explaining, shown_value
from slipway.config.kinds import Kind
from slipway.config.references import Values, database_values
from slipway.config.workspace import Workspace
from slipway.secret import Secret

KEY = b"k" * 32
PASSWORD = "p4ssw0rd/of+the=base"
URL = Secret("postgres://app:p4ssw0rd%2Fof%2Bthe%3Dbase@d1:5432/app")


@pytest.fixture
def config(root: Path, workspace: Workspace) -> Config:
    (root / "env" / "production.secrets.env").write_text(
        "SECRET_KEY=first-key\nSENTRY_DSN=https://ab12@s.example.org/7\n"
    )
    (root / "env" / "production.api.env").write_text("SECRET_KEY=second-key\n")
    return load_config(root, "production", workspace)


def one(config: Config, name: str, service: str, observed: Values | None = None) -> Explained:
    (found,) = Explaining(config, observed or {}, KEY).explain(service, name)
    return found


def test_each_layer_that_was_won_against_is_told_in_order(config: Config) -> None:
    found = one(config, "SECRET_KEY", "api")
    assert (found.layer, found.where) == ("service", "env/production.api.env:1")
    assert found.overrides == (("secrets", "env/production.secrets.env:1"),)
    debug = one(config, "DEBUG", "api")
    assert debug.overrides == (("default", "env/schema.yaml"),)
    assert (debug.layer, debug.where, debug.type, debug.phase) == ("base", "env/base.env:7", "boolean", "run")


def test_a_value_that_differs_between_services_stands_there_once_for_each(config: Config) -> None:
    found = Explaining(config, {}, KEY).explain(name="SECRET_KEY")
    assert [each.services for each in found] == [("api",), ("worker", "beat")]
    assert len({each.value for each in found}) == 2


def test_what_slipway_reads_and_what_it_computes_is_there_too(config: Config) -> None:
    found = {each.name: each for each in Explaining(config, {}, KEY).explain()}
    assert found["SLIPWAY_DOMAIN"].services == ("slipway",)
    assert (found["PORT"].layer, found["PORT"].value) == ("computed", "8000")


def test_a_reference_says_what_it_stands_for_and_who_says_so(config: Config) -> None:
    (public,) = one(config, "BASE_URL", "api").references
    assert (public.value, public.source) == ("https://api.zamio.com", "SLIPWAY_DOMAIN env/production.env:2")
    before = one(config, "DATABASE_URL", "api")
    assert before.value == "${service.postgres.internal_url}"
    assert before.references[0].source == "the platform, once it is deployed"
    after = one(config, "DATABASE_URL", "api", database_values("postgres", URL))
    assert after.value.startswith("postgres://app:[secret #")
    assert after.value.endswith("]@d1:5432/app")
    assert after.references[0].source == "the platform, now"


def test_no_form_of_a_secret_is_in_anything_that_is_shown(config: Config) -> None:
    shown = repr([each.as_json() for each in Explaining(config, database_values("postgres", URL), KEY).explain()])
    for secret in ("first-key", "second-key", "ab12", PASSWORD, "p4ssw0rd"):
        assert secret not in shown


def test_a_digest_compares_values_and_without_the_key_tells_nothing() -> None:
    def shown(text: str, key: bytes) -> str:
        return shown_value(text, Kind.STRING, secret=True, key=key)

    assert shown("a", KEY) == shown("a", KEY) != shown("b", KEY)
    assert shown("a", KEY) != shown("a", b"another")


@pytest.mark.parametrize(
    ("text", "kind", "secret", "left"),
    [
        ("redis://:pw@h:6379/0", Kind.REDIS_URL, True, "redis://:#@h:6379/0"),
        ("https://u:pw@h/T00/hook?x=1#y", Kind.URL, True, "https://u:#@h..."),
        ("https://h/T00/hook", Kind.URL, True, "#"),
        ("postgresql://u:pw@h:x/db", Kind.DATABASE_URL, True, "postgresql://u:#@h:x/db"),
        ("postgresql://u:p[w@h/db", Kind.DATABASE_URL, True, "#"),
        ("redis://:${service.redis.password}@h/0", Kind.REDIS_URL, True, "#"),
        ("${service.redis.internal_url}/1", Kind.REDIS_URL, True, "${service.redis.internal_url}/1"),
        ("${service.redis.internal_url}pw", Kind.REDIS_URL, True, "#"),
        ("plain http://u:pw@h and ftp://a:b@c", Kind.STRING, False, "plain http://u:#@h and ftp://a:#@c"),
        ("https://u:p/w#x@h", Kind.URL, False, "https://u:#@h"),
        ("https://h:80/a?password=pw&b=1", Kind.URL, False, "https://h:80/a?password=#&b=1"),
        ("https://u:${variable.A}pw@h", Kind.URL, False, "https://u:#@h"),
        ("https://u:${variable.A}@h", Kind.URL, False, "https://u:${variable.A}@h"),
        (
            "https://h:80/a@b,https://h:80,https://u:pw@h",
            Kind.LIST,
            False,
            "https://h:80/a@b,https://h:80,https://u:#@h",
        ),
        ("", Kind.STRING, True, ""),
        ("https://h:80/a", Kind.URL, False, "https://h:80/a"),
    ],
)
def test_of_an_address_only_the_password_is_hidden(text: str, kind: Kind, secret: bool, left: str) -> None:
    import re

    assert re.sub(r"\[secret #[0-9a-f]{8}\]", "#", shown_value(text, kind, secret=secret, key=KEY)) == left
