"""Dockerfiles, compose files, shell scripts: what each says about variables."""

import textwrap

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.sources.compose import read_compose
from slipway.sources.dockerfile import instructions, read_dockerfile
from slipway.sources.found import Reading
from slipway.sources.shell import read_shell


def told(reading: Reading) -> list[str]:
    return [
        f"{use.place.line} {use.name} {use.kind}" + (f" {use.default!r}" if use.has_default else "")
        for use in reading.uses
    ]


def compose(text: str) -> Reading:
    return read_compose(textwrap.dedent(text), "compose.yml")


def test_a_dockerfile_tells_arguments_variables_and_packages_with_their_own_lines() -> None:
    reading = read_dockerfile(
        textwrap.dedent("""\
            # syntax is a comment
            FROM python:3.12-slim AS build
            ARG A=https://example.com B
            ENV C=1 \\
                D="two words"
            ENV OLD the rest
            RUN apt-get update \\
             # why
             && apt-get install -y --no-install-recommends git \\
                postgresql-client && echo $A
            FROM nginx:1
            CMD ["nginx", "-g", "daemon off;"]
        """),
        "Dockerfile",
    )
    assert told(reading) == [
        "3 A argument 'https://example.com'", "3 B argument", "4 C given '1'", "5 D given 'two words'",
        "6 OLD given 'the rest'", "7 A read",
    ]  # fmt: skip
    (file,) = reading.dockerfiles
    assert [stage.base for stage in file.stages] == ["python:3.12-slim", "nginx:1"]
    assert file.stages[0].packages == (("git", 9), ("postgresql-client", 10))
    assert (file.program, file.program_line) == ("nginx", 12)


def test_a_command_tells_more_than_its_entrypoint() -> None:
    text = 'FROM a\nCMD ["daphne", "x"]\nENTRYPOINT ["/entrypoint.sh"]\n'
    assert read_dockerfile(text, "D").dockerfiles[0].program == "daphne"


@given(st.text(max_size=200))
def test_no_text_is_too_odd_for_a_dockerfile(text: str) -> None:
    read_dockerfile(text, "Dockerfile")
    assert all(line >= 1 for line, _, _ in instructions(text))


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ('echo "$A ${B}"', ["1 A read", "1 B read"]),
        ("echo ${A:-x} ${B-} ${C:?must be set}", ["1 A read 'x'", "1 B read ''", "1 C needed"]),
        ("A=${A:-${B:-c}}\necho $A", ["1 A read None", "1 B read 'c'"]),
        ("A=1\necho $A", []),
        ("export A=1; echo $A", []),
        ("for A in 1 2; do echo $A; done", []),
        ("echo '$A' # $B\necho \"it's $C\"", ["2 C read"]),
        (r"echo \$A $lower ${lower}", []),
        ("echo ${#A} ${!B} $1 $? $RANDOM", []),
    ],
)
def test_a_script_reads_what_it_does_not_assign_first(script: str, expected: list[str]) -> None:
    assert told(read_shell(script, "x.sh")) == expected


def test_a_compose_file_tells_who_is_given_what() -> None:
    reading = compose("""\
        services:
          api:
            build: {context: ./back, args: {ARG_A: "1"}}
            environment:
              A: ${A}
              B: 5
              C:
            env_file: .env
            ports: ["8000:8000", {target: 80, published: 81}]
          db:
            image: postgres:15
            environment: ["P=x", Q]
            env_file: [{path: a.env}, b.env]
    """)
    given_to = {(use.name, use.by, use.default) for use in reading.uses if use.kind in {"given", "argument"}}
    assert given_to == {
        ("A", "api", "${A}"), ("B", "api", "5"), ("C", "api", None), ("ARG_A", "api", "1"), ("P", "db", "x"),
        ("Q", "db", None),
    }  # fmt: skip
    api, db = reading.containers
    assert (api.context, api.dockerfile) == ("back", "back/Dockerfile")
    assert api.published == (("8000:8000", 9), ("81:80", 9))
    assert (api.env_files, db.env_files) == (((".env", 8),), (("a.env", 13), ("b.env", 13)))


def test_interpolations_are_read_by_compose_and_escaped_ones_are_not() -> None:
    reading = compose("""\
        services:
          a:
            command: "echo $$NOT ${A:-b} ${C:?x} $D $$$E"
    """)
    assert told(reading) == ["3 A read 'b'", "3 C needed", "3 D read", "3 E read"]


def test_anchors_and_merges_are_followed() -> None:
    reading = compose("""\
        x-env: &env {A: 1, B: 2}
        services:
          a:
            environment:
              <<: *env
              B: 3
    """)
    assert {(use.name, use.default) for use in reading.uses} == {("A", "1"), ("B", "3")}


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ("postgres://u:${PASSWORD}@db/x", "PASSWORD"),
        ("postgres://${USER}:$PASSWORD@db/x", "PASSWORD"),
        ("redis://:${PASSWORD:-x}@r:6379/0", "PASSWORD"),
        ("postgres://u:p@${HOST}/x", None),
        ("https://${HOST}:${PORT}/", None),
        ("${DATABASE_URL}", None),
    ],
)
def test_a_secret_inside_a_url_is_told(value: str, name: str | None) -> None:
    reading = compose(f"services:\n  a:\n    environment:\n      URL: '{value}'\n")
    assert [one.name for one in reading.raw_secrets] == ([name] if name else [])


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("services:\n  a: [", 3, "is not YAML"),
        ("a: 1\n b: 2\n", 2, "is not YAML"),
        ("a: \x01\n", 1, "is not YAML"),
        ("[" * 3000, 1, "nested deeper"),
        ("a: *nowhere\n", 1, "is not YAML"),
    ],
)
def test_a_compose_file_that_cannot_be_read_says_where(text: str, line: int, words: str) -> None:
    (trouble,) = read_compose(text, "compose.yml").troubles
    assert trouble.place.line == line
    assert words in trouble.message


def test_a_million_laughs_are_not_unfolded() -> None:
    lines = ["x0: &x0 {A: 1, B: 2}"]
    lines += [f"x{n}: &x{n}\n  <<: [{', '.join([f'*x{n - 1}'] * 9)}]" for n in range(1, 9)]
    text = "\n".join([*lines, "services:", "  a:", "    environment:", "      <<: *x8"])
    (trouble,) = read_compose(text, "compose.yml").troubles
    assert "unfolds" in trouble.message


def test_a_merge_of_itself_ends() -> None:
    text = "services:\n  a:\n    environment: &e\n      <<: *e\n      A: 1\n"
    reading = read_compose(text, "compose.yml")
    assert [use.name for use in reading.uses] == ["A"]


@given(st.text(max_size=300))
def test_no_text_is_too_odd_for_compose_or_shell(text: str) -> None:
    read_compose(text, "compose.yml")
    read_shell(text, "x.sh")
