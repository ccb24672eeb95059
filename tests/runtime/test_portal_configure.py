"""What a portal's container tells its pages: env.js as JavaScript reads it, and the policy as nginx does."""

import json
import re
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from slipway.checks.environment import check_environment
from slipway.checks.issue import Severity
from slipway.config.kinds import Kind, misfit
from slipway.config.media import media_origins
from slipway.config.schema_file import load_schema
from slipway.config.workspace import Workspace

ROOT = Path(__file__).parents[2]
CONFIGURE = ROOT / "images" / "portal" / "configure"
URL = "https://api.zamio.org"
Run = Callable[..., subprocess.CompletedProcess[bytes]]


@pytest.fixture
def configure(portal_dir: Path, run_dir: Path) -> Run:
    def start(variables: str, **environment: str | bytes) -> subprocess.CompletedProcess[bytes]:
        (portal_dir / "variables").write_text(variables)
        given = {"PATH": "/usr/bin:/bin", "SLIPWAY_PORTAL_DIR": str(portal_dir), "SLIPWAY_RUN_DIR": str(run_dir)}
        return subprocess.run([CONFIGURE], env={**given, **environment}, capture_output=True, check=False)

    return start


def told(run_dir: Path) -> dict[str, str]:
    """Read env.js: what is between the brackets is JSON, which is JavaScript, too."""
    text = (run_dir / "env.js").read_text()
    found = re.fullmatch(r"globalThis\.__ENV=Object\.freeze\((\{.*\})\);\n", text)
    assert found, text
    values: dict[str, str] = json.loads(found[1])
    return values


def policy(run_dir: Path) -> dict[str, list[str]]:
    found = re.fullmatch(r'map "" \$csp \{\n    default "([^"$]*)";\n\}\n', (run_dir / "csp.conf").read_text())
    assert found
    return {words[0]: words[1:] for words in (part.split() for part in found[1].split(";"))}


@pytest.mark.parametrize(
    "value",
    [
        "plain",
        'a "quoted" one',
        "it's",
        "</script><script>alert(1)</script>",
        "<!--",
        "back\\slash \\n \\u0041 \\",
        "two\nlines\r\n\ttab",
        "\u2028 and \u2029",
        "ünïcödé 😀",
        "".join(map(chr, range(1, 32))) + "\x7f",
        "$(id) `id` ${HOME} $HOME %s & \\& *",
        "});globalThis.evil=1;({",
        "",
        " spaces ",
        "x" * 32_768,
    ],
)
def test_any_text_arrives_as_it_is(configure: Run, run_dir: Path, value: str) -> None:
    done = configure("VITE_A string optional\n", VITE_A=value)
    assert (done.returncode, done.stderr) == (0, b"")
    assert told(run_dir) == {"VITE_A": value}
    raw = (run_dir / "env.js").read_text()
    assert not re.search(r"[<>\u2028\u2029\x00-\x09\x0b-\x1f\x7f]", raw)
    assert raw.count("\n") == 1


def test_only_declared_variables_get_out(configure: Run, run_dir: Path) -> None:
    done = configure("VITE_A string optional\n", VITE_A="x", VITE_B="undeclared", SECRET_KEY="hidden")
    assert done.returncode == 0
    assert told(run_dir) == {"VITE_A": "x"}
    assert "undeclared" not in (run_dir / "csp.conf").read_text()


