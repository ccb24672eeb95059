"""One line for the container's log."""

import sys


def say(text: str) -> None:
    """Write one line to standard error, at once."""
    sys.stderr.write(f"slipway: {text}\n")
    sys.stderr.flush()
