"""The rules for bundles, over texts as Vite writes them."""

from collections.abc import Mapping

import pytest

from slipway.checks.issue import Issue
from slipway.checks.portals import Bundle, check_bundle
from slipway.config.kinds import Kind
from slipway.config.schema import Variable
from slipway.config.workspace import Configured

PAGE = '<head><script src="/env.js"></script><script type="module" src="/assets/index-1.js"></script></head>'
LOOK_UP = "fetch(globalThis.__ENV.VITE_API_URL);"


def variable(*, required: bool = True) -> Variable:
    return Variable(type=Kind.URL, description="text", services=("static",), required=required)


def checked(
    script: str,
    page: str = PAGE,
    more: Mapping[str, str] | None = None,
    values: Mapping[str, str] | None = None,
    **declared: Variable,
) -> list[Issue]:
    way = Configured.START if values is None else Configured.BUILD
    files = {"index.html": page, "assets/index-1.js": script, **(more or {})}
    known = {"VITE_API_URL": variable(), **declared}
    return check_bundle(Bundle("admin", "tiny/admin:1", way, files, known, values or {}, {"api", "postgres"}))


def said(issues: list[Issue]) -> list[tuple[str, str]]:
    return [(issue.id, str(issue.severity)) for issue in issues]


def test_a_bundle_that_looks_up_what_is_declared_is_content() -> None:
    assert checked(LOOK_UP) == []


def test_a_look_up_that_is_not_declared_is_an_error_with_its_file() -> None:
    issue = checked(LOOK_UP, more={"assets/Live-2.js": "const a=globalThis.__ENV.VITE_SENTRY"})[0]
    assert (issue.id, issue.where, issue.subject) == ("portals.undeclared", "tiny/admin:1: assets/Live-2.js", "admin")
    assert "VITE_SENTRY" in issue.message
    assert "env/schema.yaml" in issue.hint


def test_a_variable_that_nothing_reads_is_told() -> None:
    assert said(checked(LOOK_UP, VITE_NOTE=variable())) == [("portals.unread", "info")]


@pytest.mark.parametrize(
    "start",
    [
        'new Worker(new URL("/assets/worker-3.js",import.meta.url),{type:"module"})',
        "new Worker('/assets/worker-3.js')",
        "new SharedWorker(`assets/worker-3.js`)",
    ],
)
def test_a_look_up_in_a_worker_is_an_error(start: str) -> None:
    worker = {"assets/worker-3.js": "self.url=globalThis.__ENV.VITE_API_URL"}
    assert said(checked(LOOK_UP + start, more=worker)) == [("portals.worker", "error")]
    assert checked(LOOK_UP + start, more={"assets/worker-3.js": "postMessage(1)"}) == []


@pytest.mark.parametrize(
    "page",
    [
        '<script type="module" src="/assets/index-1.js"></script>',
        '<script src="/assets/first.js"></script><script src="/env.js"></script>',
        "",
    ],
)
def test_a_page_without_its_variables_first_is_an_error(page: str) -> None:
    assert said(checked(LOOK_UP, page)) == [("portals.page", "error")]


@pytest.mark.parametrize("page", [PAGE, PAGE.replace("/env.js", "/admin/env.js"), PAGE.replace("/env.js", "./env.js")])
def test_the_page_may_lie_in_a_folder(page: str) -> None:
    assert checked(LOOK_UP, page) == []


@pytest.mark.parametrize(
    ("literal", "kind"),
    [
        ("http://localhost:8000", "local"),
        ("ws://localhost/ws", "local"),
        ("http://127.0.0.1:8000/api", "local"),
        ("http://0.0.0.0:8000", "local"),
        ("https://10.1.2.3/", "local"),
        ("http://[::1]:8000", "local"),
        ("http://api/v1", "local"),
        ("http://backend:8000", "local"),
        ("http://host.docker.internal:8000", "local"),
        ("https://example.com", "placeholder"),
        ("https://api.example.org/v1", "placeholder"),
        ("https://your-api.com", "placeholder"),
        ("https://yourdomain.com/api", "placeholder"),
        ("https://changeme.io", "placeholder"),
    ],
)
@pytest.mark.parametrize("quote", ['"', "'", "`"])
def test_an_address_that_leads_nowhere_is_an_error(literal: str, kind: str, quote: str) -> None:
    code = f"{LOOK_UP}var c=ax.create({{baseURL:{quote}{literal}{quote}}})"
    issues = checked(code)
    assert said(issues) == [(f"portals.{kind}", "error")]
    assert literal in issues[0].message


