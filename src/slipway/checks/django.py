"""Rules over what Django makes of its variables: debug mode, hosts, origins, https."""

from collections.abc import Iterator

from slipway.checks.addresses import unreachable
from slipway.checks.effective import is_laid
from slipway.checks.facts import Facts, Seen, issue
from slipway.checks.issue import Issue, Severity
from slipway.config.kinds import items, split_url

_ORIGINS = ("CSRF_TRUSTED_ORIGINS", "CORS_ALLOWED_ORIGINS")
_HTTPS_FLAGS = ("SECURE_SSL_REDIRECT", "SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE")


def debug(facts: Facts) -> Iterator[Issue]:
    """`django.debug`: debug mode is asked for where others can reach it."""
    for seen in facts.flag("DEBUG") if facts.is_public else ():
        if is_laid(facts.config, "security", seen.services):
            message = "is on and has no effect: Slipway's overlay keeps debug mode off"
        else:
            message = "is on, and the overlay's security is left out: an error page shows settings and source"
        yield issue(seen, "django.debug", message, "DEBUG=false")


def hosts(facts: Facts) -> Iterator[Issue]:
    """`django.hosts`: ALLOWED_HOSTS leaves out the API's own public name, so every request gets a 400."""
    for seen in facts.of("ALLOWED_HOSTS") if facts.is_public else ():
        allowed = items(seen.text or "")
        for service in set(seen.services) & set(facts.apis):
            host = facts.apis[service]
            if not covers(allowed, host):
                message = f"leaves out {host}, the public name of {service}"
                yield issue(seen, "django.hosts", message, f"add ${{service.{service}.public_host}}")


def health_host(facts: Facts) -> Iterator[Issue]:
    """`django.health-host`: ALLOWED_HOSTS leaves out what the container's own check asks for: it never turns green."""
    for seen in facts.of("SLIPWAY_HEALTH_HOST"):
        for allowed in facts.of("ALLOWED_HOSTS"):
            if set(seen.services) & set(allowed.services) and not covers(items(allowed.text or ""), seen.text or ""):
                message = f"is not in ALLOWED_HOSTS ({allowed.setting.where}), so the container's own check gets a 400"
                yield issue(seen, "django.health-host", message, "add it there, or remove this line")


def base_url(facts: Facts) -> Iterator[Issue]:
    """`django.base-url`: links that the API sends out lead to a host that it does not answer to."""
    for seen in facts.of("BASE_URL") if facts.is_public else ():
        parts = split_url(seen.text or "")
        host = parts.hostname if parts else None
        if host is None or host in facts.apis.values() or unreachable(facts, host):
            continue  # `django.hosts` and the ids of addresses tell these
        for allowed in facts.of("ALLOWED_HOSTS"):
            shared = set(seen.services) & set(allowed.services)
            if shared and not covers(items(allowed.text or ""), host):
                message = f"leads to a host that ALLOWED_HOSTS ({allowed.setting.where}) does not let in"
                yield issue(seen, "django.base-url", message, f"BASE_URL=${{service.{min(shared)}.public_url}}")


def covers(allowed: list[str], host: str) -> bool:
    """Whether one of the items of ALLOWED_HOSTS lets `host` in, in any case (Django's is_same_domain)."""
    host, lowered = host.lower(), [item.lower() for item in allowed]
    return any(host == item or (item.startswith(".") and f".{host}".endswith(item)) for item in lowered)


def origins(facts: Facts) -> Iterator[Issue]:
    """`django.origins`: CSRF and CORS origins are exactly the portals' public addresses, over https."""
    for seen in (found for name in _ORIGINS for found in facts.of(name)) if facts.is_public else ():
        listed = items(seen.text or "")
        yield from _http(seen, listed)
        for service, address in facts.portals.items():
            if address not in listed:
                hint = f"add ${{service.{service}.public_url}}"
                yield issue(seen, "django.origins", f"leaves out {address}, where {service} is served", hint)
        known = {*facts.portals.values(), *(f"https://{host}" for host in facts.apis.values())}
        extra = [item for item in listed if item not in known and item.startswith("https://")]
        if extra:
            message = f"trusts {len(extra)} more than the portals (item {listed.index(extra[0]) + 1})"
            yield issue(
                seen, "django.origins-extra", message, "remove what this environment does not serve", Severity.WARNING
            )


def _http(seen: Seen, listed: list[str]) -> Iterator[Issue]:
    for number, item in enumerate(listed, 1):
        parts = split_url(item)
        if parts is not None and parts.scheme == "http":
            message = f"trusts plain http (item {number}), which anybody on the way can be"
            yield issue(seen, "django.origins-http", message, "https:// in every item")


def cors_for_all(facts: Facts) -> Iterator[Issue]:
    """`django.cors-all`: every site may read the API with a visitor's credentials."""
    for seen in facts.flag("CORS_ALLOW_ALL_ORIGINS") if facts.is_public else ():
        message = "lets every site read the API with a visitor's credentials"
        yield issue(seen, "django.cors-all", message, "CORS_ALLOW_ALL_ORIGINS=false")


def https(facts: Facts) -> Iterator[Issue]:
    """`django.https`: plain http is not sent to https, or a cookie travels in the clear."""
    for seen in (found for name in _HTTPS_FLAGS for found in facts.of(name)) if facts.is_public else ():
        if (seen.text or "").lower() == "false":
            yield issue(
                seen, "django.https", "is off although the environment is reached over https", f"{seen.name}=true"
            )


def mail_tls(facts: Facts) -> Iterator[Issue]:
    """`django.mail-tls`: STARTTLS and TLS from the first byte exclude each other; Django raises when it sends."""
    tls = list(facts.flag("EMAIL_USE_TLS"))
    for seen in facts.flag("EMAIL_USE_SSL") if tls else ():
        yield issue(seen, "django.mail-tls", "and EMAIL_USE_TLS are both on", "port 587: TLS, port 465: SSL")


def celery_limits(facts: Facts) -> Iterator[Issue]:
    """`django.celery-limits`: the soft time limit is not below the hard one, so no task is ever asked to end."""
    for soft in facts.of("CELERY_SOFT_TIME_LIMIT"):
        for hard in facts.of("CELERY_TIME_LIMIT"):
            if set(soft.services) & set(hard.services) and int(soft.text or 0) >= int(hard.text or 0):
                place = soft if "default" not in soft.setting.where else hard
                yield issue(place, "django.celery-limits", "makes the soft limit reach the hard one", "soft below hard")
