"""The overlay as a Django app: it has no models, it registers checks."""

from django.apps import AppConfig


class SlipwayRuntime(AppConfig):  # type: ignore[misc]  # Django ships no types
    """Makes `manage.py check --tag slipway` know the overlay's checks."""

    name = "slipway_runtime"
    label = "slipway_runtime"

    def ready(self) -> None:
        """Register the checks, begin to count, and let the request's id travel with tasks where there is Celery."""
        import importlib.util

        from django.conf import settings

        from slipway_runtime import checks, logs, sentry  # noqa: F401

        own = getattr(settings, "SLIPWAY", {})
        if "logging" in own:
            logs.take_over()
        sentry.start()
        if "metrics" in own:
            from slipway_runtime.metrics import caches

            caches.instrument()
        if importlib.util.find_spec("celery"):
            from slipway_runtime import task_ids

            task_ids.connect()
