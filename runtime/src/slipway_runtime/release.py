"""Which release this process belongs to: as its deployment says, else as its image was built."""

import os


def version() -> str:
    """Return SLIPWAY_VERSION, "unknown" without it."""
    return os.environ.get("SLIPWAY_VERSION") or "unknown"


def revision() -> str:
    """Return SLIPWAY_REVISION, the git revision, "unknown" without it."""
    return os.environ.get("SLIPWAY_REVISION") or "unknown"
