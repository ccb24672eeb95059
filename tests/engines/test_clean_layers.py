from pathlib import Path

import pytest

from slipway.engines.clean_layers import CleanLayers

VALUES = ("a-secret-value", "another-one")


def test_what_was_clean_is_remembered_for_the_same_values_only(tmp_path: Path) -> None:
    clean = CleanLayers(tmp_path / "new" / "clean.json")
    assert clean.known(VALUES) == frozenset()
    clean.remember(VALUES, ["sha256:1"])
    clean.remember(reversed(VALUES), ["sha256:2", "sha256:1"])
    assert clean.known(VALUES) == {"sha256:1", "sha256:2"}
    assert clean.known((*VALUES, "a-third-value")) == frozenset()
    clean.remember(("other",), ["sha256:3"])
    assert clean.known(VALUES) == frozenset()
    assert clean.known(("other",)) == {"sha256:3"}


def test_the_file_shows_no_value_and_is_private(tmp_path: Path) -> None:
    path = tmp_path / "clean.json"
    CleanLayers(path).remember(VALUES, ["sha256:1"])
    assert path.stat().st_mode & 0o777 == 0o600
    assert not any(value in path.read_text() for value in VALUES)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"layers": 3}', '{"key": 1, "values": [], "layers": {}}'])
def test_a_broken_file_is_no_memory(tmp_path: Path, text: str) -> None:
    path = tmp_path / "clean.json"
    path.write_text(text)
    assert CleanLayers(path).known(VALUES) == frozenset()
    CleanLayers(path).remember(VALUES, ["sha256:1"])
    assert CleanLayers(path).known(VALUES) == {"sha256:1"}


def test_a_place_that_cannot_be_written_costs_time_only(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    clean = CleanLayers(tmp_path / "file" / "clean.json")
    clean.remember(VALUES, ["sha256:1"])
    assert clean.known(VALUES) == frozenset()
