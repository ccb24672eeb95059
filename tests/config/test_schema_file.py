import json
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from slipway.config.schema import Constraints, Variable
from slipway.config.schema_file import load_schema, read_schema
from slipway.config.workspace import Workspace
from slipway.errors import UsageError

HEAD = "environments: {local: development, production: production}\nvariables:\n"


def complaints(tmp_path: Path, workspace: Workspace, *variables: str) -> list[str]:
    (tmp_path / "schema.yaml").write_text(HEAD + "".join(f"  {line}\n" for line in variables))
    _, faults = read_schema(tmp_path / "schema.yaml", tmp_path, workspace)
    return [str(fault) for fault in faults]


CONTRADICTIONS = [
    ("secret: true, default: x", "A.default: a secret has no default"),
    ("generate: 20", "A.generate: is for secrets only"),
    ("secret: true, generate: 20, constraints: {min_length: 30}", "A.generate: makes 20 characters, shorter than"),
    ("secret: true, generate: 40, constraints: {max_length: 30}", "A.generate: makes 40 characters, longer than"),
    ("secret: true, generate: 20, constraints: {pattern: '[a-z]+'}", "A.generate: makes values of A-Z a-z 0-9 - _"),
    ("secret: true, generate: 20, constraints: {pattern: '[A-Za-z0-9-]+'}", "A.generate: makes values of"),
    ("type: integer, secret: true, generate: 20", "A.generate: makes values of"),
    ("required: true, default: x", "A.required: with a default it is never missing"),
    ("required: [local], default: x", "A.required: with a default it is never missing"),
    ("required: []", "A.required: names no environment"),
    ("required: [prod]", "A.required.0: no environment 'prod'; there are local, prod"),
    ("required: [local, local]", "A.required.1: local is named twice"),
    ("services: [wbe]", "A.services.0: no service, role or image 'wbe'"),
    ("required: [prod]", "-> did you mean production?"),
    ("type: enum, constraints: {choices: [a, b], pattern: c}", "A.constraints.pattern: type enum has no use"),
    ("services: [wbe]", "did you mean web?"),
    ("services: [web, api, web]", "A.services.2: web is named twice"),
    ("services: []", "A.services: who gets it?"),
    ("phase: deploy", "A.services: phase deploy is read by Slipway alone"),
    ("phase: build", "A.phase: what a portal's build reads begins with VITE_"),
    ("phase: bulid", "variables.A.phase: Input should be"),
    ("phase: bulid", "did you mean build?"),
    ("type: strnig", "did you mean string?"),
    ("type: enum", "A.constraints: choices belong to type enum"),
    ("constraints: {choices: [a]}", "A.constraints.choices: choices belong to type enum or list"),
    ("type: enum, constraints: {choices: [a, b, a]}", "A.constraints.choices.2: a is listed twice"),
    ("type: enum, constraints: {choices: [a, ' b']}", "A.constraints.choices.1: is empty, has spaces"),
    ("type: enum, default: c, constraints: {choices: [a, b]}", "A.default: must be one of a, b"),
    ("constraints: {min: 5}", "A.constraints.min: type string has no use for it"),
    ("type: integer, constraints: {pattern: '[0-9]'}", "A.constraints.pattern: type integer has no use for it"),
    ("type: boolean, constraints: {max: 1}", "-> it takes no constraints"),
    ("type: integer, constraints: {min: 5, max: 4}", "A.constraints.min: min is larger than max"),
    ("type: integer, constraints: {min: 0.2, max: 0.8}", "A.constraints.min: no whole number lies between"),
    ("type: duration, constraints: {max: -1}", "A.constraints.max: is negative"),
    ("constraints: {min_length: 5, max_length: 4}", "A.constraints.min_length: min_length is larger than max_length"),
    ("constraints: {pattern: '['}", "A.constraints.pattern: is no regular expression: unclosed character class"),
    ("constraints: {pattern: 'a)(b'}", "A.constraints.pattern: is no regular expression"),
    ("constraints: {pattern: '(?=a)b'}", "A.constraints.pattern: is no regular expression: look-around"),
    ("constraints: {pattern: '(a)\\1'}", "A.constraints.pattern: is no regular expression: backreferences"),
    ("constraints: {pattern: '(a{100}){100}'}", "A.constraints.pattern: repeats a repetition more than"),
    ("type: integer, default: x", "A.default: must be a whole number"),
    ("type: integer, default: 5, constraints: {max: 4}", "A.default: must be at most 4"),
    ("type: duration, default: 5s, constraints: {max: 4}", "A.default: must be at most 4 s"),
    ("default: '${service.pai.public_url}'", "A.default: refers to ${service.pai.public_url}, which does not exist"),
    ("default: '${domain'", "A.default: refers to a ${ without its end"),
    ("type: url, example: host", "A.example: must be an address"),
    ("example: abc, constraints: {pattern: '[0-9]+'}", "A.example: does not match [0-9]+"),
    ("secret: true, example: Xk29dkLLmw3Q", "A.example: the example of a secret looks like a real one"),
    ("type: url, secret: true, example: 'https://u:Xk29dkLLmw@x.org'", "A.example: the example of a secret looks"),
    ("type: database_url", "A.type: a database url holds a password -> add `secret: true`"),
    ("type: boolean, secret: true", "A.secret: true or false is no secret"),
    ("computed: true, default: x", "A.default: computed"),
    ("computed: true, required: true", "A.required: computed"),
    ("computed: true, secret: true", "A.secret: computed"),
    ("deprecated: gone by now, required: true", "A.required: deprecated, so nobody needs it"),
    ("deprecated: gone by now, secret: true, generate: 20", "A.generate: deprecated"),
    ("deprecated: {reason: renamed, use: A}", "A.deprecated.use: names the variable itself"),
    ("deprecated: {reason: renamed, use: GOOB}", "A.deprecated.use: no variable GOOB -> did you mean GOOD?"),
    ("deprecated: {reason: renamed, use: OLD}", "A.deprecated.use: OLD is deprecated, too"),
    ("secret: true, deprecated: {reason: renamed, use: GOOD}", "A.deprecated.use: GOOD is no secret"),
    ("deprecated: {use: GOOD}", "variables.A.deprecated.reason: is missing"),
    ("deprecated: {reason: renamed, refused_from: soon}", "variables.A.deprecated.refused_from: must be a day"),
    ("deprecated: {reason: renamed, refsued_from: 2030-01-01}", "did you mean refused_from?"),
    ('description: "one\\ntwo"', "A.description: must be one line of text"),
    ("description: ''", "variables.A.description"),
    ("requird: true", "variables.A.requird: is not a key known here -> did you mean required?"),
    ("constraints: {min_lenght: 3}", "did you mean min_length?"),
]  # fmt: skip


