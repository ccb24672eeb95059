"""Database: a bounded pool for the web role, time limits for whatever waits, and nothing kept open that need not be."""

import importlib.util
from typing import Any

from slipway_runtime.conf.env import Env

MIDDLEWARE = "slipway_runtime.unavailable.Unavailable"
DRF_HANDLER = "slipway_runtime.unavailable.exception_handler"

RUNNING = ("web", "worker", "beat")
"""Roles whose statements are limited; `migrate` sets its own limits, and a person's command has none."""


def overlay(settings: dict[str, Any], env: Env) -> dict[str, Any]:
    """Return DATABASES with the role's options, and what answers 503 when no connection is to be had."""
    databases = settings.get("DATABASES") or {}
    role = env.text("SLIPWAY_ROLE")
    options, pool = _options(role, settings, env), _pool(role, env)
    changed: dict[str, Any] = {}
    for alias, database in databases.items():
        engine = str(database.get("ENGINE", ""))
        changed[alias] = _postgresql(database, options, pool) if _is_postgresql(engine) else database
        if engine.endswith("sqlite3") and not env.boolean("DB_ALLOW_SQLITE", default=False):
            env.problem(
                "DATABASE_URL",
                f"is not set, so {alias} is SQLite: a file in this container, gone with it",
                "name a PostgreSQL database, or allow it with DB_ALLOW_SQLITE=true",
                code="100",
            )
    retry_after = max(1, round(pool["timeout"])) if pool else 5
    return {
        "DATABASES": changed,
        "MIDDLEWARE": [MIDDLEWARE, *settings.get("MIDDLEWARE", ())],
        **_rest_framework(settings),
        "SLIPWAY": {
            **settings.get("SLIPWAY", {}),
            "retry_after": retry_after,
            "exception_handler": (settings.get("REST_FRAMEWORK") or {}).get("EXCEPTION_HANDLER"),
        },
    }


def _is_postgresql(engine: str) -> bool:
    return "postgresql" in engine or "postgis" in engine or "psycopg" in engine


def _pool(role: str, env: Env) -> dict[str, Any] | None:
    """Return psycopg_pool's options: for the web role, where every request is a thread of its own; None elsewhere.

    A prefork worker has one connection a process, and a pool's threads do not survive a fork.
    """
    size = env.integer("DB_POOL_SIZE", 10, 0, 1000)
    wait = env.seconds("DB_POOL_TIMEOUT", 5.0, 0.1, 60.0)
    life = env.seconds("DB_POOL_MAX_LIFETIME", 1800.0, 10.0)
    if role != "web" or not size:
        return None
    if not all(importlib.util.find_spec(name) for name in ("psycopg", "psycopg_pool")):
        env.problem(
            "DB_POOL_SIZE", "needs psycopg 3 and psycopg_pool, which are not installed", fatal=False, code="101"
        )
        return None
    import django

    if django.VERSION < (5, 1):
        env.problem("DB_POOL_SIZE", f"needs Django 5.1, and this is {django.get_version()}", fatal=False, code="102")
        return None
    return {
        "min_size": 1,
        "max_size": size,
        "timeout": wait,
        "max_lifetime": life,
        "max_idle": min(300.0, life),
        # The pause between two attempts doubles until this is over, then a request starts anew with a short one:
        # psycopg's 300 s would keep a pool away for minutes after a database that was gone for one.
        "reconnect_timeout": wait,
    }


def _options(role: str, settings: dict[str, Any], env: Env) -> dict[str, Any]:
    """Return libpq's parameters; each gives way to one that the project sets itself."""
    # A task's statement may run as long as the task.
    task = float(settings.get("CELERY_TASK_TIME_LIMIT") or env.integer("CELERY_TIME_LIMIT", 600, 1))
    usual = {"web": (30.0, 60.0), "worker": (task, task), "beat": (30.0, 60.0)}.get(role, (0.0, 0.0))
    statement = env.seconds("DB_STATEMENT_TIMEOUT", usual[0])
    idle = env.seconds("DB_IDLE_TRANSACTION_TIMEOUT", usual[1])
    limits = {"statement_timeout": statement, "idle_in_transaction_session_timeout": idle} if role in RUNNING else {}
    return {
        "connect_timeout": max(1, round(env.seconds("DB_CONNECT_TIMEOUT", 5.0, 1.0, 60.0))),
        "application_name": f"slipway-{role or 'command'}",
        # A peer that vanished without a word is noticed within a minute instead of two hours.
        "keepalives": 1,
        "keepalives_idle": 30,
        "keepalives_interval": 10,
        "keepalives_count": 3,
        "tcp_user_timeout": 30_000,
        "options": " ".join(f"-c {name}={int(value * 1000)}" for name, value in limits.items() if value),
    }


def _postgresql(database: dict[str, Any], options: dict[str, Any], pool: dict[str, Any] | None) -> dict[str, Any]:
    own = dict(database.get("OPTIONS") or {})
    theirs = str(own.get("options") or "")
    ours = [part for part in options["options"].split("-c ") if part and part.split("=")[0] not in theirs]
    words = " ".join([*([theirs] if theirs else []), *(f"-c {part.strip()}" for part in ours)])
    merged = {**options, **own, "options": words}
    if not words:
        del merged["options"]  # PgBouncer refuses the parameter even when it is empty
    if pool:
        merged.setdefault("pool", pool)
    changed = {**database, "CONN_HEALTH_CHECKS": True, "OPTIONS": merged}
    if merged.get("pool"):
        changed["CONN_MAX_AGE"] = 0  # Django refuses a pool beside persistent connections
    return changed


def _rest_framework(settings: dict[str, Any]) -> dict[str, Any]:
    """Let the exceptions of a database that is away pass a handler that answers 500 to whatever it does not know."""
    own = settings.get("REST_FRAMEWORK")
    if not isinstance(own, dict) or not own.get("EXCEPTION_HANDLER"):
        return {}
    return {"REST_FRAMEWORK": {**own, "EXCEPTION_HANDLER": DRF_HANDLER}}
