"""The rules against a host that answers from a table, and against real containers of good and bad images."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace

import docker
import pytest

from slipway.checks import images
from slipway.checks.images import Rule, Stage, check_stage
from slipway.checks.issue import Issue, Severity
from slipway.config.workspace import Backend, Role, Service
from slipway.engines.container_host import ExecBackend, container_host
from slipway.ports import BuiltImage
from slipway.secret import Secret
from tests import tiny


@dataclass
class FakeHost:
    """testinfra's `host` from a table: the longest beginning of a command that fits answers."""

    answers: dict[str, tuple[int, str]] = field(default_factory=dict)
    files: tuple[str, ...] = (images.HEALTHCHECK,)

    stdin: list[str] = field(default_factory=list)

    def run(self, command: str, *arguments: str, stdin: str = "") -> SimpleNamespace:
        self.stdin += [stdin] if stdin else []
        line = command % arguments if arguments else command
        fits = [beginning for beginning in self.answers if line.startswith(beginning)]
        code, out = self.answers[max(fits, key=len)] if fits else (127, "")
        return SimpleNamespace(rc=code, stdout=out, stderr="" if fits else "not found")

    def file(self, path: str) -> SimpleNamespace:
        return SimpleNamespace(exists=path in self.files)


IMAGE = BuiltImage("backend", "sha256:1", ("zamio/backend:1",), 1, {"title": "x"}, {"PATH": "/bin"}, "10001:10001")
WEB = Service(role=Role.WEB, image="backend", port=8000)
WORKER = Service(role=Role.WORKER, image="backend")
STATIC = Service(role=Role.STATIC, image="admin", port=8080)
WORKSPACE = SimpleNamespace(backend=Backend(path="backend", static_root="static"))


def stage(host: FakeHost | None = None, root: FakeHost | None = None, **different: object) -> Stage:
    made = Stage("api", WEB, WORKSPACE, IMAGE, host or FakeHost(), root or FakeHost())  # type: ignore[arg-type]
    return replace(made, **different)  # type: ignore[arg-type]


def found(rule: Rule, asked: Stage) -> list[str]:
    return [issue.message for issue in rule(asked)]


# --- user ---


def process(pid: int, parent: int, uids: str) -> str:
    return f"Name:\tx\nPid:\t{pid}\nPPid:\t{parent}\nTracerPid:\t0\nUid:\t{uids}\nGid:\t0\n"


APP = "10001\t10001\t10001\t10001"
ROOT = "0\t0\t0\t0"


def test_the_checks_own_shell_may_be_root() -> None:
    table = process(1, 0, APP) + process(7, 1, APP) + process(20, 0, ROOT) + process(21, 20, ROOT)
    assert found(images.runs_unprivileged, stage(FakeHost({"cat /proc/": (0, table)}))) == []


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (process(1, 0, ROOT), ["process 1 runs as root"]),
        (process(1, 0, APP) + process(7, 1, APP) + process(8, 7, ROOT), ["process 8 runs as root"]),
        (process(1, 0, "10001\t0\t0\t0"), ["process 1 runs as root"]),
        (process(1, 0, APP) + "Name:\tx\nPid:\t9\n" + process(8, 1, ROOT), ["process 8 runs as root"]),
        ("", ["the container's processes cannot be read"]),
    ],
)
def test_processes_with_roots_rights_are_named(table: str, words: list[str]) -> None:
    assert found(images.runs_unprivileged, stage(FakeHost({"cat /proc/": (0, table)}))) == words


@pytest.mark.parametrize("user", ["", "0", "root", "0:0", "root:app"])
def test_an_image_of_root_is_refused(user: str) -> None:
    host = FakeHost({"cat /proc/": (0, process(1, 0, APP))})
    assert found(images.runs_unprivileged, stage(host, image=replace(IMAGE, user=user))) == ["the image runs as root"]


# --- port ---

HEADER = "  sl  local_address rem_address   st tx_queue\n"


def sockets(*listening: str, state: str = "0A") -> FakeHost:
    rows = "".join(f"   {n}: {one} 00000000:0000 {state} 00000000\n" for n, one in enumerate(listening))
    return FakeHost({"cat /proc/net/tcp": (0, HEADER + rows)})


ANY_8000, LOOPBACK_8000 = "00000000:1F40", "0100007F:1F40"
ANY6_8000, LOOPBACK6_8000 = "0" * 32 + ":1F40", "0" * 24 + "01000000:1F40"
DNS = "0B00007F:A1B2"


@pytest.mark.parametrize(
    ("service", "listening", "words"),
    [
        (WEB, (ANY_8000, DNS), []),
        (WEB, (ANY6_8000,), []),
        (WORKER, (DNS,), []),
        (WEB, (DNS,), ["port 8000 is not open"]),
        (WEB, (LOOPBACK_8000,), ["port 8000 is open on loopback only, where no router reaches it"]),
        (WEB, (LOOPBACK6_8000,), ["port 8000 is open on loopback only, where no router reaches it"]),
        (WEB, (ANY_8000, "00000000:0016"), ["also listens on 22"]),
        (WORKER, (ANY_8000,), ["also listens on 8000"]),
        (WEB, ("00000000:1F90",), ["port 8000 is not open", "also listens on 8080"]),
    ],
)
def test_ports(service: Service, listening: tuple[str, ...], words: list[str]) -> None:
    assert found(images.listens, stage(sockets(*listening), service=service)) == words


