"""What the overlay makes of a project's database, cache, channels and Celery settings; no server is asked."""

import importlib
from typing import Any

import pytest
from slipway_runtime.conf.env import Env

POSTGRES = {"ENGINE": "django.db.backends.postgresql", "HOST": "db", "NAME": "app", "CONN_MAX_AGE": 600}
REDIS = "redis://:pass@redis:6379/0"
DJANGO_REDIS = {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": REDIS}


def laid(settings: dict[str, Any], *subjects: str, **environ: str) -> tuple[dict[str, Any], list[str]]:
    """Return the settings with subjects laid over them, and the ids of problems."""
    env = Env(environ)
    result = dict(settings)
    for subject in subjects:
        result.update(importlib.import_module(f"slipway_runtime.conf.{subject}").overlay(result, env))
    return result, [problem.id for problem in env.problems]


def database(role: str, settings: dict[str, Any] | None = None, **environ: str) -> dict[str, Any]:
    given = {"DATABASES": {"default": POSTGRES, **(settings or {})}}
    result, problems = laid(given, "database", SLIPWAY_ROLE=role, **environ)
    assert problems == []
    return dict(result["DATABASES"])


def test_the_web_role_has_a_pool_and_no_persistent_connections() -> None:
    found = database("web", DB_POOL_SIZE="7", DB_POOL_TIMEOUT="2s", DB_POOL_MAX_LIFETIME="10m")["default"]
    assert found["CONN_MAX_AGE"] == 0
    assert found["CONN_HEALTH_CHECKS"] is True
    pool = found["OPTIONS"]["pool"]
    assert (pool["max_size"], pool["timeout"], pool["max_lifetime"]) == (7, 2.0, 600.0)
    assert database("web")["default"]["OPTIONS"]["pool"]["max_size"] == 10


@pytest.mark.parametrize("role", ["worker", "beat", "migrate", ""])
def test_no_other_role_has_one(role: str) -> None:
    found = database(role)["default"]
    assert "pool" not in found["OPTIONS"]
    assert found["CONN_MAX_AGE"] == 600


@pytest.mark.parametrize(
    ("role", "words"),
    [
        ("web", "-c statement_timeout=30000 -c idle_in_transaction_session_timeout=60000"),
        ("worker", "-c statement_timeout=600000 -c idle_in_transaction_session_timeout=600000"),
        ("migrate", None),
        ("", None),
    ],
)
def test_statements_are_limited_where_somebody_waits(role: str, words: str | None) -> None:
    assert database(role)["default"]["OPTIONS"].get("options") == words


def test_limits_of_zero_send_no_startup_parameter_which_pgbouncer_would_refuse() -> None:
    found = database("web", DB_STATEMENT_TIMEOUT="0", DB_IDLE_TRANSACTION_TIMEOUT="0", DB_POOL_SIZE="0")["default"]
    assert "options" not in found["OPTIONS"]
    assert "pool" not in found["OPTIONS"]


def test_a_projects_own_options_stand_and_a_read_replica_gets_the_same() -> None:
    own = {"connect_timeout": 2, "options": "-c search_path=music -c statement_timeout=9000", "pool": {"max_size": 3}}
    replica = {**POSTGRES, "HOST": "replica", "OPTIONS": own}
    found = database("web", {"read_replica": replica})
    assert set(found) == {"default", "read_replica"}
    options = found["read_replica"]["OPTIONS"]
    assert (options["connect_timeout"], options["pool"], found["read_replica"]["HOST"]) == (
        2,
        {"max_size": 3},
        "replica",
    )
    assert options["options"] == (
        "-c search_path=music -c statement_timeout=9000 -c idle_in_transaction_session_timeout=60000"
    )
    assert found["default"]["OPTIONS"]["connect_timeout"] == 5
    assert found["default"]["OPTIONS"]["application_name"] == "slipway-web"


def test_what_the_project_gave_is_not_changed_in_place() -> None:
    given = {"default": {**POSTGRES, "OPTIONS": {"sslmode": "require"}}}
    before = repr(given)
    laid({"DATABASES": given}, "database", SLIPWAY_ROLE="web")
    assert repr(given) == before


def test_sqlite_is_left_alone_and_is_a_problem_unless_it_is_allowed() -> None:
    given = {"DATABASES": {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "x"}}}
    result, problems = laid(given, "database", SLIPWAY_ROLE="web")
    assert result["DATABASES"] == given["DATABASES"]
    assert problems == ["slipway.E100"]
    assert laid(given, "database", DB_ALLOW_SQLITE="true")[1] == []


