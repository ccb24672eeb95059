"""The project's URLs and one path more, which answers the probe without touching anything."""

from typing import Any

from django.conf import settings
from django.http import HttpResponse
from django.middleware.csrf import get_token
from django.urls import include, path

PATH = "slipway-probe/"


def answer(request: Any) -> HttpResponse:
    """Return a CSRF token, as a page with a form does."""
    return HttpResponse(get_token(request), content_type="text/plain")


urlpatterns = [path(PATH, answer), path("", include(settings.SLIPWAY["probed_urls"]))]
