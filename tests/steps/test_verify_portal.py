import pytest

from slipway.config.workspace import ApiProbe, LoginProbe
from slipway.errors import Refused, SlipwayError, Unreachable
from slipway.plan import Step
from slipway.ports import Answer
from slipway.steps.verify_portal import VerifyCors, VerifyPortal
from slipway.testing import FakeWeb, Lines

API = "https://api.zamio.localhost"


def ok(body: str = "", status: int = 200, **headers: str) -> Answer:
    return Answer(status, headers, body)


def refused(step: Step, words: str) -> Refused:
    with pytest.raises(Refused, match=words) as raised:
        step.run(Lines())
    return raised.value


PAGE = '<html><script type="module" src="/assets/index-1.js"></script></html>'
PORTAL = "https://admin.zamio.localhost"


def portal(**different: Answer) -> VerifyPortal:
    answers: dict[str, Answer | SlipwayError | list[Answer | SlipwayError]] = {
        f"GET {PORTAL}/": different.get("page", ok(PAGE)),
        f"GET {PORTAL}/assets/index-1.js": different.get("script", ok(f'const api="{API}"')),
        f"GET {PORTAL}/a/deep/link": different.get("deep", ok(PAGE)),
    }
    if "chunk" in different:
        answers[f"GET {PORTAL}/assets/Live-2.js"] = different["chunk"]
    return VerifyPortal(FakeWeb(answers), "admin", PORTAL, API, seconds=0.03, pause=0.01)


def test_a_portal_shows_its_page_and_names_its_api() -> None:
    assert portal().run(Lines()) == "page, 1 script(s), one naming the API, deep link"
    assert portal().name == "verify portal admin"


def test_a_portal_may_name_its_api_in_a_chunk() -> None:
    assert portal(script=ok('import("./assets/Live-2.js")'), chunk=ok(f"fetch('{API}/x')")).run(Lines())


@pytest.mark.parametrize(
    ("different", "words"),
    [
        ({"page": ok(PAGE, 503)}, "answers 503"),
        ({"page": ok("<html>Welcome to nginx!</html>")}, "with 0 scripts"),
        ({"script": ok("", 404)}, "index-1.js"),
        ({"script": ok(PAGE)}, "scripts that are not there: /assets/index-1.js"),
        ({"script": ok("fetch('https://api.production.example')")}, f"no script names {API}"),
        ({"script": ok('import("./assets/Live-2.js")'), "chunk": ok(API, 404)}, "no script names"),
        ({"deep": ok("", 404)}, "a deep link answers 404"),
        ({"deep": ok("<html>another</html>")}, "a deep link answers 200"),
    ],
)
def test_a_portal_that_differs_is_refused(different: dict[str, Answer], words: str) -> None:
    refused(portal(**different), words)


def test_a_portal_that_the_router_has_not_heard_of_yet_is_given_time() -> None:
    step = portal()
    assert isinstance(step.web, FakeWeb)
    step.web.answers[f"GET {PORTAL}/"] = [ok(status=404), Unreachable("no route"), ok(PAGE)]
    assert VerifyPortal(step.web, "admin", PORTAL, API, pause=0.001).run(Lines())


# --- whether a browser on its page may read the API ---

READ, POST = f"GET {API}/artists/", f"OPTIONS {API}/login/"


def cors(read: Answer, before_post: Answer) -> VerifyCors:
    login = LoginProbe(path="/login/", body={}, table="auth_user")
    return VerifyCors(FakeWeb({READ: read, POST: before_post}), "admin", PORTAL, API, ApiProbe(path="/artists/"), login)


def allowing(origin: str, status: int = 200, headers: str = "accept, Content-Type") -> Answer:
    return Answer(status, {"access-control-allow-origin": origin, "access-control-allow-headers": headers}, "")


def test_a_page_may_read_the_api_and_post_to_it() -> None:
    step = cors(allowing(PORTAL), allowing(PORTAL, 204))
    assert step.run(Lines()) == f"{PORTAL} may read /artists/ and post JSON to /login/"
    assert step.name == "verify cors admin"
    assert not step.undo()
    assert isinstance(step.web, FakeWeb)
    read, before_post = step.web.sent
    assert read == {"origin": PORTAL}
    assert before_post == {
        "origin": PORTAL,
        "access-control-request-method": "POST",
        "access-control-request-headers": "content-type",
    }


def test_an_api_for_everybody_is_one_for_the_portal_too() -> None:
    assert cors(allowing("*"), allowing("*", headers="*")).run(Lines())


@pytest.mark.parametrize(
    ("read", "before_post", "words"),
    [
        (ok(), allowing(PORTAL), "may not read the answer: it allows no origin"),
        (allowing("https://other.example"), allowing(PORTAL), "allows https://other.example"),
        (allowing(f"{PORTAL}.evil.example"), allowing(PORTAL), "may not read"),
        (allowing("http://admin.zamio.localhost"), allowing(PORTAL), "may not read"),
        (allowing(PORTAL), ok(), "allows no origin"),
        (allowing(PORTAL), ok(status=405), "before a POST with 405"),
        (allowing(PORTAL), allowing(PORTAL, 301), "before a POST with 301"),
        (allowing(PORTAL), allowing(PORTAL, headers=""), "may not say that it is JSON"),
    ],
)
def test_a_browser_that_would_stop_is_told(read: Answer, before_post: Answer, words: str) -> None:
    assert refused(cors(read, before_post), words).where.endswith(("/artists/", "/login/"))


TOLD = PAGE.replace("<html>", '<html><script src="/env.js"></script>')
MEANT = {"VITE_API_URL": API, "VITE_NOTE": 'a "quoted" </script>'}


def env_js(text: str, cache: str = "no-store", status: int = 200) -> Answer:
    return Answer(status, {"cache-control": cache}, text)


LESS = env_js(f'globalThis.__ENV=Object.freeze({{"VITE_API_URL":"{API}"}});')
WELL = env_js(LESS.body.replace("})", r',"VITE_NOTE":"a \"quoted\" \u003c/script\u003e"})') + "\n")


def told(environment: Answer) -> VerifyPortal:
    answers: dict[str, Answer | SlipwayError | list[Answer | SlipwayError]] = {
        f"GET {PORTAL}/": ok(TOLD),
        f"GET {PORTAL}/env.js": environment,
        f"GET {PORTAL}/assets/index-1.js": ok("fetch(globalThis.__ENV.VITE_API_URL)"),
        f"GET {PORTAL}/a/deep/link": ok(TOLD),
    }
    return VerifyPortal(FakeWeb(answers), "admin", PORTAL, API, MEANT, seconds=0.03, pause=0.01)


def test_a_portal_configured_at_start_is_told_what_was_meant() -> None:
    assert told(WELL).run(Lines()) == "page, 1 script(s), /env.js with 2 variable(s) as meant, deep link"


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        (env_js(WELL.body, cache="max-age=60"), "may be kept"),
        (env_js("", status=404), "answers 404"),
        (ok(TOLD), "does not tell the page its variables"),
        (env_js("globalThis.__ENV=Object.freeze({VITE_API_URL});"), "cannot be read"),
        (env_js(WELL.body.replace("zamio", "staging")), "otherwise than was meant: VITE_API_URL"),
        (LESS, "meant: VITE_NOTE"),
        (env_js(WELL.body.replace("{", '{"SECRET_KEY":"x",', 1)), "meant: SECRET_KEY"),
    ],
)
def test_a_portal_that_is_told_otherwise_is_refused(environment: Answer, words: str) -> None:
    refused(told(environment), words)