@pytest.mark.parametrize("missing", ["psycopg", "psycopg_pool"])
def test_without_psycopg_3_there_is_no_pool_and_a_warning(monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == missing else object())
    result, problems = laid({"DATABASES": {"default": POSTGRES}}, "database", SLIPWAY_ROLE="web")
    assert "pool" not in result["DATABASES"]["default"]["OPTIONS"]
    assert result["DATABASES"]["default"]["CONN_MAX_AGE"] == 600
    assert problems == ["slipway.W101"]


@pytest.mark.parametrize("value", ["-1", "ten", "1001", "9" * 400, "1;DROP"])
def test_a_wrong_size_is_a_problem_and_the_default(value: str) -> None:
    result, problems = laid({"DATABASES": {"default": POSTGRES}}, "database", SLIPWAY_ROLE="web", DB_POOL_SIZE=value)
    assert result["DATABASES"]["default"]["OPTIONS"]["pool"]["max_size"] == 10
    assert len(problems) == 1


def test_each_use_of_one_redis_has_a_prefix_of_its_own() -> None:
    given = {
        "CACHES": {"default": DJANGO_REDIS, "other": {**DJANGO_REDIS, "KEY_PREFIX": "music"}},
        "CELERY_BROKER_URL": REDIS,
        "CELERY_RESULT_BACKEND": REDIS,
        "CHANNEL_LAYERS": {
            "default": {"BACKEND": "channels_redis.core.RedisChannelLayer", "CONFIG": {"hosts": [REDIS]}}
        },
    }
    found, _ = laid(given, "redis", "cache", "celery", REDIS_URL=REDIS, REDIS_NAMESPACE="zamio")
    assert found["CACHES"]["default"]["KEY_PREFIX"] == "zamio.cache"
    assert found["CACHES"]["other"]["KEY_PREFIX"] == "zamio.cache.music"
    assert found["CELERY_BROKER_TRANSPORT_OPTIONS"]["global_keyprefix"] == "zamio.broker."
    assert found["CELERY_RESULT_BACKEND_TRANSPORT_OPTIONS"]["global_keyprefix"] == "zamio.results."
    layer = found["CHANNEL_LAYERS"]["default"]["CONFIG"]
    assert layer["prefix"] == "zamio.channels"
    assert layer["hosts"][0]["address"] == REDIS
    assert layer["hosts"][0]["socket_timeout"] > 5  # a receiver blocks for five seconds


def test_what_the_project_separates_itself_stays_as_it_is() -> None:
    given = {
        "CELERY_BROKER_URL": "redis://one/1",
        "CELERY_BROKER_TRANSPORT_OPTIONS": {"global_keyprefix": "mine:", "visibility_timeout": 5000},
        "CELERY_TASK_TIME_LIMIT": 100,
        "CELERY_RESULT_BACKEND": "db+sqlite:///results",
        "CHANNEL_LAYERS": {
            "default": {"BACKEND": "channels_redis.core.RedisChannelLayer", "CONFIG": {"prefix": "mine"}}
        },
        "CACHES": {"default": {"BACKEND": "django.core.cache.backends.memcached.PyMemcacheCache", "LOCATION": "m:1"}},
    }
    found, problems = laid(given, "redis", "cache", "celery", REDIS_URL=REDIS)
    assert problems == []
    assert found["CELERY_BROKER_URL"] == "redis://one/1"
    assert found["CELERY_BROKER_TRANSPORT_OPTIONS"]["global_keyprefix"] == "mine:"
    assert found["CELERY_BROKER_TRANSPORT_OPTIONS"]["visibility_timeout"] == 5000
    assert found["CELERY_TASK_TIME_LIMIT"] == 100
    assert "CELERY_RESULT_BACKEND_TRANSPORT_OPTIONS" not in found
    assert found["CHANNEL_LAYERS"]["default"]["CONFIG"]["prefix"] == "mine"
    assert found["CACHES"] == given["CACHES"]


def test_without_redis_nothing_is_made_up() -> None:
    given = {"CHANNEL_LAYERS": {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}}
    found, problems = laid(given, "redis", "cache", "celery")
    assert problems == []
    assert found["CHANNEL_LAYERS"] == given["CHANNEL_LAYERS"]
    assert found["CACHES"]["default"]["BACKEND"].endswith("LocMemCache")
    assert "CELERY_BROKER_URL" not in found


def test_what_is_in_one_process_memory_moves_to_redis() -> None:
    given = {
        "CHANNEL_LAYERS": {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}},
        "CELERY_BROKER_URL": "memory://",
        "CELERY_RESULT_BACKEND": "cache+memory://",
    }
    found, _ = laid(given, "redis", "cache", "celery", REDIS_URL=REDIS)
    assert found["CHANNEL_LAYERS"]["default"]["CONFIG"]["hosts"][0]["address"] == REDIS
    assert found["CACHES"]["default"]["LOCATION"] == REDIS
    assert found["CELERY_BROKER_URL"] == found["CELERY_RESULT_BACKEND"] == REDIS