def test_connections_are_no_listeners_and_no_answer_is_no_success() -> None:
    assert found(images.listens, stage(sockets(ANY_8000, state="01"), service=WORKER)) == []
    assert found(images.listens, stage(FakeHost(), service=WORKER)) == ["the container's sockets cannot be read"]


# --- health ---


def test_the_health_check_is_asked() -> None:
    assert found(images.is_green, stage(FakeHost({images.HEALTHCHECK: (0, "green")}))) == []
    assert found(images.is_green, stage(FakeHost({images.HEALTHCHECK: (1, "red: no heartbeat\n")}))) == [
        "red: no heartbeat"
    ]
    assert found(images.is_green, stage(FakeHost(files=()))) == [f"there is no {images.HEALTHCHECK}"]


# --- static files ---


@pytest.mark.parametrize(("count", "is_fine"), [("12\n", True), ("0\n", False), ("", False), ("find: no", False)])
def test_the_backend_has_static_files(count: str, is_fine: bool) -> None:
    host = FakeHost({"find /app/static -type f": (0, count)})
    assert (found(images.ships_static_files, stage(host)) == []) is is_fine


@pytest.mark.parametrize(
    ("index", "missing", "words"),
    [
        ((0, '<script src="/assets/a.js">'), "", []),
        (
            (0, '<script src="/assets/a.js">'),
            "/assets/a.js\n",
            ["index.html names /assets/a.js, which is not in the image"],
        ),
        ((0, "Welcome to nginx!"), "", ["index.html names no asset"]),
        ((1, ""), "", [f"no {images.PORTAL_ROOT}/index.html"]),
    ],
)
def test_a_portal_has_what_its_page_names(index: tuple[int, str], missing: str, words: list[str]) -> None:
    host = FakeHost({"cat /usr/share": index, "grep -o": (0, missing)})
    assert found(images.ships_static_files, stage(host, service=STATIC)) == words


def test_a_worker_needs_no_static_files() -> None:
    assert found(images.ships_static_files, stage(service=WORKER)) == []


# --- secrets ---


def files(everywhere: str = "", ours: str = "", holding: tuple[int, str] = (1, "")) -> FakeHost:
    answers = {"find / -xdev -maxdepth 0": (0, "/"), "find / -xdev -type f": (0, everywhere), "find /app": (1, ours)}
    return FakeHost({**answers, "set --; for folder in /app /usr/share": holding})


@pytest.mark.parametrize(
    ("root", "words"),
    [
        (files(), []),
        (files(ours="/app/.env.example\n"), []),
        (files(ours="/app/.env\n/app/a b.pem\n"), ["/app/.env is in the image", "/app/a b.pem is in the image"]),
        (files(everywhere="/root/.bash_history\n"), ["/root/.bash_history is in the image"]),
        (FakeHost(), ["the image has no `find`, so its files cannot be looked through"]),
    ],
)
def test_files_that_do_not_belong_are_named(root: FakeHost, words: list[str]) -> None:
    assert found(images.keeps_no_secrets, stage(root=root)) == words


@pytest.mark.parametrize("place", ["environment", "labels"])
def test_a_secret_in_variables_or_labels_is_named_but_not_shown(place: str) -> None:
    image = replace(IMAGE, **{place: {"TOKEN": "x-hidden-value"}})  # type: ignore[arg-type]
    asked = stage(root=files(), image=image, secrets=(Secret("hidden-value"), Secret(""), Secret("x")))
    assert found(images.keeps_no_secrets, asked) == ["a secret's value is baked into TOKEN"]
    short = stage(root=files(), secrets=(Secret(""), Secret("bin")))
    assert found(images.keeps_no_secrets, short) == []


def test_a_secret_that_only_the_history_shows_is_named_by_its_line() -> None:
    image = replace(
        IMAGE,
        environment={"KEY": "the-other-one"},
        history=("ENV KEY=the-other-one", "RUN |1 TOKEN=hidden-value /bin/sh -c true", "COPY . ."),
    )
    secrets = (Secret("hidden-value"), Secret("the-other-one"))
    assert found(images.keeps_no_secrets, stage(root=files(), image=image, secrets=secrets)) == [
        "a secret's value is baked into KEY",
        "a secret's value is in line 2 of the image's history",
    ]


def test_secrets_are_sought_in_files_and_travel_as_standard_input() -> None:
    root = files(holding=(0, "/app/b.py\n/app/a.py\n"))
    key = Secret("-----BEGIN-----\nthe-longest-line-of-a-key\n-----END-----\n")
    asked = stage(root=root, secrets=(Secret("hidden-value"), key, Secret("short"), Secret("")))
    assert found(images.keeps_no_secrets, asked) == [
        "a secret's value is in /app/a.py",
        "a secret's value is in /app/b.py",
    ]
    assert root.stdin == ["hidden-value\nthe-longest-line-of-a-key"]


