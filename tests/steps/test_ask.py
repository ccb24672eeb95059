import pytest

from slipway.errors import Unreachable, UsageError
from slipway.secret import Secret
from slipway.steps.ask import AskPostgres, AskTaskState
from slipway.testing import FakeContainers

POSTGRES = Secret("postgres://app:p%40ss-word@db-uuid:5433/zamio")
REDIS = Secret("redis://default:p%40ss-word@redis-uuid:6380/2")


def test_a_query_travels_without_the_password_in_its_words() -> None:
    engine = FakeContainers()
    engine.answers["ask-postgres"] = (0, "1|2\n")
    assert AskPostgres(engine, "tools", "net", POSTGRES)("SELECT 1, 2") == "1|2\n"
    one_off = engine.one_offs[0]
    assert one_off.argv[0] == "psql"
    assert one_off.argv[-1] == "SELECT 1, 2"
    assert "ss-word" not in " ".join(one_off.argv)
    assert one_off.variables["PGPASSWORD"] == Secret("p@ss-word")
    assert (one_off.image, one_off.network) == ("tools", "net")


def test_psqls_own_words_say_why_there_is_no_answer() -> None:
    engine = FakeContainers()
    engine.answers["ask-postgres"] = (2, "could not translate host name")
    with pytest.raises(Unreachable) as raised:
        AskPostgres(engine, "tools", "net", POSTGRES)("SELECT 1")
    assert raised.value.details == ("could not translate host name",)


def state(answer: tuple[int, str], url: Secret = REDIS) -> tuple[str, FakeContainers]:
    engine = FakeContainers()
    engine.answers["ask-redis"] = answer
    return AskTaskState(engine, "tools", "net", url)("slipway.results.celery-task-meta-t-1"), engine


def test_a_tasks_state_is_what_redis_holds() -> None:
    said, engine = state((0, '{"status": "SUCCESS", "result": 3}\n'))
    assert said == "SUCCESS"
    one_off = engine.one_offs[0]
    assert one_off.argv == (
        *("redis-cli", "-h", "redis-uuid", "-p", "6380", "--user", "default"),
        *("-n", "2", "GET", "slipway.results.celery-task-meta-t-1"),
    )
    assert one_off.variables == {"REDISCLI_AUTH": Secret("p@ss-word")}


def test_nothing_is_no_state() -> None:
    assert state((0, "\n"))[0] == ""


def test_defaults_and_tls() -> None:
    _, engine = state((0, ""), Secret("rediss://redis"))
    assert engine.one_offs[0].argv[:8] == ("redis-cli", "-h", "redis", "-p", "6379", "--tls", "-n", "0")
    assert engine.one_offs[0].variables == {}


@pytest.mark.parametrize(
    "answer", [(1, "Could not connect"), (0, "NOAUTH Authentication required."), (0, "[]"), (0, '{"id": 1}')]
)
def test_another_answer_is_no_state(answer: tuple[int, str]) -> None:
    with pytest.raises(Unreachable):
        state(answer)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "redis",
        "http://redis:6379",
        "redis://",
        "redis://:pa/ss-word@redis:6379",
        "redis://:p@redis:ss-word",
        "redis://[",
    ],
)
def test_a_malformed_url_is_refused_without_showing_it(url: str) -> None:
    with pytest.raises(UsageError) as raised:
        state((0, ""), Secret(url))
    assert "ss-word" not in str(raised.value)
    assert raised.value.__cause__ is None
    assert raised.value.__context__ is None