@pytest.mark.parametrize(("said", "words"), CONTRADICTIONS)
def test_a_schema_that_contradicts_itself_is_refused_with_the_line_of_its_key(
    tmp_path: Path, workspace: Workspace, said: str, words: str
) -> None:
    """Each key stands in a line of its own, so that a fault that names another's line is seen."""
    stated = yaml.safe_load(f"{{type: string, services: [web], description: text, {said}}}")
    text = yaml.safe_dump({"A": stated}, sort_keys=False, width=1000)
    good = ("GOOD: {type: string, services: [web], description: text}",
            "OLD: {type: string, services: [web], description: text, deprecated: is gone}")  # fmt: skip
    found = complaints(tmp_path, workspace, *good, *text.splitlines())
    assert len(found) == 1
    line, _, told = found[0].removeprefix("schema.yaml:").partition(": ")
    assert words in told
    lines = (tmp_path / "schema.yaml").read_text().splitlines()
    last = next(part for part in reversed(told.partition(":")[0].split(".")) if not part.isdigit())
    assert lines[int(line) - 1].strip().startswith((f"{last}:", "- ")) or f"{last}:" not in text


PORTALS = [
    ("VITE_A: {type: string, phase: deploy, description: text}", "VITE_A.phase: a VITE_ name is read by a portal"),
    ("VITE_A: {type: string, services: [static], description: text, secret: true}", "ends up in every browser"),
    ("VITE_A: {type: redis_url, services: [admin], description: text, secret: true}", "ends up in every browser"),
    ("VITE_A: {type: string, services: [static, web], description: text}", "VITE_A.services.1: a VITE_ name is"),
    ("SLIPWAY_VAR_X: {type: string, services: [web], description: text}", "is how the process gives a variable"),
    ("a: {type: string, services: [web], description: text}", "variables.a"),
    ("A: text", "variables.A: must be a mapping"),
]  # fmt: skip


