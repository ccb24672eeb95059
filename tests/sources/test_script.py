"""What TypeScript and JavaScript read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.sources.script import may_read, read_page, read_script


def told(source: str, file: str = "src/a.tsx") -> list[str]:
    return [
        f"{use.name} {use.kind} {use.by}" + (f" {use.default!r}" if use.has_default else "")
        for use in read_script(source.encode(), file).uses
    ]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import.meta.env.VITE_A", ["VITE_A read import.meta.env"]),
        ("import.meta.env?.VITE_A", ["VITE_A read import.meta.env"]),
        ("import.meta\n  .env\n  .VITE_A", ["VITE_A read import.meta.env"]),
        ("import.meta.env['VITE_A']", ["VITE_A read import.meta.env"]),
        ("import.meta.env[`VITE_A`]", ["VITE_A read import.meta.env"]),
        ("(import.meta as any).env.VITE_A", ["VITE_A read import.meta.env"]),
        ("import.meta.env.VITE_A!.trim()", ["VITE_A read import.meta.env"]),
        ("const a = import.meta.env.VITE_A ?? 'x'", ["VITE_A read import.meta.env 'x'"]),
        ("const a = (import.meta.env.VITE_A || '').trim()", ["VITE_A read import.meta.env ''"]),
        ("const a = import.meta.env.VITE_A || other()", ["VITE_A read import.meta.env None"]),
        ("const a = import.meta.env.VITE_A + 'x'", ["VITE_A read import.meta.env"]),
        ("const { VITE_A, VITE_B: b, VITE_C = 'x' } = import.meta.env",
         ["VITE_A read import.meta.env", "VITE_B read import.meta.env", "VITE_C read import.meta.env 'x'"]),
        ("const { VITE_A, ...rest } = import.meta.env", ["VITE_A read import.meta.env", " unknown import.meta.env"]),
        ("const env = import.meta.env;\nenv.VITE_A", ["VITE_A read import.meta.env"]),
        ("import.meta.env[name]", [" unknown import.meta.env"]),
        ("import.meta.env[`VITE_${name}`]", ["VITE_ unknown import.meta.env"]),
        ("import.meta.env['VITE_' + name]", ["VITE_ unknown import.meta.env"]),
        ("process.env.A", ["A read process.env"]),
        ("if (typeof process !== 'undefined' && process.env.A) { f() }", ["A read process.env?"]),
        ("process.env.A = 'x'", ["A written process.env"]),
        ("globalThis.__ENV.VITE_A", ["VITE_A read __ENV"]),
        ("window.__ENV?.VITE_A", ["VITE_A read __ENV"]),
        ("const env = loadEnv(mode, process.cwd(), '')\nenv.VITE_A", ["VITE_A read loadEnv"]),
        ("// import.meta.env.VITE_A\n'process.env.A'", []),
        ("thing.env.A; meta.env.B; env.C", []),
        ("<a href={import.meta.env.VITE_A}>import.meta.env.VITE_B</a>", ["VITE_A read import.meta.env"]),
    ],
)  # fmt: skip
def test_a_way_of_reading_is_told(source: str, expected: list[str]) -> None:
    assert may_read(source.encode()) or expected == []
    assert told(source) == expected


def test_a_cast_of_a_plain_file_is_no_element() -> None:
    assert told("const a = <string>import.meta.env.VITE_A", "src/a.ts") == ["VITE_A read import.meta.env"]


def test_a_file_that_does_not_parse_says_where_and_gives_the_rest() -> None:
    reading = read_script(b"import.meta.env.VITE_A\nconst = = {{{\n", "a.ts")
    assert [use.name for use in reading.uses] == ["VITE_A"]
    assert [trouble.place.line for trouble in reading.troubles] == [2]


def test_a_page_is_filled_in_by_vite() -> None:
    uses = read_page("<html>\n<title>%VITE_TITLE% 100%</title>", "index.html").uses
    assert [(use.name, str(use.place)) for use in uses] == [("VITE_TITLE", "index.html:2")]


def test_deep_nesting_is_read_without_an_end_of_the_stack() -> None:
    source = "(" * 20_000 + "import.meta.env.VITE_A" + ")" * 20_000
    assert told(source) in (["VITE_A read import.meta.env"], [])


@given(st.binary(max_size=200))
def test_no_bytes_make_it_fail(data: bytes) -> None:
    read_script(b"import.meta.env.VITE_A;" + data, "a.tsx")