def test_files_that_cannot_be_searched_are_no_success() -> None:
    asked = stage(root=files(holding=(2, "")), secrets=(Secret("hidden-value"),))
    assert found(images.keeps_no_secrets, asked) == ["its files cannot be searched: "]
    assert found(images.keeps_no_secrets, stage(root=files(holding=(2, "")))) == []


# --- compilers ---


def test_compilers_and_caches() -> None:
    clean = stage(FakeHost({"for name in": (1, "")}), FakeHost({"find /root/.cache": (0, "")}))
    assert found(images.builds_nothing, clean) == []
    dirty = stage(
        FakeHost({"for name in": (0, "/usr/bin/cc\n/usr/bin/node\n")}),
        FakeHost({"find /root/.cache": (0, "/root/.cache/x\n")}),
    )
    listed = list(images.builds_nothing(dirty))
    assert [(issue.severity, issue.id) for issue in listed] == [
        (Severity.ERROR, "images.compilers"),
        (Severity.ERROR, "images.compilers"),
        (Severity.WARNING, "images.caches"),
    ]


# --- real containers of good and bad images ---

GOOD = {
    images.HEALTHCHECK: "#!/bin/sh\necho green\n",
    f"{images.PORTAL_ROOT}/index.html": '<script src="/assets/a.js"></script>',
    f"{images.PORTAL_ROOT}/assets/a.js": "1",
}
SERVE = ("httpd", "-f", "-p", "8080")


def ask(
    files: dict[str, str | None] | None = None,
    user: str = "10001:10001",
    serve: tuple[str, ...] = SERVE,
    secrets: tuple[Secret, ...] = (Secret("hidden-value"), Secret("$HOME `id` 'x' \\n")),
) -> list[Issue]:
    """Check a portal's image like GOOD but for `files` (None takes one away)."""
    merged = {path: text for path, text in (GOOD | (files or {})).items() if text is not None}
    client = docker.from_env()
    try:
        with (
            tiny.image(client, merged, f"USER {user}") as reference,
            tiny.running(client, reference, command=list(serve)) as container,
            ExecBackend(client, container.id or "") as host,
            ExecBackend(client, container.id or "", user="0") as root,
        ):
            tiny.wait_until(lambda: " 0A " in host.run("cat /proc/net/tcp /proc/net/tcp6").stdout)
            built = replace(IMAGE, name="admin", user=user, tags=(reference,))
            asked = stage(image=built, service=STATIC, host=container_host(host), root=container_host(root))
            return check_stage(replace(asked, secrets=secrets))
    finally:
        client.close()


@pytest.mark.docker
def test_a_good_image_has_no_issue() -> None:
    assert ask() == []


BAD: dict[str, tuple[Callable[[], list[Issue]], set[str]]] = {
    "root": (lambda: ask(user="0"), {"images.user"}),
    "port": (lambda: ask(serve=("httpd", "-f", "-p", "8081")), {"images.port"}),
    "loopback": (lambda: ask(serve=("httpd", "-f", "-p", "127.0.0.1:8080")), {"images.port"}),
    "env file": (lambda: ask({"/app/.env": "A=1"}), {"images.secrets"}),
    "key": (lambda: ask({"/root/.ssh/id_ed25519": "key"}), {"images.secrets"}),
    "history": (lambda: ask({"/srv/app/.ash_history": "ls"}), {"images.secrets"}),
    "secret in a file": (lambda: ask({f"{images.PORTAL_ROOT}/assets/b.js": 'a="hidden-value"'}), {"images.secrets"}),
    "odd secret in a file": (lambda: ask({"/app/x": "y=$HOME `id` 'x' \\n."}), {"images.secrets"}),
    "red": (lambda: ask({images.HEALTHCHECK: "#!/bin/sh\nexit 1\n"}), {"images.health"}),
    "no check": (lambda: ask({images.HEALTHCHECK: None}), {"images.health"}),
    "no page": (lambda: ask({f"{images.PORTAL_ROOT}/index.html": None}), {"images.static"}),
    "no script": (lambda: ask({f"{images.PORTAL_ROOT}/assets/a.js": None}), {"images.static"}),
    "second compiler": (lambda: ask({"/bin/make": "#!/bin/sh\n"}), {"images.compilers"}),
    "cache": (lambda: ask({"/root/.cache/pip/x": "x"}), {"images.caches"}),
}


@pytest.mark.docker
@pytest.mark.parametrize("name", BAD)
def test_a_bad_image_is_caught(name: str) -> None:
    check, expected = BAD[name]
    issues = check()
    assert {issue.id for issue in issues} == expected
    assert all(issue.subject == "api" and Path(issue.where).name.startswith("tiny-") for issue in issues)
