"""The files in /run/slipway by which the processes of one container tell each other how they are.

`healthcheck.py` reads them without importing this module: it runs outside the virtual environment's packages.
"""

import os
from pathlib import Path

RUN_DIR = Path(os.environ.get("SLIPWAY_RUN_DIR", "/run/slipway"))


def begin(role: str, directory: Path = RUN_DIR) -> None:
    """Forget what an earlier life of this container left behind and write down the role.

    `docker restart` keeps the file system, so a marker from before would keep a new process red for ever.
    """
    directory.mkdir(parents=True, exist_ok=True)
    for name in ("draining", "worker.heartbeat", "beat.heartbeat"):
        (directory / name).unlink(missing_ok=True)
    (directory / "role").write_text(role + "\n")


def drain(directory: Path = RUN_DIR) -> None:
    """Turn the container's health red: from now on it only finishes what it has."""
    (directory / "draining").touch()


def is_draining(directory: Path = RUN_DIR) -> bool:
    """Tell whether the container was told to stop."""
    return (directory / "draining").exists()


def beat_heart(role: str, directory: Path = RUN_DIR) -> None:
    """Say that the loop of `role` (worker or beat) turns right now."""
    (directory / f"{role}.heartbeat").touch()
