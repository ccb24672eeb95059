"""Django's own static files: served by WhiteNoise from STATIC_ROOT, under names with a hash of their content."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from slipway_runtime.conf import place
from slipway_runtime.conf.env import Env

LAYER = "slipway_runtime.middleware.static_files.StaticFiles"
STORAGE = "slipway_runtime.static_storage.HashedFiles"
_SECURITY = "django.middleware.security.SecurityMiddleware"
_DJANGO = "django.contrib.staticfiles.storage."


def overlay(settings: Mapping[str, Any], env: Env) -> dict[str, Any]:
    """Return storage and layer; a project without static files, or with a storage of its own, keeps what it has."""
    if "django.contrib.staticfiles" not in settings.get("INSTALLED_APPS", ()):
        return {}
    root = settings.get("STATIC_ROOT")
    if not root:
        message = "is not set by the project: no static file is served"
        env.problem("STATIC_ROOT", message, "BASE_DIR / 'static_root'", fatal=False, code="080")
        return {}
    storages = dict(settings.get("STORAGES") or _default(settings))
    chosen = storages.get("staticfiles", {}).get("BACKEND", _DJANGO)
    if chosen.startswith(_DJANGO):
        storages["staticfiles"] = {"BACKEND": STORAGE}
        if env.serves and not Path(root, "staticfiles.json").exists():
            message = "has no staticfiles.json: static files keep their plain names"
            env.problem("STATIC_ROOT", message, "manage.py collectstatic", fatal=False, code="081")
    return {
        "STORAGES": storages,
        "MIDDLEWARE": place.after(settings, LAYER, _SECURITY),
        "WHITENOISE_MAX_AGE": settings.get("WHITENOISE_MAX_AGE", 60),
        # Else every name is looked for on the disk with each request, as in development.
        "WHITENOISE_AUTOREFRESH": False,
        "WHITENOISE_USE_FINDERS": False,
    }


def _default(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return Django's STORAGES, with the setting's older spelling of before Django 5.1 where a project still has it."""
    media = settings.get("DEFAULT_FILE_STORAGE", "django.core.files.storage.FileSystemStorage")
    static = settings.get("STATICFILES_STORAGE", f"{_DJANGO}StaticFilesStorage")
    return {"default": {"BACKEND": media}, "staticfiles": {"BACKEND": static}}
