"""Inputs: what changes their digest, what does not, and how a difference is told."""

from typing import Any

import pytest

from slipway.release.inputs import INPUTS_LABEL, Inputs, differences, inputs_of, told

GIVEN: dict[str, Any] = {
    "files": {"src/a.py": "file 644 aa", "src/b.py": "file 644 bb"},
    "dockerfile": "Dockerfile.backend",
    "target": "production",
    "arguments": {"WRITABLE": "media", "VERSION": "1", "REVISION": "a"},
    "labels": {"slipway.image": "backend", "org.opencontainers.image.created": "now"},
    "bases": {"python:3": "sha256:1"},
}


def digest(**changes: Any) -> str:
    return inputs_of(**{**GIVEN, **changes}).digest


@pytest.mark.parametrize(
    "changes",
    [
        {"files": {**GIVEN["files"], "src/a.py": "file 755 aa"}},
        {"files": {**GIVEN["files"], "src/a.py": "file 644 ab"}},
        {"files": {"src/a.py": "file 644 aa"}},
        {"files": {"src/a.py": "file 644 bb", "src/b.py": "file 644 aa"}},
        {"dockerfile": "Dockerfile"},
        {"target": None},
        {"arguments": {**GIVEN["arguments"], "WRITABLE": ""}},
        {"labels": {**GIVEN["labels"], "slipway.image": "admin"}},
        {"bases": {"python:3": "sha256:2"}},
    ],
)
def test_every_input_is_in_the_digest(changes: dict[str, Any]) -> None:
    assert digest(**changes) != digest()


@pytest.mark.parametrize(
    "changes",
    [
        {"arguments": {"WRITABLE": "media", "VERSION": "2", "REVISION": "b"}},
        {"labels": {**GIVEN["labels"], "org.opencontainers.image.created": "later", "slipway.dirty": "true"}},
        {"labels": {**GIVEN["labels"], INPUTS_LABEL: "0" * 64}},
        {"files": dict(reversed(GIVEN["files"].items()))},
    ],
)
def test_what_a_release_stamps_on_an_image_is_no_input(changes: dict[str, Any]) -> None:
    assert digest(**changes) == digest()


def test_a_file_name_that_is_no_text_is_an_input_like_any_other() -> None:
    assert digest(files={"src/\udcff.py": "file 644 aa"}) != digest(files={"src/\udcfe.py": "file 644 aa"})


def test_a_record_of_the_parts_shows_no_argument() -> None:
    assert "media" not in repr(inputs_of(**GIVEN).parts)


def test_a_base_that_nobody_has_seen_is_named() -> None:
    assert inputs_of(**{**GIVEN, "bases": {"a:1": "", "b:1": "sha256:1"}}).unknown_bases == ("a:1",)
    assert Inputs(inputs_of(**GIVEN).parts).unknown_bases == ()


def test_differences_name_files_first_and_say_what_is_new_or_gone() -> None:
    now = inputs_of(**{**GIVEN, "files": {"src/b.py": "x", "src/c.py": "y"}, "bases": {"python:3": "sha256:2"}})
    changed = differences(inputs_of(**GIVEN).parts, now.parts)
    assert changed == ("src/a.py (gone)", "src/b.py", "src/c.py (new)", "base python:3")
    assert told(changed) == "4 changed: src/a.py (gone), src/b.py, src/c.py (new), base python:3"
    assert told(tuple("abcdef")) == "6 changed: a, b, c, d and 2 more"
    assert told(()) == "nothing changed"
