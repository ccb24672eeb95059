"""Which images a Dockerfile starts from."""

from pathlib import Path

import pytest

from slipway.release.dockerfile import base_references

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("text", "arguments", "target", "found"),
    [
        ("FROM a:1", {}, None, ("a:1",)),
        ("from a:1 as x\nfrom X", {}, None, ("a:1",)),
        ("ARG B=b:1\nFROM ${B}", {}, None, ("b:1",)),
        ("ARG B=b:1\nFROM $B", {"B": "c:1"}, None, ("c:1",)),
        ("ARG B\nARG C=${B:-d:1}\nFROM $C", {}, None, ("d:1",)),
        ("ARG B=1\nFROM a:${B:+new}", {}, None, ("a:new",)),
        ("FROM --platform=linux/amd64 a:1 AS x", {}, None, ("a:1",)),
        ("FROM a:1\nFROM b:1", {}, None, ("b:1",)),
        ("FROM a:1 AS one\nFROM b:1 AS two\nFROM one", {}, None, ("a:1",)),
        ("FROM a:1 AS one\nFROM b:1\nCOPY --chown=1 --from=one / /", {}, None, ("a:1", "b:1")),
        ("FROM a:1\nFROM b:1\nCOPY --from=0 / /", {}, None, ("a:1", "b:1")),
        ("FROM a:1\nCOPY --from=z:3 / /", {}, None, ("a:1", "z:3")),
        ("FROM a:1\nRUN --mount=type=bind,from=z:3,target=/z \\\n # why\n  make", {}, None, ("a:1", "z:3")),
        ("FROM a:1 AS one\nFROM b:1 AS two", {}, "one", ("a:1",)),
        ("FROM a:1", {}, "nope", ()),
        ("FROM scratch\nCOPY x /", {}, None, ()),
        ("FROM $NONE", {}, None, ()),
        ("", {}, None, ()),
        ("FORM a:1\nRUN FROM b", {}, None, ()),
        ("FROM a AS a", {}, None, ("a",)),
        ("# FROM c:1\n\\\nFROM a:1 \\", {}, None, ("a:1",)),
    ],
)
def test_the_images_outside_are_found(
    text: str, arguments: dict[str, str], target: str | None, found: tuple[str, ...]
) -> None:
    assert base_references(text, arguments, target) == found


@pytest.mark.parametrize(("name", "target"), [("backend", "production"), ("frontend", "portal")])
def test_the_projects_own_start_from_its_base_images(name: str, target: str) -> None:
    found = base_references((ROOT / f"Dockerfile.{name}").read_text(), {}, target)
    assert found
    assert all(reference.startswith("slipway/base-") for reference in found)
