"""Rules over Django's settings in the source: what the environment cannot change, what is unsafe by default."""

import re
from collections.abc import Iterator

from slipway.checks.issue import Issue, Severity
from slipway.checks.sources.stand import SECRET_WORD, Stand, is_development
from slipway.config.kinds import Kind as ValueKind
from slipway.sources.found import Assigned
from slipway.sources.use import STRICT, Kind, Place, Use

_ASGI = frozenset({"daphne", "uvicorn", "hypercorn", "granian"})
_PLAIN = re.compile(r"True|False|\d+(\.\d+)?")
_WITH_PASSWORD = re.compile(r"[a-z][a-z0-9+]*://[^/\s:@]*:[^/\s@]+@", re.IGNORECASE)
_FORCED = {"DEBUG": "keeps it False, whatever is written or set"}
"""What the overlay decides alone (conf/security.py of slipway_runtime); of others it lays the environment's value."""
_TAKES_HEADER = ("SECURE_PROXY_SSL_HEADER", "USE_X_FORWARDED_HOST", "USE_X_FORWARDED_PORT")


def hard_coded(stand: Stand) -> Iterator[Issue]:
    """`sources.hard-coded`: the settings write out what the environment is meant to say, so that it is not asked."""
    read = {use.name for use in stand.own_uses if use.reads}
    for name, variable in stand.config.schema.variables.items():
        found = stand.settings(name)
        if name in read or not found or any(one.variables or not _PLAIN.fullmatch(one.written) for one in found):
            continue
        documents = [use.place for use in stand.found.of(Kind.GIVEN) if use.name == name]
        message = f"{name} = {found[-1].written} is written out: the environment is not asked"
        places = [found[-1].place, *documents]
        if stand.lays(name):
            tail = f"; Slipway's overlay {_FORCED.get(name, 'lays the value of the environment over it')}"
            severity = Severity.WARNING if stand.runs_elsewhere else Severity.INFO
            hint = f"read {name} from the environment: whatever runs without the overlay has what is written"
        else:
            tail, severity = "", Severity.ERROR if variable.type is ValueKind.BOOLEAN else Severity.WARNING
            hint = f"read {name} from the environment"
        yield stand.issue("hard-coded", severity, name, places, message + tail, hint)


def secret_fallback(stand: Stand) -> Iterator[Issue]:
    """`sources.secret-fallback`: a secret has a fallback in the code, which everybody can read."""
    places: dict[str, list[Place]] = {}
    for use in stand.own_uses:
        declared = stand.config.schema.variables.get(use.name)
        is_secret = declared.secret if declared else SECRET_WORD.search(use.name) is not None
        if is_secret and use.reads and use.default and _gives_away(use.default):
            places.setdefault(use.name, []).append(use.place)
    for one in stand.found.assigned:
        declared = stand.config.schema.variables.get(one.name)
        is_written = one.is_text and not one.variables and bool(one.texts) and _gives_away(one.texts[0])
        if declared is not None and declared.secret and is_written:
            places.setdefault(one.name, []).append(one.place)
    for name, found in sorted(places.items()):
        laid = name == "SECRET_KEY" and stand.subject_is_laid("secret_key")
        message = f"{name} falls back to a text of the code, which whoever reads the repository knows"
        message += "; Slipway's images do not start with it" if laid else ""
        severity = Severity.WARNING if laid or not stand.is_production or _is_set(stand, name) else Severity.ERROR
        hint = "let the process fail without it, or make one up with secrets.token_urlsafe() where none is set"
        yield stand.issue("secret-fallback", severity, name, found, message, hint)


def _gives_away(text: str) -> bool:
    """Whether a fallback is a secret: an address only counts where a password is in it."""
    return _WITH_PASSWORD.match(text) is not None if "://" in text else bool(text.strip())


def _is_set(stand: Stand, name: str) -> bool:
    return name in stand.config.schema.variables and any(setting.name == name for setting, _ in stand.given())


def boolean(stand: Stand) -> Iterator[Issue]:
    """`sources.boolean`: the code takes the word that a file sets for the opposite, or refuses it."""
    readers: dict[str, list[Use]] = {}
    for use in stand.own_uses:
        if use.words is not None or use.is_bool_call:
            readers.setdefault(use.name, []).append(use)
    for setting, _ in stand.given():
        if setting.variable.type is ValueKind.BOOLEAN and not setting.references:
            word = setting.text.reveal()
            yield from _misread(stand, setting.name, word, setting.where, readers.get(setting.name, []), Severity.ERROR)
    for use in stand.found.of(Kind.GIVEN):
        # Only what is a boolean is meant to be one: a reader's table says so, or the schema.
        if use.default and "$" not in use.default and use.name in readers:
            where = stand.where(use.place)
            yield from _misread(stand, use.name, use.default, where, readers[use.name], Severity.WARNING)


