"""Rules over PostgreSQL and Redis as the processes use them."""

import re
from collections.abc import Iterator
from urllib.parse import parse_qs

from slipway.checks.capacity import pooled
from slipway.checks.effective import OVERLAY_OFF, is_laid, number, setting
from slipway.checks.facts import Facts, Seen, issue
from slipway.checks.issue import Issue, Severity
from slipway.config.kinds import items, seconds, split_url
from slipway.config.workspace import Engine, Role

REDIS_DATABASES = 16
"""A Redis has so many unless its configuration says otherwise."""
_KEEPING_APART = ("cache", "celery", "redis")
_IMAGES = {Engine.POSTGRESQL: "SLIPWAY_POSTGRES_IMAGE", Engine.REDIS: "SLIPWAY_REDIS_IMAGE"}
_EXAMPLES = {Engine.POSTGRESQL: "postgres", Engine.REDIS: "redis"}
_ALIKE = ("SECRET_KEY", "DATABASE_URL", "REDIS_URL", "REDIS_NAMESPACE")
_UNSET = {"REDIS_NAMESPACE": "slipway"}
"""What the overlay takes where nothing is set (conf/redis.py of slipway_runtime); the others are required."""


def persistent(facts: Facts) -> Iterator[Issue]:
    """`database.persistent`: connections kept by age under ASGI, where a thread that ends leaves its own open.

    The overlay's pool sets CONN_MAX_AGE to 0; without it (no pool, or the subject is left out) the project's own holds.
    """
    config = facts.config
    for service in config.workspace.services_with(Role.WEB) if facts.is_public else ():
        age = number(config, "DB_CONN_MAX_AGE", 0, service)
        if pooled(config, service) or not age:
            continue
        name = "DB_POOL_SIZE" if is_laid(config, "database", (service,)) else OVERLAY_OFF
        place = setting(config, name, service)
        message = f"{name} switches the pool of {service} off while DB_CONN_MAX_AGE keeps connections {age} s"
        message += ": under ASGI they are left open by threads that ended"
        hint = f"leave the pool on, or set DB_CONN_MAX_AGE=0 in env/{config.environment}.{service}.env"
        where = place.where if place else f"env/{config.environment}.env"
        yield Issue("database.persistent", Severity.ERROR, "DB_CONN_MAX_AGE", where, message, hint)


def sqlite(facts: Facts) -> Iterator[Issue]:
    """`database.sqlite`: SQLite is let in where others reach the environment."""
    for seen in facts.flag("DB_ALLOW_SQLITE") if facts.is_public else ():
        message = "lets a file inside the container be the database, gone with the next deployment"
        yield issue(seen, "database.sqlite", message, "remove the line")


def version(facts: Facts) -> Iterator[Issue]:
    """`database.version`: the image of a new database is another major version than the workspace file's.

    Where its tag begins with no version, nobody knows which one comes: a warning.
    """
    for name, database in facts.config.workspace.databases.items():
        for seen in facts.of(_IMAGES[database.engine]):
            major = image_major(seen.text or "")
            meant = f"databases.{name} of the workspace file is {database.version}"
            if not major:
                message = f"names an image whose tag tells no version, and {meant}"
                hint = f"a tag that begins with it: {_EXAMPLES[database.engine]}:{database.version}"
                yield issue(seen, "database.version", message, hint, Severity.WARNING)
            elif major != database.version.partition(".")[0]:
                message = f"is major version {major}, and {meant}"
                hint = "a client reads and restores dumps of its own major version alone: make both one"
                yield issue(seen, "database.version", message, hint)


def image_major(image: str) -> str:
    """Return the server's major version as an image's tag tells it, "" where it does not.

    `15-bookworm` and `2.17-pg15` tell it; the number in `alpine3.20` is the operating system's, `latest` has none.
    """
    tag = image.partition("@")[0].rpartition("/")[2].partition(":")[2]
    found = re.search(r"(?:^|-)pg(\d+)(?![\da-z])", tag) or re.match(r"v?(\d+)(?![\da-z])", tag)
    return found[1] if found else ""


def redis_shared(facts: Facts) -> Iterator[Issue]:
    """`redis.shared`: broker, results, cache and channels in one Redis database with nothing that keeps keys apart."""
    for seen in facts.of(OVERLAY_OFF) if facts.is_public else ():
        if off := [name for name in _KEEPING_APART if name in items(seen.text or "")]:
            message = (
                f"leaves out {', '.join(off)}, which gives broker, results, cache and channels prefixes of their own"
            )
            message += " in REDIS_URL's one database: clearing the cache flushes queued tasks"
            yield issue(seen, "redis.shared", message, f"leave {', '.join(off)} on")


def redis_database(facts: Facts) -> Iterator[Issue]:
    """`redis.database`: a database number that a Redis does not have unless it is told to."""
    for seen in facts.of("REDIS_URL"):
        parts = split_url(seen.text or "")
        if parts is not None and "db" in parse_qs(parts.query):
            # redis-py takes it, and kombu fails on it: Connection._init_params() knows no `db`.
            yield issue(
                seen,
                "redis.database",
                "names its database in the query, where Celery's broker fails on it",
                "redis://host:6379/0",
            )
            continue
        digits = parts.path.strip("/") if parts else ""
        if digits.isdecimal() and int(digits) >= REDIS_DATABASES:
            message = f"asks for database {int(digits)}, and a Redis has 0 to {REDIS_DATABASES - 1}"
            yield issue(seen, "redis.database", message, "use 0: REDIS_NAMESPACE keeps environments apart")


def visibility(facts: Facts) -> Iterator[Issue]:
    """`django.celery-visibility`: a task that still runs is handed to a second worker."""
    for seen in facts.of("CELERY_VISIBILITY_TIMEOUT"):
        hard = max(number(facts.config, "CELERY_TIME_LIMIT", 600, service) for service in (None, *seen.services))
        if seconds(seen.text or "0s") <= hard:
            message = f"is not above the {hard} s that a task may run: Redis would hand it to a second worker"
            yield issue(seen, "django.celery-visibility", message, "twice CELERY_TIME_LIMIT, or remove the line")


def alike(facts: Facts) -> Iterator[Issue]:
    """`env.differs`: processes of one application see different keys, databases or brokers, defaults included."""
    workspace = facts.config.workspace
    backend = [name for name, one in workspace.services.items() if one.role is not Role.STATIC]
    for name in _ALIKE:
        seen = {service: one for one in facts.of(name) for service in one.services}
        texts = {service: _effective(seen.get(service), name) for service in backend}
        known = {service: text for service, text in texts.items() if text}
        first = next((service for service in workspace.services_with(Role.WEB) if service in known), None)
        if first is None:
            continue
        others: dict[str, list[str]] = {}
        for service, text in known.items():
            if text != known[first]:
                others.setdefault(text, []).append(service)
        for services in others.values():
            # A service with the default has no line of its own: then the one that differs from it is the place.
            place = seen.get(services[0]) or seen[first]
            message = f"is another for {', '.join(services)} ({_place(seen.get(services[0]))}) than for {first} "
            message += f"({_place(seen.get(first))}): what one signs, stores or sends the other does not find"
            yield issue(place, "env.differs", message, "one value for all, in the environment's own file")


def _effective(seen: Seen | None, name: str) -> str:
    """Return what a process works with, "" where that is not known (a finding of its own)."""
    return (seen.text if seen else "") or _UNSET.get(name, "")


def _place(seen: Seen | None) -> str:
    return seen.setting.where if seen else "not set"
