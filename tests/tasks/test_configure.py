"""`--configure` and what it makes of images that are there already."""

import pytest

from slipway.config.workspace import Configured
from slipway.errors import UsageError
from tasks._session import session


@pytest.mark.parametrize("way", ["start", "build"])
def test_the_option_decides_for_every_portal(way: str) -> None:
    with session(env="production") as s:
        s.configure_portals(way)
        assert {portal.configure for portal in s.workspace.frontend.portals.values()} == {Configured(way)}
        assert s.config.workspace is s.workspace


def test_without_the_option_the_workspace_file_decides() -> None:
    with session(env="production") as s:
        before = s.workspace
        s.configure_portals("")
        assert s.workspace is before


def test_another_word_is_wrong_use() -> None:
    with session(env="production") as s, pytest.raises(UsageError, match="--configure later"):
        s.configure_portals("later")
