"""The rules against a host that answers from a table."""

from dataclasses import dataclass, field, replace
from types import SimpleNamespace

import pytest

from slipway.checks.images.content import builds_nothing, is_green, ships_static_files
from slipway.checks.images.paths import guards_its_paths
from slipway.checks.images.place import keeps_universal_time, speaks_utf8
from slipway.checks.images.ports import listens
from slipway.checks.images.processes import runs_unprivileged, runs_what_it_should
from slipway.checks.images.secrets import keeps_no_secrets
from slipway.checks.images.stage import HEALTHCHECK, PORTAL_ROOT, Rule, Stage
from slipway.checks.issue import Severity
from slipway.config.workspace import Backend, Role, Service
from slipway.ports import BuiltImage
from slipway.secret import Secret


@dataclass
class FakeHost:
    """testinfra's `host` from a table: the longest beginning of a command that fits answers."""

    answers: dict[str, tuple[int, str]] = field(default_factory=dict)
    files: tuple[str, ...] = (HEALTHCHECK,)

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
    assert found(runs_unprivileged, stage(FakeHost({"cat /proc/": (0, table)}))) == []


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
    assert found(runs_unprivileged, stage(FakeHost({"cat /proc/": (0, table)}))) == words


@pytest.mark.parametrize("user", ["", "0", "root", "0:0", "root:app"])
def test_an_image_of_root_is_refused(user: str) -> None:
    host = FakeHost({"cat /proc/": (0, process(1, 0, APP))})
    assert found(runs_unprivileged, stage(host, image=replace(IMAGE, user=user))) == ["the image runs as root"]


def run(pid: int, name: str, parent: int = 1, state: str = "S", capabilities: str = "0") -> str:
    return f"Name:\t{name}\nState:\t{state} (x)\nPid:\t{pid}\nPPid:\t{parent}\nUid:\t{APP}\nCapEff:\t{capabilities}\n"


TINI = run(1, "tini", 0)


@pytest.mark.parametrize(
    ("service", "table", "words"),
    [
        (STATIC, TINI + run(7, "serve") + run(8, "nginx", 7), []),
        (WEB, TINI + run(7, "python3"), []),
        (WORKER, TINI + run(7, "[celeryd: celery"), []),
        (WEB, run(1, "python3", 0), ["process 1 is python3, which reaps no orphans"]),
        (STATIC, TINI + run(8, "cron"), ["cron runs, which a static service does not need"]),
        (WEB, TINI + run(8, "sshd") + run(9, "python3"), ["sshd runs, which a web service does not need"]),
        (WEB, TINI + run(8, "python3", 1, "Z"), ["process 8 (python3) is a zombie of process 1"]),
        (WEB, TINI + run(30, "sh", 0), []),
    ],
)
def test_processes(service: Service, table: str, words: list[str]) -> None:
    asked = stage(FakeHost({"cat /proc/": (0, table)}), service=service)
    assert found(runs_what_it_should, asked) == words


def test_a_users_process_with_a_capability_is_named() -> None:
    asked = stage(FakeHost({"cat /proc/": (0, TINI + run(7, "python3", capabilities="0000000000000400"))}))
    assert found(runs_unprivileged, asked) == ["process 7 (python3) has capabilities 0x400"]


# --- paths ---


def listing(*lines: str) -> Stage:
    told = "".join(f"{line.replace(' ', ' 1 ', 1).replace(' /', ' 12 May  7 12:00 /', 1)}\n" for line in lines)
    return stage(FakeHost({"id -u": (0, "10001\n10001\n")}), FakeHost({"find / -xdev \\(": (0, told)}))


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("-rwsr-xr-x 0 0 /bin/su", "/bin/su run with another's rights"),
        ("-rwxr-sr-x 0 42 /sbin/unix_chkpwd", "/sbin/unix_chkpwd run with another's rights"),
        ("drwxrwsr-x 0 50 /var/local", ""),
        ("drwxrwxrwt 0 0 /tmp", ""),
        ("drwxr-xr-x 10001 10001 /run/slipway", ""),
        ("drwxr-xr-x 10001 10001 /app/media/a b", ""),
        ("-rw-rw-rw- 0 0 /etc/with a blank", "the application may write to /etc/with a blank"),
        ("drwxr-xr-x 10001 10001 /app/core", "the application may write to /app/core"),
        ("-rw-rw-r-- 0 10001 /app/x.py", "the application may write to /app/x.py"),
        ("-r--r--r-- 10001 10001 /app/x.py", ""),
        ("drwxrwxrwx 0 0 /app/mediaplus", "the application may write to /app/mediaplus"),
    ],
)
def test_paths(line: str, words: str) -> None:
    assert found(guards_its_paths, listing(line)) == ([words] if words else [])


def test_a_folder_tells_for_what_is_below_it_and_few_are_named() -> None:
    below = [f"-rw-r--r-- 10001 10001 /app/core/{n}" for n in range(9)]
    assert found(guards_its_paths, listing("drwxr-xr-x 10001 10001 /app/core", *below)) == [
        "the application may write to /app/core"
    ]
    (told,) = found(guards_its_paths, listing(*below))
    assert told.endswith("/app/core/4 and 4 more")


def test_paths_that_cannot_be_listed_are_no_success() -> None:
    assert found(guards_its_paths, stage()) == ["the image has no `find`, so its files cannot be looked through"]