FALLBACKS = (
    'const u=globalThis.__ENV.VITE_API_URL||"http://localhost:8000";',
    'const u=(globalThis.__ENV.VITE_API_URL??"https://example.com").replace(/x/,"");',
    'f=()=>typeof import.meta<"u"&&globalThis.__ENV.VITE_API_URL?globalThis.__ENV.VITE_API_URL:"http://localhost:8000";',
    'const a=globalThis.__ENV.VITE_API_URL,u=(a||"http://localhost:8000").trim();',
)


@pytest.mark.parametrize("code", FALLBACKS)
def test_a_fallback_that_is_never_reached_is_information(code: str) -> None:
    assert [str(issue.severity) for issue in checked(code)] == ["info"]


@pytest.mark.parametrize("code", FALLBACKS)
def test_the_fallback_for_a_variable_that_may_be_missing_is_an_error(code: str) -> None:
    assert [str(issue.severity) for issue in checked(code, VITE_API_URL=variable(required=False))] == ["error"]


def test_a_look_up_in_another_statement_makes_no_fallback() -> None:
    assert said(checked(f'{LOOK_UP}const u=x||"http://localhost:8000"')) == [("portals.local", "error")]


@pytest.mark.parametrize(
    "code",
    [
        'u=a&&window.location.href||"http://localhost"',  # axios
        'new URL(p,"http://localhost")',  # react-router
        'jsx("input",{placeholder:"https://your-shop.com:9000/feed"})',
        'e="http://www.w3.org/2000/svg"',
        'throw Error("Enter a URL such as https://example.com or http://localhost:3000")',
        'n="https://reactjs.org/docs/error-decoder.html?invariant="',
        'c="https://api.zamio.localhost"',
        "t=`https://${host}/x`",
        '"http://"+h',
    ],
)
def test_what_libraries_and_forms_hold_is_no_finding(code: str) -> None:
    assert checked(LOOK_UP + code) == []


def test_the_address_beside_a_look_up_is_no_fallback() -> None:
    look_up = "globalThis.__ENV.VITE_API_URL"
    for code in (f'f({{url:{look_up},ws:"ws://localhost:8000"}})', f'x={{"a":{look_up},"b":"http://api:8000"}}'):
        assert said(checked(code)) == [("portals.local", "error")], code


def test_the_fallback_of_a_value_that_was_built_in_is_information() -> None:
    code = 'f=()=>m&&y?"https://api.zamio.org":p.OTHER?p.OTHER:"http://localhost:8000";'
    issues = checked(code, page="<p>", values={"VITE_API_URL": "https://api.zamio.org"})
    assert said(issues) == [("portals.local", "info")]
    assert said(checked(code)) == [("portals.unread", "info"), ("portals.local", "error")]


def test_a_bare_localhost_that_is_called_an_address_is_one() -> None:
    assert said(checked(LOOK_UP + '({baseURL:"http://localhost"})')) == [("portals.local", "error")]


@pytest.mark.parametrize(
    ("value", "script"),
    [
        ("https://api.zamio.org", 'fetch("https://api.zamio.org"+p)'),
        ('say "hi" \\ it\'s', "const a='say \"hi\" \\\\ it\\'s'"),
        ("http://localhost:8000", 'fetch("http://localhost:8000/api")'),
    ],
)
def test_a_value_that_was_built_in_is_found(value: str, script: str) -> None:
    assert checked(script, page="<p>", values={"VITE_API_URL": value}) == []


def test_a_value_that_is_not_built_in_is_an_error() -> None:
    issues = checked('fetch("https://other.org")', page="<p>", values={"VITE_API_URL": "https://api.zamio.org"})
    assert said(issues) == [("portals.value", "error")]
    issues = checked("", page="<p>", values={"VITE_NOTE": "hello"}, VITE_NOTE=variable(required=False))
    assert said(issues) == [("portals.value", "warning")]


def test_a_large_bundle_is_read_in_a_moment() -> None:
    noise = 'function a(e){return e||"x"},' * 100_000
    assert checked(LOOK_UP + noise + 'b="https://www.zamio.org"') == []
