"""Rules over PostgreSQL and Redis as the processes use them."""

import re
from collections.abc import Iterator

from slipway.checks.facts import Facts, issue
from slipway.checks.issue import Issue, Severity
from slipway.checks.numbers import number, seconds, setting
from slipway.config.kinds import items, split_url
from slipway.config.workspace import Engine, Role

REDIS_DATABASES = 16
"""A Redis has so many unless its configuration says otherwise."""
_KEEPING_APART = ("cache", "celery", "redis")
_IMAGES = {Engine.POSTGRESQL: "SLIPWAY_POSTGRES_IMAGE", Engine.REDIS: "SLIPWAY_REDIS_IMAGE"}
_ALIKE = ("SECRET_KEY", "DATABASE_URL", "REDIS_URL", "REDIS_NAMESPACE")


def persistent(facts: Facts) -> Iterator[Issue]:
    """`database.persistent`: connections kept by age under ASGI, where a thread that ends leaves its own open."""
    config = facts.config
    for service in config.workspace.services_with(Role.WEB) if facts.is_public else ():
        pool = setting(config, "DB_POOL_SIZE", service)
        age = number(config, "DB_CONN_MAX_AGE", 0, service)
        if pool is not None and pool.text.reveal() == "0" and age:
            message = f"DB_POOL_SIZE switches the pool of {service} off while DB_CONN_MAX_AGE keeps connections {age} s"
            message += ": under ASGI they are left open by threads that ended"
            hint = f"leave the pool on, or set DB_CONN_MAX_AGE=0 in env/{config.environment}.{service}.env"
            yield Issue("database.persistent", Severity.ERROR, "DB_CONN_MAX_AGE", pool.where, message, hint)


def sqlite(facts: Facts) -> Iterator[Issue]:
    """`database.sqlite`: SQLite is let in where others reach the environment."""
    for seen in facts.flag("DB_ALLOW_SQLITE") if facts.is_public else ():
        message = "lets a file inside the container be the database, gone with the next deployment"
        yield issue(seen, "database.sqlite", message, "remove the line")


def version(facts: Facts) -> Iterator[Issue]:
    """`database.version`: the image of a new database is another major version than the workspace file's."""
    for name, database in facts.config.workspace.databases.items():
        for seen in facts.of(_IMAGES[database.engine]):
            tag = re.search(r":[a-z-]*(\d+)[^/]*$", (seen.text or "").partition("@")[0])
            if tag and tag[1] != database.version.partition(".")[0]:
                message = f"is major version {tag[1]}, and databases.{name} of the workspace file is {database.version}"
                hint = "a client reads and restores dumps of its own major version alone: make both one"
                yield issue(seen, "database.version", message, hint)


def redis_shared(facts: Facts) -> Iterator[Issue]:
    """`redis.shared`: broker, results, cache and channels in one Redis database with nothing that keeps keys apart."""
    for seen in facts.of("SLIPWAY_OVERLAY_OFF") if facts.is_public else ():
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
    """`env.differs`: processes of one application see different keys, databases or brokers."""
    for name in _ALIKE:
        found = list({seen.setting.where: seen for seen in facts.of(name)}.values())
        for seen in found[1:]:
            if seen.text != found[0].text:
                message = f"is another for {', '.join(seen.services)} than for {', '.join(found[0].services)}"
                message += f" ({found[0].setting.where}): what one signs, stores or sends the other does not find"
                yield issue(seen, "env.differs", message, "one value for all, in the environment's own file")