# --- time zone and locale ---


@pytest.mark.parametrize(("told", "words"), [("+0000\n", []), ("+0200\n", ["the clock is at +0200, not UTC"])])
def test_time_zone(told: str, words: list[str]) -> None:
    assert found(keeps_universal_time, stage(FakeHost({"date +%z": (0, told)}))) == words
    assert found(keeps_universal_time, stage()) == ["the clock is at an unknown offset, not UTC"]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ((0, "utf-8 UTF-8 utf-8\n"), []),
        ((0, "utf-8 ANSI_X3.4-1968 utf-8\n"), ["Python reads ANSI_X3.4-1968, not UTF-8"]),
        ((1, ""), ["Python cannot be asked: 1"]),
    ],
)
def test_locale(answer: tuple[int, str], words: list[str]) -> None:
    assert found(speaks_utf8, stage(FakeHost({"python3 -c": answer}))) == words
    assert found(speaks_utf8, stage(service=STATIC)) == []


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
    assert found(listens, stage(sockets(*listening), service=service)) == words


def test_connections_are_no_listeners_and_no_answer_is_no_success() -> None:
    assert found(listens, stage(sockets(ANY_8000, state="01"), service=WORKER)) == []
    assert found(listens, stage(FakeHost(), service=WORKER)) == ["the container's sockets cannot be read"]


# --- health ---


def test_the_health_check_is_asked() -> None:
    assert found(is_green, stage(FakeHost({HEALTHCHECK: (0, "green")}))) == []
    assert found(is_green, stage(FakeHost({HEALTHCHECK: (1, "red: no heartbeat\n")}))) == ["red: no heartbeat"]
    assert found(is_green, stage(FakeHost(files=()))) == [f"there is no {HEALTHCHECK}"]


# --- static files ---


@pytest.mark.parametrize(("count", "is_fine"), [("12\n", True), ("0\n", False), ("", False), ("find: no", False)])
def test_the_backend_has_static_files(count: str, is_fine: bool) -> None:
    host = FakeHost({"find /app/static -type f": (0, count)})
    assert (found(ships_static_files, stage(host)) == []) is is_fine


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
        ((1, ""), "", [f"no {PORTAL_ROOT}/index.html"]),
    ],
)
def test_a_portal_has_what_its_page_names(index: tuple[int, str], missing: str, words: list[str]) -> None:
    host = FakeHost({"cat /usr/share": index, "grep -o": (0, missing)})
    assert found(ships_static_files, stage(host, service=STATIC)) == words


def test_a_worker_needs_no_static_files() -> None:
    assert found(ships_static_files, stage(service=WORKER)) == []


# --- secrets ---


def files(everywhere: str = "", ours: str = "") -> FakeHost:
    return FakeHost(
        {"find / -xdev -maxdepth 0": (0, "/"), "find / -xdev -type f": (0, everywhere), "find /app": (1, ours)}
    )


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
    assert found(keeps_no_secrets, stage(root=root)) == words


@pytest.mark.parametrize("place", ["environment", "labels"])
def test_a_secret_in_variables_or_labels_is_named_but_not_shown(place: str) -> None:
    image = replace(IMAGE, **{place: {"TOKEN": "x-hidden-value"}})  # type: ignore[arg-type]
    asked = stage(root=files(), image=image, secrets=(Secret("hidden-value"), Secret(""), Secret("x")))
    assert found(keeps_no_secrets, asked) == ["a secret's value is baked into TOKEN"]
    short = stage(root=files(), secrets=(Secret(""), Secret("bin")))
    assert found(keeps_no_secrets, short) == []


def test_a_secret_that_only_the_history_shows_is_named_by_its_line() -> None:
    image = replace(
        IMAGE,
        environment={"KEY": "the-other-one"},
        history=("ENV KEY=the-other-one", "RUN |1 TOKEN=hidden-value /bin/sh -c true", "COPY . ."),
    )
    secrets = (Secret("hidden-value"), Secret("the-other-one"))
    assert found(keeps_no_secrets, stage(root=files(), image=image, secrets=secrets)) == [
        "a secret's value is baked into KEY",
        "a secret's value is in line 2 of the image's history",
    ]


@pytest.mark.parametrize("spelled", ["aGlkZGVuLXZhbHVl", "68696464656e2d76616c7565", "hidden-value"])
def test_a_secret_is_known_in_another_spelling(spelled: str) -> None:
    image = replace(IMAGE, labels={"note": f"x={spelled};"})
    asked = stage(root=files(), image=image, secrets=(Secret("hidden-value"),))
    assert found(keeps_no_secrets, asked) == ["a secret's value is baked into note"]


# --- compilers ---


def test_compilers_and_caches() -> None:
    clean = stage(FakeHost({"for name in": (1, "")}), FakeHost({"find /root/.cache": (0, "")}))
    assert found(builds_nothing, clean) == []
    dirty = stage(
        FakeHost({"for name in": (0, "/usr/bin/cc\n/usr/bin/node\n")}),
        FakeHost({"find /root/.cache": (0, "/root/.cache/x\n")}),
    )
    listed = list(builds_nothing(dirty))
    assert [(issue.severity, issue.id) for issue in listed] == [
        (Severity.ERROR, "images.compilers"),
        (Severity.ERROR, "images.compilers"),
        (Severity.WARNING, "images.caches"),
    ]
