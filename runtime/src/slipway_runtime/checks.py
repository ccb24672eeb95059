"""Django system checks of the overlay: every problem of the environment at once, before a server starts."""

from typing import Any

from django.core import checks

TAG = "slipway"


@checks.register(TAG)
def environment(app_configs: Any, **options: Any) -> list[checks.CheckMessage]:  # noqa: ARG001 - Django's signature
    """Return one message a problem: slipway.E001 for what keeps the server from starting, slipway.W001 for the rest."""
    from django.conf import settings

    found: list[checks.CheckMessage] = []
    for problem in settings.SLIPWAY["problems"]:
        kind, code = (checks.Error, "slipway.E001") if problem.fatal else (checks.Warning, "slipway.W001")
        found.append(kind(f"{problem.name} {problem.message}", hint=problem.hint or None, id=code))
    return found
