"""System checks that stop `manage.py migrate` before a half-configured release takes traffic."""

from django.conf import settings
from django.core.checks import Error, Tags, register


@register(Tags.security)
def secret_key_is_set(app_configs, **kwargs):
    """Each process invents its own key when none is set, so a token of one is refused by the next."""
    if settings.DEBUG or not settings.SECRET_KEY_IS_GENERATED:
        return []
    return [
        Error(
            "SECRET_KEY is not set, so every process would sign with a key of its own.",
            hint="Set SECRET_KEY to a random value of at least 32 characters, or DEBUG=true on your own machine.",
            id="core.E001",
        )
    ]
