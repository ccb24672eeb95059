"""The overlay as a Django app: it has no models, it registers checks."""

from django.apps import AppConfig


class SlipwayRuntime(AppConfig):  # type: ignore[misc]  # Django ships no types
    """Makes `manage.py check --tag slipway` know the overlay's checks."""

    name = "slipway_runtime"
    label = "slipway_runtime"

    def ready(self) -> None:
        """Register the checks."""
        from slipway_runtime import checks  # noqa: F401
