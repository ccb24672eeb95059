"""The scripts of the backend's build stages as modules: the image runs them, so they are in no package."""

import importlib
import sys
from pathlib import Path
from types import ModuleType

FOLDER = Path(__file__).parents[2] / "images" / "backend"


def script(name: str) -> ModuleType:
    """Load a script; those that it imports lie beside it."""
    sys.path.insert(0, str(FOLDER))
    try:
        return importlib.import_module(name)
    finally:
        sys.path.remove(str(FOLDER))
