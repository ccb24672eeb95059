"""What `inv check.env` looks at beside the files of the environment."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from tasks._session import ROOT

if TYPE_CHECKING:
    from slipway.checks.issue import Issue
    from slipway.config.config import Config
    from tasks._session import Session


def looks(session: "Session") -> "tuple[Callable[[Config], Iterable[Issue]], ...]":
    """Return the further looks at a configuration, each from a Config to issues."""
    return (lambda config: _sources(session, config),)


def _sources(session: "Session", config: "Config") -> "list[Issue]":
    """Hold the monorepo's sources, and the overlay that runs with them, against the configuration."""
    from slipway.checks.sources.rules import issues
    from slipway.checks.sources.stand import OVERLAY
    from slipway.engines.source_reader import read_sources

    workspace = config.workspace
    settings = f"{workspace.backend.path}/{workspace.backend.settings.replace('.', '/')}"
    settings = f"{settings}/__init__.py" if (workspace.source / settings).is_dir() else f"{settings}.py"
    found = read_sources(workspace.source, session.builds_folder / "sources.json", settings=settings)
    overlay = read_sources(ROOT, session.builds_folder / "overlay.json", (OVERLAY,))
    return issues(config, found, overlay)