@pytest.mark.parametrize(
    ("line", "value", "words"),
    [
        ("VITE_A url required", None, "VITE_A has no value"),
        ("VITE_A url required", "", "VITE_A has no value"),
        ("VITE_A url optional", "not-shown", "VITE_A is no url"),
        ("VITE_A url optional", "javascript:not-shown", "VITE_A is no url"),
        ("VITE_A url optional", "https://not-shown;script-src *", "VITE_A is no url"),
        ("VITE_A url optional", 'https://not-shown";x', "VITE_A is no url"),
        ("VITE_A integer optional", "1; not-shown", "VITE_A is no integer"),
        ("VITE_A enum optional dark|light", "not-shown", "VITE_A is no enum: dark, light"),
        ("VITE_A boolean optional", "yes", "VITE_A is no boolean"),
        ("VITE_A string optional", "x" * 32_769, "longer than 32768 bytes"),
        ("VITE_A string optional", b"caf\xe9", "VITE_A is no UTF-8"),
        ("VITE_A string optional", b"\xe2\xc2\x80\x80\x80", "VITE_A is no UTF-8"),
        ("VITE_A string optional", b"\xc0\xaf", "VITE_A is no UTF-8"),
    ],
)
def test_what_cannot_be_told_truthfully_ends_the_container(
    configure: Run, run_dir: Path, line: str, value: str | bytes | None, words: str
) -> None:
    done = configure(f"{line}\n", **({} if value is None else {"VITE_A": value}))
    assert done.returncode == 2
    assert words in done.stderr.decode()
    assert "not-shown" not in done.stderr.decode()
    assert not (run_dir / "env.js").exists()


def test_everything_wrong_is_told_at_once(configure: Run) -> None:
    done = configure("VITE_A url required\nVITE_B integer required\n", VITE_B="x")
    assert done.stderr.decode().count("slipway: VITE_") == 2


TEXTS = (
    "", "1", "-7", "1.5", "1e3", "0x1", "12345678901234567890", "true", "FALSE", "yes", "a", "a,b", "a, b", "a,,b", ",",
    "https://a.org", "http://a.org:80/x?y=1#z", "wss://a.org", "ftp://a.org", "https://", "https://a b.org", "a.org",
    "https://[::1]:8000/x", "https://a.org/", "https://a.org,https://b.org", "https://*.a.org", "*", "a.org:80",
    ".a.org", "30s", "5m", "1.5h", "30", "30 s", "{}", "[1]", '"x"', "null", "dark",
)  # fmt: skip
CHECKED = sorted({Kind.INTEGER, Kind.NUMBER, Kind.BOOLEAN, Kind.DURATION, Kind.URL, Kind.ORIGIN_LIST, Kind.HOST_LIST})
ODD = (
    "-0", "0007", "00000000000000000001", "01.50", "TRUE", "HTTPS://a.org", "https://A.org", "https://a.org:",
    "https://a.org:00443", "https://a.org:99999", "https://-a.org", "https://a-.org", "https://a..org", "https://a.org?",
    "https://[::1", "https://[fe80::1%25eth0]", "https://a_b.org", "https://a.org:443", "https://a.org/\x01",
    "\x01https://a.org", "https://ä.org", "https://a.org/ä", "https://a.org\\b", "http://a:000080",
    "http://a", "NaN", "-Infinity", " {}", "\t[]", "1 ", "--1", "_a", "a_.b",
    "'self' data:", "[::1]", "[::1", "localhost", "1.2.3.4", "0.5ms", "00s", "a,b,c", "ü,ä",
)  # fmt: skip


def refused(configure: Run, kind: Kind, texts: Sequence[str]) -> set[str]:
    """Return the texts that one start of a container refuses."""
    given = {f"VITE_T{number}": text for number, text in enumerate(texts)}
    done = configure("".join(f"{name} {kind} optional\n" for name in given), **given)
    return {given[name] for name in re.findall(r"^slipway: (VITE_T\d+) ", done.stderr.decode(), re.MULTILINE)}


@pytest.mark.parametrize("kind", CHECKED)
def test_a_container_takes_what_the_schema_takes(configure: Run, kind: Kind) -> None:
    texts = [text for text in TEXTS if text]
    assert refused(configure, kind, texts) == {text for text in texts if misfit(kind, text)}


@pytest.mark.parametrize("kind", sorted(set(Kind) - {Kind.ENUM}))
def test_a_container_refuses_nothing_that_the_schema_takes(configure: Run, kind: Kind) -> None:
    taken = [text for text in (*TEXTS, *ODD) if text and misfit(kind, text) is None]
    assert refused(configure, kind, taken) == set()