@pytest.mark.parametrize(("line", "words"), PORTALS)
def test_a_name_decides_what_may_be_said_of_it(tmp_path: Path, workspace: Workspace, line: str, words: str) -> None:
    (found,) = complaints(tmp_path, workspace, line)
    assert found.startswith("schema.yaml:3: ")
    assert words in found


@pytest.mark.parametrize(
    "line",
    [
        "A: {type: database_url, services: [web], description: text, secret: true, example: 'postgresql://u:<pw>@h/d'}",
        "A: {type: redis_url, services: [web], description: text, default: 'redis://localhost:6379/0'}",
        "A: {type: string, services: [web], description: text, secret: true, example: change-me}",
        "A: {type: url, services: [web], description: text, secret: true, example: 'https://errors.example.org/1'}",
        "A: {type: url, services: [web], description: text, default: '${service.api.public_url}/x'}",
        "A: {type: string, services: [web], description: text, constraints: {pattern: '(a+)+b'}}",
        "VITE_A: {type: string, services: [static], phase: build, description: text, default: x}",
        "A: {type: duration, services: [web], description: text, default: 500ms, constraints: {min: 0.5, max: 5}}",
        "A: {type: string, services: [web], description: text, deprecated: {reason: gone, refused_from: 2030-01-31}}",
    ],
)  # fmt: skip
def test_what_is_no_contradiction_is_taken(tmp_path: Path, workspace: Workspace, line: str) -> None:
    assert complaints(tmp_path, workspace, line) == []


def test_an_environment_is_not_called_as_what_all_share(tmp_path: Path, workspace: Workspace) -> None:
    (tmp_path / "schema.yaml").write_text("environments:\n  base: production\nvariables: {}\n")
    _, faults = read_schema(tmp_path / "schema.yaml", tmp_path, workspace)
    assert [str(fault) for fault in faults] == [
        "schema.yaml:2: environments.base: cannot be an environment's name: env/base.env is what all share"
    ]


def test_a_variable_that_cannot_be_read_hides_no_contradiction_of_another(tmp_path: Path, workspace: Workspace) -> None:
    found = complaints(
        tmp_path,
        workspace,
        "A: {type: strnig, services: [web], description: text}",
        "B: {type: string, services: [web], description: text, secret: true, default: hunter2-hunter2}",
        "C: {type: string, services: [web], description: text, deprecated: {reason: renamed, use: A}}",
    )
    assert [line.partition(": ")[0] for line in found] == ["schema.yaml:3", "schema.yaml:4"]
    assert "hunter2" not in "".join(found)


@pytest.mark.parametrize("content", [b"", b"[]", b"environments: []\nvariables: 3\n", b"variables: {A: ~}\n",
    b"x: {}", "a: 1\nvariables: {\xc4: 1}\n".encode("latin-1"),
    b"#" * 10_000_000, b"\x7fELF\x00\x01", b"a: &a [*a]\n", b"variables: &v {}\nenvironments: *v\n"])  # fmt: skip
def test_a_file_that_is_no_schema_is_refused_and_nothing_crashes(
    tmp_path: Path, workspace: Workspace, content: bytes
) -> None:
    (tmp_path / "schema.yaml").write_bytes(content)
    schema, faults = read_schema(tmp_path / "schema.yaml", tmp_path, workspace)
    assert schema is None
    assert faults
    assert all(fault.where.startswith("schema.yaml") for fault in faults)


KEYS = ("environments", "variables", "A", "VITE_B", *Variable.model_fields, *Constraints.model_fields)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=8),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
        max_leaves=12,
    )
)
def test_any_yaml_is_a_schema_or_refused_with_a_place(
    tmp_path_factory: pytest.TempPathFactory, workspace: Workspace, value: object
) -> None:
    file = tmp_path_factory.getbasetemp() / "schema.yaml"
    file.write_text(json.dumps(value))
    schema, faults = read_schema(file, file.parent, workspace)
    assert (schema is None) == any(fault.fatal for fault in faults)


def test_every_fault_of_a_schema_comes_at_once(tmp_path: Path, workspace: Workspace) -> None:
    bad = "{type: string, services: [nobody], description: text}"
    assert len(complaints(tmp_path, workspace, f"A: {bad}", f"B: {bad}")) == 2
    with pytest.raises(UsageError, match="has 2 problems"):
        load_schema(tmp_path / "schema.yaml", tmp_path, workspace)
