from pathlib import Path

import pytest

from slipway.config.workspace import Workspace
from tests.verbs.ground import Ground, environment


@pytest.fixture
def ground(root: Path, workspace: Workspace) -> Ground:
    return Ground(environment(root, workspace))
