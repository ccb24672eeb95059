"""The URL configuration over the project's: own addresses first, then all of the project's, as if it were the root."""

from importlib import import_module
from typing import Any

from django.conf import settings
from django.urls import path
from django.views.decorators.http import require_safe

from slipway_runtime.routes import own

_project: Any = import_module(settings.SLIPWAY["urls"])
# Joined, not included: names, namespaces, converters and translated patterns stay as the project knows them.
urlpatterns = [
    *(path(where[1:], require_safe(route.view), name=route.name) for where, route in own().items()),
    *_project.urlpatterns,
]
for _name in ("handler400", "handler403", "handler404", "handler500"):
    if hasattr(_project, _name):
        globals()[_name] = getattr(_project, _name)