@pytest.mark.parametrize("url", ["http://redis", "redis", "/var/run/redis.sock", "postgres://a/b"])
def test_an_address_that_is_none_of_redis_is_a_problem(url: str) -> None:
    assert laid({}, "redis", REDIS_URL=url)[1] == ["slipway.E110"]


@pytest.mark.parametrize("name", ["Upper", "with space", "*", "x" * 33, "-x", "a:b"])
def test_a_namespace_is_one_word(name: str) -> None:
    found, problems = laid({}, "redis", REDIS_NAMESPACE=name)
    assert problems == ["slipway.E111"]
    assert found["SLIPWAY"]["redis"]["namespace"] == "slipway"


def test_late_acknowledgement_is_the_projects_choice_and_is_pointed_at() -> None:
    found, problems = laid({"CELERY_TASK_ACKS_LATE": True}, "redis", "celery", REDIS_URL=REDIS)
    assert found["CELERY_TASK_ACKS_LATE"] is True
    assert problems == ["slipway.W131"]
    found, problems = laid({}, "redis", "celery", REDIS_URL=REDIS)
    assert "CELERY_TASK_ACKS_LATE" not in found
    assert problems == []


def test_a_task_that_may_outlast_the_visibility_timeout_would_run_twice() -> None:
    given = {"CELERY_TASK_TIME_LIMIT": 7200}
    found, problems = laid(given, "redis", "celery", REDIS_URL=REDIS)
    assert (found["CELERY_BROKER_TRANSPORT_OPTIONS"]["visibility_timeout"], problems) == (14400, [])
    assert laid(given, "redis", "celery", REDIS_URL=REDIS, CELERY_VISIBILITY_TIMEOUT="1h")[1] == ["slipway.E132"]


def test_beat_writes_down_each_run_and_every_task_has_an_end() -> None:
    found, _ = laid({}, "redis", "celery", REDIS_URL=REDIS)
    assert found["CELERY_BEAT_SYNC_EVERY"] == 1
    assert found["CELERY_BEAT_MAX_LOOP_INTERVAL"] == 5
    quick, _ = laid({}, "redis", "celery", REDIS_URL=REDIS, CELERY_BEAT_MAX_LOOP_INTERVAL="500ms")
    assert quick["CELERY_BEAT_MAX_LOOP_INTERVAL"] == 0.5
    _, problems = laid({}, "redis", "celery", REDIS_URL=REDIS, CELERY_BEAT_MAX_LOOP_INTERVAL="1h")
    assert problems == ["slipway.E001"]
    assert (found["CELERY_TASK_SOFT_TIME_LIMIT"], found["CELERY_TASK_TIME_LIMIT"]) == (300, 600)
    assert found["CELERY_RESULT_EXPIRES"] == 3600
    assert found["CELERY_WORKER_PREFETCH_MULTIPLIER"] == 1


def test_celerys_old_names_are_not_mixed_with_the_new_ones() -> None:
    found, problems = laid({"BROKER_URL": REDIS}, "redis", "celery", REDIS_URL=REDIS)
    assert problems == ["slipway.W130"]
    assert not [name for name in found if name.startswith("CELERY_")]


def test_a_rediss_address_says_that_the_certificate_is_checked() -> None:
    from celery import Celery

    found, _ = laid({}, "redis", "celery", REDIS_URL="rediss://:pass@redis:6380/0")
    assert found["CELERY_BROKER_URL"] == "rediss://:pass@redis:6380/0?ssl_cert_reqs=required"
    app = Celery("x", broker=found["CELERY_BROKER_URL"], backend=found["CELERY_RESULT_BACKEND"])
    assert app.backend.connparams["ssl_cert_reqs"].name == "CERT_REQUIRED"  # without it Celery raises here


def test_sessions_that_live_in_the_cache_alone_are_pointed_at() -> None:
    assert laid({"SESSION_ENGINE": "django.contrib.sessions.backends.cache"}, "redis", "cache")[1] == ["slipway.W120"]
    assert laid({"SESSION_ENGINE": "django.contrib.sessions.backends.cached_db"}, "redis", "cache")[1] == []


def test_an_exception_handler_of_rest_framework_is_wrapped_and_remembered() -> None:
    given = {"DATABASES": {}, "REST_FRAMEWORK": {"EXCEPTION_HANDLER": "mine.handler", "PAGE_SIZE": 5}}
    found, _ = laid(given, "database")
    assert found["REST_FRAMEWORK"]["EXCEPTION_HANDLER"].startswith("slipway_runtime.")
    assert found["REST_FRAMEWORK"]["PAGE_SIZE"] == 5
    assert found["SLIPWAY"]["exception_handler"] == "mine.handler"
