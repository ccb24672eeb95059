"""One line for the container's log."""

import os
import sys

from slipway_runtime import logs


def say(text: str) -> None:
    """Write one line to standard error, at once, in the format that all the other lines have."""
    sys.stderr.write(f"{logs.said(text)}\n" if logs.wants_json(os.environ) else f"slipway: {text}\n")
    sys.stderr.flush()
