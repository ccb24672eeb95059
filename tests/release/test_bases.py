from collections.abc import Callable
from pathlib import Path

import pytest

from slipway.engines.images.bases import RECIPES_FOLDER
from slipway.release.bases import COMMON_FILES, RECIPES, Machine, needs, recipe_digests, with_parents

_TEXTS = {path.name: path.read_bytes() for path in RECIPES_FOLDER.iterdir()}
_ALL = tuple(RECIPES)


def test_every_recipe_has_its_files_and_no_file_is_left_over() -> None:
    wanted = {*COMMON_FILES}
    for recipe in RECIPES.values():
        wanted |= {f"{recipe.name}.Dockerfile", *recipe.files}
    assert wanted == set(_TEXTS)


@pytest.mark.parametrize("name", _ALL)
def test_a_recipe_says_why_and_stays_within_what_the_oldest_builder_reads(name: str) -> None:
    text = _TEXTS[f"{name}.Dockerfile"].decode()
    assert text.startswith("# ")
    assert "ARG PARENT\n" in text
    assert "<<" not in text
    assert "--link" not in text
    assert "syntax=" not in text
    for builder in RECIPES[name].builders:
        assert f"ARG {builder.upper()}\n" in text
    for file in RECIPES[name].files:
        assert f"/run/bases/{file}" in text
    if RECIPES[name].staged:
        assert " AS registry\n" in text
        assert " AS packages\n" in text


@pytest.mark.parametrize("name", _ALL)
def test_what_a_registry_offers_is_always_debian_12(name: str) -> None:
    upstream = RECIPES[name].upstream
    assert upstream is None or "bookworm" in upstream


def test_parents_come_first_and_once() -> None:
    order = with_parents(["node", "tools", "node"])
    assert order == ("debian", "python", "node", "tools")
    for name in with_parents(_ALL):
        assert all(with_parents(_ALL).index(parent) < with_parents(_ALL).index(name) for parent in needs(RECIPES[name]))


def test_an_unknown_name_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        with_parents(["alpine"])


def _changed(texts: dict[str, bytes], machine: Machine) -> set[str]:
    before = recipe_digests(_ALL, _TEXTS, Machine())
    after = recipe_digests(_ALL, texts, machine)
    return {name for name in _ALL if before[name] != after[name]}


@pytest.mark.parametrize(
    ("file", "changed"),
    [
        ("redis-entrypoint", {"redis"}),
        ("node.Dockerfile", {"node"}),
        ("python.Dockerfile", {"python", "node", "traefik"}),
        ("debian.Dockerfile", set(_ALL)),
        ("trim", set(_ALL)),
    ],
)
def test_a_changed_file_changes_its_base_and_all_that_stand_on_it(file: str, changed: set[str]) -> None:
    assert _changed(_TEXTS | {file: _TEXTS[file] + b"\n"}, Machine()) == changed


@pytest.mark.parametrize(
    "machine",
    [
        Machine(certificates={"a.crt": b"x"}),
        Machine(sources="Types: deb"),
        Machine(apt_options='Acquire::Check-Date "false";'),
    ],
)
def test_what_is_taken_over_from_the_machine_counts(machine: Machine) -> None:
    assert _changed(_TEXTS, machine) == set(_ALL)


def test_the_digest_depends_on_nothing_else() -> None:
    assert recipe_digests(["redis"], _TEXTS, Machine())["redis"] == recipe_digests(_ALL, _TEXTS, Machine())["redis"]
    assert _changed(_TEXTS, Machine(pip_index="https://index.invalid/simple")) == set()


def test_files_do_not_run_into_each_other() -> None:
    split: Callable[[bytes, bytes], str] = lambda a, b: recipe_digests(  # noqa: E731
        ["redis"], _TEXTS | {"adopt": a, "trim": b}, Machine()
    )["redis"]
    assert split(b"ab", b"c") != split(b"a", b"bc")


def test_scripts_are_there_where_the_package_looks_for_them() -> None:
    assert Path(RECIPES_FOLDER, "adopt").is_file()
