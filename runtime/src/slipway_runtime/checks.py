"""Django system checks of the overlay: every problem of the environment at once, before a server starts."""

from typing import Any

from django.core import checks

TAG = "slipway"


@checks.register(TAG)  # type: ignore[untyped-decorator]  # Django ships no types
def environment(app_configs: Any, **options: Any) -> list[checks.CheckMessage]:  # noqa: ARG001 - Django's signature
    """Return one message a problem: an Error for what keeps the server from starting, a Warning for the rest."""
    from django.conf import settings

    found: list[checks.CheckMessage] = []
    for problem in getattr(settings, "SLIPWAY", {}).get("problems", ()):
        kind = checks.Error if problem.fatal else checks.Warning
        found.append(kind(f"{problem.name} {problem.message}", hint=problem.hint or None, id=problem.id))
    return found