# A start of the container for each step of shrinking takes minutes.
@settings(max_examples=20, phases=[Phase.generate], suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.from_regex(r"(https?|wss?)://[A-Za-z0-9._\[\]:-]{1,20}(:[0-9]{0,6})?([/?#][!-~]{0,10})?", fullmatch=True),
        min_size=20,
        max_size=20,
    )
)
def test_any_address_that_the_schema_takes_a_container_takes(configure: Run, texts: list[str]) -> None:
    taken = [text for text in texts if misfit(Kind.URL, text) is None]
    assert refused(configure, Kind.URL, taken) == set()


def test_a_page_may_speak_to_its_api_and_to_nobody_else(configure: Run, run_dir: Path, portal_dir: Path) -> None:
    (portal_dir / "csp").write_text("img https://images.example\nscript 'sha256-abc='\n")
    variables = "VITE_API_URL url required\nVITE_WS url optional\nVITE_NOTE string optional\n"
    done = configure(
        variables,
        VITE_API_URL=f"{URL}/v1",
        VITE_WS="ws://live.zamio.org:81/x",
        VITE_NOTE="https://note.example",
        SLIPWAY_MEDIA_ORIGINS="https://media.zamio.org,https://b.s3.amazonaws.com",
    )
    assert (done.returncode, done.stderr) == (0, b"")
    found = policy(run_dir)
    assert found["connect-src"] == [
        "'self'",
        URL,
        "wss://api.zamio.org",
        "http://live.zamio.org:81",
        "ws://live.zamio.org:81",
    ]
    assert found["script-src"] == ["'self'", "'sha256-abc='"]
    media = ["https://media.zamio.org", "https://b.s3.amazonaws.com"]
    assert found["img-src"][-3:] == [*media, "https://images.example"]
    assert found["media-src"][-2:] == media
    assert URL in found["img-src"]
    assert "note.example" not in str(found)
    assert found["object-src"] == found["frame-ancestors"] == ["'none'"]


def test_a_policy_longer_than_nginx_takes_is_refused(configure: Run, run_dir: Path) -> None:
    names = [f"VITE_URL_{number}" for number in range(40)]
    long = {name: f"https://{name.lower().replace('_', '-')}.a-long-name.example.org" for name in names}
    done = configure("".join(f"{name} url optional\n" for name in names), **long)
    assert done.returncode == 2
    assert b"security policy gets longer" in done.stderr
    assert not (run_dir / "csp.conf").exists()


def test_origins_of_media_that_are_none_are_refused(configure: Run) -> None:
    done = configure("", SLIPWAY_MEDIA_ORIGINS="https://a.org;script-src *")
    assert done.returncode == 2
    assert b"SLIPWAY_MEDIA_ORIGINS" in done.stderr


def test_values_that_were_built_in_make_the_policy_and_no_env_js(
    configure: Run, run_dir: Path, portal_dir: Path
) -> None:
    (portal_dir / "configured").write_text("build\n")
    (portal_dir / "values").write_text(f"VITE_API_URL={URL}/a=b\n")
    done = configure("VITE_API_URL url required\n", VITE_API_URL="https://ignored.org")
    assert done.returncode == 0
    assert policy(run_dir)["connect-src"] == ["'self'", URL, "wss://api.zamio.org"]
    assert not (run_dir / "env.js").exists()


def remembered(run_dir: Path) -> str:
    text = (run_dir / "hsts.conf").read_text()
    found = re.fullmatch(r'map \$http_x_forwarded_proto \$hsts \{\n    default "";\n    https "([^"$]*)";\n\}\n', text)
    assert found, text
    return found[1]


@pytest.mark.parametrize(
    ("seconds", "subdomains", "preload", "header"),
    [
        (None, None, None, ""),
        (None, "true", "false", ""),
        ("0", "true", "false", ""),
        ("60", None, None, "max-age=60"),
        ("060", "False", "false", "max-age=60"),
        ("0000000060", "False", "false", "max-age=60"),
        ("86400", "TRUE", None, "max-age=86400; includeSubDomains"),
        ("63072000", "true", "true", "max-age=63072000; includeSubDomains; preload"),
    ],
)
def test_a_browser_remembers_https_as_long_as_it_is_told_to(
    configure: Run, run_dir: Path, seconds: str | None, subdomains: str | None, preload: str | None, header: str
) -> None:
    done = configure("", **hsts(seconds, subdomains, preload))
    assert (done.returncode, done.stderr) == (0, b"")
    assert remembered(run_dir) == header


