from pathlib import Path

from slipway.config.document import read_document
from slipway.config.schema import Schema
from slipway.config.variables_doc import sections, variables_document

TEXT = """\
environments:
  local: development
  production: production

variables:
  # --- the web
  PORT:
    type: integer
    services: [web]
    computed: true
    constraints: {min: 1, max: 65535}
    description: Where it listens.
  MODE:
    type: enum
    services: [web]
    default: a|b
    constraints: {choices: [a|b, c]}
    description: How it runs.
  # --- keys
  TOKEN:
    type: string
    phase: deploy
    secret: true
    required: [production]
    generate: 20
    constraints: {min_length: 12}
    description: Opens the door.
  VITE_HOSTS:
    type: host_list
    services: [static]
    required: true
    deprecated: nothing asks for it
    constraints: {min_length: 2}
    example: a.example.org,b.example.org
    description: Names.
"""


def schema_of(tmp_path: Path, text: str = TEXT) -> Schema:
    file = tmp_path / "schema.yaml"
    file.write_text(text)
    document, _ = read_document(file, "schema.yaml")
    assert document is not None
    schema, faults = document.validate(Schema)
    assert schema is not None, faults
    return schema


def rows(tmp_path: Path) -> dict[str, str]:
    lines = variables_document(schema_of(tmp_path), TEXT).splitlines()
    return {line.split("`")[1]: line for line in lines if line.startswith("| `")}


def test_every_variable_stands_below_the_title_of_its_section(tmp_path: Path) -> None:
    assert list(sections(schema_of(tmp_path), TEXT)) == [
        ("PORT", "the web"),
        ("MODE", "the web"),
        ("TOKEN", "keys"),
        ("VITE_HOSTS", "keys"),
    ]


def test_a_row_says_what_a_value_may_be_and_who_gets_it(tmp_path: Path) -> None:
    found = rows(tmp_path)

    assert found["PORT"] == "| `PORT` | integer, 1 to 65535 | web | set by Slipway |  | Where it listens. |"
    assert found["TOKEN"] == (
        "| `TOKEN` | **secret**, string, at least 12 characters | Slipway | production |  "
        "| Opens the door. A rehearsal makes one up. |"
    )
    assert found["VITE_HOSTS"] == (
        "| `VITE_HOSTS` | host list, at least 2 items | static (in the browser) | every environment |  "
        "| Names. Deprecated: nothing asks for it. Example: `a.example.org,b.example.org`. |"
    )


def test_a_bar_in_a_value_does_not_break_the_table(tmp_path: Path) -> None:
    assert r"| `a\|b` or `c` | web |  | `a\|b` |" in rows(tmp_path)["MODE"]


def test_a_file_of_another_form_loses_no_variable(tmp_path: Path) -> None:
    text = "environments: {local: development}\nvariables: {A: {type: string, services: [web], description: text}}\n"
    assert list(sections(schema_of(tmp_path, text), text)) == [("A", "Further variables")]
