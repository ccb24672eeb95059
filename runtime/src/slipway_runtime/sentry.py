"""Errors to a Sentry-compatible service, without secrets and personal data; only where SENTRY_DSN names one."""

from typing import Any

from slipway_runtime import logs, release
from slipway_runtime.redaction import Redactor

_DEEPEST = 14  # an event's frames lie seven levels down
_DROPPED = ("cookies", "data", "env", "query_string")


def start() -> bool:
    """Begin to send; False where no DSN is set. Called once Django's settings are there."""
    from django.conf import settings

    own = getattr(settings, "SLIPWAY", {}).get("sentry")
    if not own:
        return False
    import sentry_sdk

    redactor = logs.redactor(deepest=_DEEPEST)
    sentry_sdk.init(
        dsn=own["dsn"],
        environment=own["environment"],
        release=f"{release.version()}-{release.revision()[:12]}",
        send_default_pii=False,
        include_local_variables=False,  # they hold whatever the code held
        max_request_body_size="never",
        max_breadcrumbs=30,
        before_send=lambda event, _: scrubbed(event, redactor),
    )
    return True


def scrubbed(event: Any, redactor: Redactor) -> Any:
    """Return the event without bodies, cookies and query strings, redacted, with the ids that the log lines carry."""
    request = event.get("request")
    if isinstance(request, dict):
        for name in _DROPPED:
            request.pop(name, None)
    found = redactor.value(event)
    known = logs.context()
    tags = {name: known[name] for name in ("request_id", "task_id", "route") if name in known}
    if tags:
        # Sentry keeps tags as a mapping or as pairs.
        found["tags"] = {**dict(found.get("tags") or {}), **tags}
    if "user_id" in known:
        found["user"] = {"id": known["user_id"]}
    return found