@pytest.mark.parametrize(
    ("seconds", "subdomains", "preload", "name"),
    [
        ("-1", None, None, "SECONDS"),
        ("1e9", None, None, "SECONDS"),
        ("63072001", None, None, "SECONDS"),
        ("99999999999999999999", None, None, "SECONDS"),
        ('60"; add_header X y', None, None, "SECONDS"),
        ("a[$(touch /tmp/x)]", None, None, "SECONDS"),
        ("60", "yes", None, "INCLUDE_SUBDOMAINS"),
        ("60", None, "1", "PRELOAD"),
        ("60", "true", "true", "PRELOAD"),
        ("31536000", "false", "true", "PRELOAD"),
    ],
)
def test_a_promise_of_https_that_cannot_be_made_ends_the_container(
    configure: Run, run_dir: Path, seconds: str, subdomains: str | None, preload: str | None, name: str
) -> None:
    done = configure("", **hsts(seconds, subdomains, preload))
    assert done.returncode == 2
    assert done.stderr.startswith(f"slipway: SECURE_HSTS_{name} ".encode())
    assert done.stderr.count(b"\n") == 1
    assert not (run_dir / "hsts.conf").exists()


def hsts(seconds: str | None, subdomains: str | None, preload: str | None) -> dict[str, str]:
    given = {"SECONDS": seconds, "INCLUDE_SUBDOMAINS": subdomains, "PRELOAD": preload}
    return {f"SECURE_HSTS_{name}": value for name, value in given.items() if value is not None}


@pytest.mark.parametrize("seconds", [None, "0", "60", "31536000", "0063072000"])
@pytest.mark.parametrize("subdomains", [None, "false", "true"])
def test_a_promise_that_the_check_lets_pass_a_container_makes(
    configure: Run, root: Path, workspace: Workspace, seconds: str | None, subdomains: str | None
) -> None:
    given = hsts(seconds, subdomains, "true")
    file = root / "env" / "production.env"
    lines = [line for line in file.read_text().splitlines() if not line.startswith("SECURE_HSTS_")]
    file.write_text("\n".join([*lines, *(f"{name}={value}" for name, value in given.items())]) + "\n")
    issues = check_environment(root, "production", workspace)
    told = any(issue.id == "django.hsts" and issue.severity is Severity.ERROR for issue in issues)
    assert told or configure("", **given).returncode == 0


@pytest.mark.parametrize("region", ["", "eu-west-1"])
@pytest.mark.parametrize("endpoint", ["", "https://user:key@s3.Example.org:9000/x", "http://[::1]:80", "http://h/#x"])
@pytest.mark.parametrize("domain", ["", "media.zamio.com", "A_b", "1.2.3.4"])
def test_media_that_the_check_lets_pass_a_container_lets_load(
    configure: Run, workspace: Workspace, region: str, endpoint: str, domain: str
) -> None:
    given = {"AWS_S3_REGION_NAME": region, "AWS_S3_ENDPOINT_URL": endpoint, "AWS_S3_CUSTOM_DOMAIN": domain}
    given["AWS_STORAGE_BUCKET_NAME"] = "a..b-c.0"
    schema = load_schema(ROOT / "env" / "schema.yaml", ROOT, workspace).variables
    assert {
        name: schema[name].misfit(value) for name, value in given.items() if value and schema[name].misfit(value)
    } == {}
    origins = ",".join(media_origins(lambda name: given.get(name, "")))
    assert configure("", SLIPWAY_MEDIA_ORIGINS=origins).returncode == 0


def test_an_image_that_says_nothing_of_itself_is_refused(configure: Run, portal_dir: Path) -> None:
    (portal_dir / "configured").unlink()
    assert configure("").returncode == 2


def test_a_folder_that_cannot_be_written_is_named(configure: Run, run_dir: Path) -> None:
    run_dir.rmdir()
    done = configure("")
    assert done.returncode == 2
    assert "must be writable" in done.stderr.decode()
