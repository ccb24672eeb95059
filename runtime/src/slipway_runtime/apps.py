"""The overlay as a Django app: it has no models, it registers checks."""

from django.apps import AppConfig


class SlipwayRuntime(AppConfig):  # type: ignore[misc]  # Django ships no types
    """Makes `manage.py check --tag slipway` know the overlay's checks."""

    name = "slipway_runtime"
    label = "slipway_runtime"

    def ready(self) -> None:
        """Register the checks, and let the request's id travel with tasks where there is Celery."""
        import importlib.util

        from slipway_runtime import checks  # noqa: F401

        if importlib.util.find_spec("celery"):
            from slipway_runtime import task_ids

            task_ids.connect()
