"""Celery: bounded everywhere, nothing lost at a restart, and never acknowledged late unless the project says so."""

from typing import Any
from urllib.parse import urlsplit

from slipway_runtime.conf.env import Env

APP = "slipway_runtime"
_HOUR = 3600.0


def overlay(settings: dict[str, Any], env: Env) -> dict[str, Any]:
    """Return the CELERY_ settings that the project does not set itself. Needs the subject `redis` before it."""
    if "BROKER_URL" in settings and "CELERY_BROKER_URL" not in settings:
        message = "is Celery's old name, which cannot be mixed with the new ones: Celery is left as it is"
        env.problem("BROKER_URL", message, "use the namespace CELERY", fatal=False, code="130")
        return {}
    redis = settings.get("SLIPWAY", {}).get("redis", {"url": "", "namespace": "slipway", "timeout": 0.5})
    given = {name: value for name, value in settings.items() if name.startswith("CELERY_")}
    changed = {**_limits(env), **_addresses(redis["url"]), **given}
    for name in ("CELERY_BROKER_URL", "CELERY_RESULT_BACKEND"):
        if changed.get(name) in {"memory://", "cache+memory://"} and redis["url"]:
            changed[name] = redis["url"]
        if isinstance(changed.get(name), str):
            changed[name] = verified(changed[name])
    hard = float(changed["CELERY_TASK_TIME_LIMIT"] or 0)
    if _is_redis(changed.get("CELERY_BROKER_URL")):
        own = given.get("CELERY_BROKER_TRANSPORT_OPTIONS") or {}
        ours = _broker(redis["namespace"], _visibility(own, hard, env), _silence(env))
        changed["CELERY_BROKER_TRANSPORT_OPTIONS"] = {**ours, **own}
    if _is_redis(changed.get("CELERY_RESULT_BACKEND")):
        own = given.get("CELERY_RESULT_BACKEND_TRANSPORT_OPTIONS") or {}
        changed["CELERY_RESULT_BACKEND_TRANSPORT_OPTIONS"] = {**_results(redis["namespace"], env), **own}
    if given.get("CELERY_TASK_ACKS_LATE"):
        env.problem(
            "CELERY_TASK_ACKS_LATE",
            "is on: a task whose worker dies runs a second time, from its beginning",
            "switch it on for the tasks that may, by @app.task(acks_late=True), and off for a payout",
            fatal=False,
            code="131",
        )
    return changed


def _limits(env: Env) -> dict[str, Any]:
    return {
        "CELERY_TASK_SOFT_TIME_LIMIT": env.integer("CELERY_SOFT_TIME_LIMIT", 300, 1),
        "CELERY_TASK_TIME_LIMIT": env.integer("CELERY_TIME_LIMIT", 600, 1),
        "CELERY_RESULT_EXPIRES": env.integer("CELERY_RESULT_EXPIRES", 3600, 1),
        "CELERY_WORKER_PREFETCH_MULTIPLIER": env.integer("CELERY_PREFETCH_MULTIPLIER", 1, 1),
        "CELERY_WORKER_CONCURRENCY": env.integer("CELERY_WORKER_CONCURRENCY", 4, 1),
        "CELERY_WORKER_MAX_TASKS_PER_CHILD": env.integer("CELERY_MAX_TASKS_PER_CHILD", 1000, 1),
        "CELERY_BROKER_CONNECTION_RETRY": True,
        "CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP": True,
        "CELERY_BROKER_CONNECTION_MAX_RETRIES": None,  # a worker waits for its broker; its health is red meanwhile
        "CELERY_TASK_PUBLISH_RETRY": True,
        "CELERY_TASK_PUBLISH_RETRY_POLICY": _PUBLISH,
        "CELERY_BEAT_SYNC_EVERY": 1,  # else the database learns of a run up to three minutes later
        # The heartbeat of beat's container is a tick: none may be longer away than its check allows.
        "CELERY_BEAT_MAX_LOOP_INTERVAL": env.seconds("CELERY_BEAT_MAX_LOOP_INTERVAL", 5.0, 0.5, 5.0),
        "CELERY_REDIS_SOCKET_TIMEOUT": _silence(env),
        "CELERY_REDIS_SOCKET_CONNECT_TIMEOUT": _silence(env),
        "CELERY_REDIS_SOCKET_KEEPALIVE": True,
        "CELERY_REDIS_BACKEND_HEALTH_CHECK_INTERVAL": 25,
    }


_PUBLISH = {"max_retries": 1, "interval_start": 0.1, "interval_step": 0.1, "interval_max": 0.2}
"""One more attempt. Sending a task also subscribes to its result, with attempts of its own."""


def _silence(env: Env) -> float:
    """Return how many seconds Redis may say nothing: who sends a task is often a request that somebody waits for."""
    return 10.0 if env.text("SLIPWAY_ROLE") == "worker" else 1.0


def _addresses(url: str) -> dict[str, str]:
    return {"CELERY_BROKER_URL": url, "CELERY_RESULT_BACKEND": url} if url else {}


def verified(url: str) -> str:
    """Return a rediss:// URL that says what Celery insists on being told: that the certificate is checked."""
    if not url.startswith("rediss://") or "ssl_cert_reqs" in url:
        return url
    return f"{url}{'&' if urlsplit(url).query else '?'}ssl_cert_reqs=required"


def _is_redis(url: Any) -> bool:
    return isinstance(url, str) and urlsplit(url).scheme in {"redis", "rediss"}


def _visibility(own: dict[str, Any], hard: float, env: Env) -> float:
    """Return seconds after which Redis hands a task that nobody acknowledged to another worker.

    A task acknowledged late is not acknowledged while it runs, and one taken ahead not while it waits behind another.
    """
    seconds = own.get("visibility_timeout") or env.seconds("CELERY_VISIBILITY_TIMEOUT", max(_HOUR, 2 * hard), 1.0)
    if seconds <= hard:
        env.problem(
            "CELERY_VISIBILITY_TIMEOUT",
            f"is {seconds:g} s, and a task may run for {hard:g} s: it would be started a second time beside the first",
            "twice the time limit is safe",
            code="132",
        )
    return float(seconds)


def _broker(name: str, visibility: float, silence: float) -> dict[str, Any]:
    return {
        "global_keyprefix": f"{name}.broker.",
        "visibility_timeout": visibility,
        "socket_connect_timeout": silence,
        "socket_timeout": silence,
        "socket_keepalive": True,
        "health_check_interval": 25,
        # Kombu opens a channel with these and not with the publish policy; without them it tries for ever.
        **_PUBLISH,
    }


def _results(name: str, env: Env) -> dict[str, Any]:
    """Return the result backend's options. A worker keeps trying: the result would be lost."""
    retries = 20 if env.text("SLIPWAY_ROLE") == "worker" else 1
    return {"global_keyprefix": f"{name}.results.", "retry_policy": {"max_retries": retries}}