def _misread(stand: Stand, name: str, word: str, where: str, readers: list[Use], severity: Severity) -> Iterator[Issue]:
    meant = STRICT.says(word)
    declared = stand.config.schema.variables.get(name)
    if meant is None or (declared is not None and declared.type is not ValueKind.BOOLEAN):
        return
    for use in readers:
        got = bool(word) if use.words is None else use.words.says(word)
        if got is meant:
            continue
        known = (
            "" if use.words is None else f"; it knows {', '.join(sorted(use.words.true | use.words.false)) or 'none'}"
        )
        becomes = "refuses this word" if got is None else f"takes this word for {str(got).lower()}"
        how = "" if use.words is not None else ", as bool() does with every text"
        laid = stand.lays(name)
        message = f"{name}: {use.place} {becomes}{how}{known}"
        message += "; Slipway's overlay reads it right and lays that over it" if laid else ""
        severity = Severity.WARNING if laid else severity
        yield stand.issue("boolean", severity, name, where, message, "write true or false as the reader knows them")
        return


def bool_call(stand: Stand) -> Iterator[Issue]:
    """`sources.bool-call`: `bool()` of a variable, which is true for "false", too."""
    places: dict[str, list[Place]] = {}
    for use in stand.own_uses:
        if use.is_bool_call and use.reads:
            declared = stand.config.schema.variables.get(use.name)
            if declared is None or declared.type is ValueKind.BOOLEAN:
                places.setdefault(use.name, []).append(use.place)
    for name, found in sorted(places.items()):
        message = f"{name} goes through bool(), which takes every text for true, also false and 0"
        hint = f'os.environ.get("{name}", "").lower() in {{"1", "true", "yes", "on"}}'
        yield stand.issue("bool-call", Severity.WARNING, name, found, message, hint)


def kept_connections(stand: Stand) -> Iterator[Issue]:
    """`sources.conn-max-age`: connections are kept though under ASGI the next request is another thread."""
    kept = [one for one in stand.settings("CONN_MAX_AGE") if one.written == "None" or _is_positive(one.written)]
    if not kept:
        return
    servers = [
        (one.program, Place(one.file, one.program_line))
        for one in stand.found.dockerfiles
        if one.program.rpartition("/")[2] in _ASGI and not is_development(one.file)
    ]
    message = "CONN_MAX_AGE is above 0 by default: under ASGI connections stay open for threads that are gone"
    message += f"; {servers[0][0]} serves it in {servers[0][1]}" if servers else ""
    laid = stand.subject_is_laid("database") and stand.value("DB_POOL_SIZE") != "0"
    message += "; Slipway's overlay gives the API a pool instead" if laid else ""
    severity = Severity.ERROR if not laid else Severity.WARNING if servers else Severity.INFO
    hint = "0 by default, and a pool: DATABASES OPTIONS pool (Django 5.1, psycopg 3)"
    yield stand.issue("conn-max-age", severity, "CONN_MAX_AGE", [one.place for one in kept], message, hint)


def _is_positive(text: str) -> bool:
    return text.isdecimal() and int(text[:18]) > 0


def one_redis(stand: Stand) -> Iterator[Issue]:
    """`sources.one-redis`: tasks and cache share one database of Redis, and clearing the cache empties it: FLUSHDB."""
    brokers = [one for name in ("CELERY_BROKER_URL", "BROKER_URL") for one in stand.settings(name) if one.variables]
    caches = [one for one in stand.settings("CACHES") if any("redis" in text.lower() for text in one.texts)]
    shared = [
        (broker, cache, min(both))
        for broker in brokers
        for cache in caches
        if (both := _databases(broker) & _databases(cache))
    ]
    if not shared:
        return
    broker, cache, (name, _) = shared[0]
    layers = [one for one in stand.settings("CHANNEL_LAYERS") if set(one.variables) & set(broker.variables)]
    message = f"{name} is broker and cache in one: cache.clear() is FLUSHDB, which takes queued tasks along"
    laid = stand.subject_is_laid("redis") and stand.subject_is_laid("cache")
    message += "; Slipway's overlay keeps them apart" if laid else ""
    severity = Severity.ERROR if not laid else Severity.WARNING if stand.runs_elsewhere else Severity.INFO
    places = [cache.place, broker.place, *(one.place for one in layers)]
    yield stand.issue("one-redis", severity, name, places, message, "a database number or a server of its own for each")


def _databases(one: Assigned) -> set[tuple[str, str]]:
    """Return which databases a setting names: a variable and the number put behind it; none is 0, Redis's own."""
    return {(variable, "" if suffix.strip("/") in {"", "0"} else suffix) for variable, suffix in one.made}


def published_behind_proxy(stand: Stand) -> Iterator[Issue]:
    """`sources.published-port`: the settings believe a proxy's header, and the container is reached past the proxy."""
    trusts = [one for name in _TAKES_HEADER for one in stand.settings(name) if one.written not in {"False", "None"}]
    if not trusts:
        return
    places = [
        Place(one.place.file, line)
        for one in stand.found.containers
        if "backend" in stand.made_of(one) and not is_development(one.place.file)
        for port, line in one.published
        if not port.startswith(("127.0.0.1:", "[::1]:", "localhost:"))
    ]
    if places:
        message = f"the port is published while {trusts[0].place} believes a header of the proxy: anybody can send it"
        hint = "`expose` instead of `ports`; Slipway publishes no port and its overlay believes private networks alone"
        yield stand.issue("published-port", Severity.WARNING, trusts[0].name, places, message, hint)
