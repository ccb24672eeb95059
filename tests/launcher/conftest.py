from pathlib import Path

import pytest

from tests.launcher.checkout import Checkout, checkout


@pytest.fixture
def fresh(tmp_path: Path) -> Checkout:
    """A checkout that was never set up."""
    return checkout(tmp_path)
