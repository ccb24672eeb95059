"""Rules over values that only work together: mail, the media bucket, keys with their secrets."""

import re
from collections.abc import Iterator

from slipway.checks.facts import Facts, Seen, issue
from slipway.checks.issue import Issue, Severity
from slipway.config.schema import Stage

SMTP = "django.core.mail.backends.smtp.EmailBackend"
"""The backend of Django that sends."""
_TLS_PORTS = {"465": ("EMAIL_USE_TLS", "EMAIL_USE_SSL"), "587": ("EMAIL_USE_SSL", "EMAIL_USE_TLS")}
_HOST = re.compile(r"[a-z0-9_]([a-z0-9._-]*[a-z0-9_])?", re.IGNORECASE)
MAIL = {"EMAIL_HOST_USER": "EMAIL_HOST_PASSWORD", "EMAIL_HOST_PASSWORD": "EMAIL_HOST_USER"}
NEEDS = {
    "AWS_ACCESS_KEY_ID": "AWS_SECRET_ACCESS_KEY",
    "AWS_SECRET_ACCESS_KEY": "AWS_ACCESS_KEY_ID",
    "ACRCLOUD_ACCESS_KEY": "ACRCLOUD_ACCESS_SECRET",
    "ACRCLOUD_ACCESS_SECRET": "ACRCLOUD_ACCESS_KEY",
}
"""What means nothing without the other; those of mail only where it leaves by SMTP."""


def pairs(facts: Facts) -> Iterator[Issue]:
    """`env.pair`: one half of what works together alone: a user without password, a key without its secret."""
    given = {seen.name: seen for seen in facts.seen if seen.text}
    known = facts.config.schema.variables
    for name, other in {**NEEDS, **(MAIL if _by_smtp(facts) else {})}.items() if facts.is_whole else ():
        # A required one that is missing is told as such.
        told = other not in known or known[other].is_required_in(facts.config.environment)
        if name in given and other not in given and not told:
            message = f"has a value and {other} has none: they work together or not at all"
            yield issue(given[name], "env.pair", message, f"set {other} too, or remove the line")
    key = given.get("AWS_ACCESS_KEY_ID")
    if key and "AWS_STORAGE_BUCKET_NAME" not in given and "AWS_STORAGE_BUCKET_NAME" in known and facts.is_whole:
        message = "has a value and AWS_STORAGE_BUCKET_NAME has none: media go into this container's own files"
        yield issue(key, "env.pair", message, "name the bucket, or remove the key")


def _by_smtp(facts: Facts) -> bool:
    return facts.is_public and any(seen.text == SMTP for seen in facts.of("EMAIL_BACKEND"))


def backend(facts: Facts) -> Iterator[Issue]:
    """`mail.backend`: in production mail goes to a file, the log or nowhere."""
    if facts.config.stage is not Stage.PRODUCTION or "EMAIL_BACKEND" not in facts.config.schema.variables:
        return
    for seen in facts.of("EMAIL_BACKEND"):
        if seen.text != SMTP:
            kind = (seen.text or "").split(".")[-2]
            yield issue(seen, "mail.backend", f"is the {kind} backend: no mail leaves", f"EMAIL_BACKEND={SMTP}")
    if not any(seen.name == "EMAIL_BACKEND" for seen in facts.seen):
        where = f"env/{facts.config.environment}.env"
        message = "EMAIL_BACKEND has no value; a project's own default may write mail into a file"
        yield Issue("mail.backend", Severity.WARNING, "EMAIL_BACKEND", where, message, f"EMAIL_BACKEND={SMTP}")


def encryption(facts: Facts) -> Iterator[Issue]:
    """`mail.port`, `mail.clear`: the port speaks another kind of TLS than is asked of it; a password without any."""
    if not _by_smtp(facts):
        return
    for seen in facts.of("EMAIL_PORT"):
        wrong, right = _TLS_PORTS.get(seen.text or "", ("", ""))
        if wrong and list(facts.flag(wrong)) and not list(facts.flag(right)):
            message = f"is {seen.text} with {wrong}: both sides wait for the other until the time is over"
            yield issue(seen, "mail.port", message, f"port {seen.text} goes with {right}=true alone")
    if not any(list(facts.flag(name)) for name in ("EMAIL_USE_TLS", "EMAIL_USE_SSL")):
        for seen in _passwords(facts):
            message = "crosses the network in the clear: neither EMAIL_USE_TLS nor EMAIL_USE_SSL is on"
            yield issue(seen, "mail.clear", message, "EMAIL_PORT=587 and EMAIL_USE_TLS=true")


def _passwords(facts: Facts) -> Iterator[Seen]:
    return (seen for seen in facts.seen if seen.name == "EMAIL_HOST_PASSWORD" and seen.text)


def media_domain(facts: Facts) -> Iterator[Issue]:
    """`media.domain`: the host of public files is an address, whose scheme links would hold twice, or no host name."""
    for seen in facts.of("AWS_S3_CUSTOM_DOMAIN"):
        if "://" in (seen.text or "") or "/" in (seen.text or ""):
            message = "is an address, and a bare host is put behind https://"
            yield issue(seen, "media.domain", message, "media.example.org")
        elif not _HOST.fullmatch(seen.text or ""):
            yield issue(seen, "media.domain", "is no host name: API and portals do not start", "media.example.org")
