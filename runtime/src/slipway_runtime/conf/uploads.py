"""How big an uploaded file may be and of which kind."""

from collections.abc import Mapping
from typing import Any

from slipway_runtime.conf import place
from slipway_runtime.conf.env import Env
from slipway_runtime.file_kinds import KINDS

LAYER = "slipway_runtime.middleware.uploads.Uploads"
HANDLER = "slipway_runtime.middleware.uploads.Watch"
_HANDLERS = (
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "django.core.files.uploadhandler.TemporaryFileUploadHandler",
)
MEGABYTE = 1024 * 1024


def overlay(settings: Mapping[str, Any], env: Env) -> dict[str, Any]:
    """Return limits, the handler that watches a file as it comes in, and the layer that answers 413 or 415."""
    name = "UPLOAD_TYPES"
    kinds = env.items(name, tuple(KINDS))
    if unknown := sorted(set(kinds) - set(KINDS) - {"*"}):
        env.problem(name, f"names {', '.join(unknown)}", f"* or some of {', '.join(KINDS)}", code="060")
    handlers = tuple(settings.get("FILE_UPLOAD_HANDLERS", _HANDLERS))
    limits = {
        "max_bytes": env.integer("UPLOAD_MAX_MB", 512, 1, 65536) * MEGABYTE,
        "kinds": None if "*" in kinds else frozenset(kinds),
    }
    return {
        "DATA_UPLOAD_MAX_MEMORY_SIZE": env.integer("BODY_MAX_MB", 10, 1, 1024) * MEGABYTE,
        "FILE_UPLOAD_HANDLERS": [HANDLER, *handlers],
        "SLIPWAY": {**settings.get("SLIPWAY", {}), "uploads": limits},
        "MIDDLEWARE": place.last(settings, LAYER),
    }
