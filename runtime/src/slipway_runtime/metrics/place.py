"""Where the web processes of one container keep their counts, so that whichever is scraped tells of all of them."""

import os
from collections.abc import MutableMapping
from pathlib import Path

from slipway_runtime import state

VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
"""prometheus_client reads it when it is first imported, so it is set before the server starts."""


def prepare(environ: MutableMapping[str, str]) -> None:
    """Name the folder and forget what an earlier life of this container counted. Raises `OSError`."""
    if not environ.get(VARIABLE):
        environ[VARIABLE] = str(state.RUN_DIR / "metrics")
    folder = Path(environ[VARIABLE])
    for old in folder.glob("*.db") if folder.is_dir() else ():
        old.unlink(missing_ok=True)


def ensure() -> None:
    """Make the folder, or count in this process alone where nobody named one or it cannot be written."""
    named = os.environ.get(VARIABLE)
    if not named:
        return
    try:
        Path(named).mkdir(parents=True, exist_ok=True)
    except OSError:
        del os.environ[VARIABLE]


def forget_dead(folder: Path) -> None:
    """Remove the gauges of processes that are gone: what they had open is closed. Their counters stay in the sums."""
    for file in folder.glob("gauge_live*_*.db"):
        pid = file.stem.rpartition("_")[2]
        if pid.isdigit() and not Path(f"/proc/{pid}").exists():
            file.unlink(missing_ok=True)
