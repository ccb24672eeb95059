"""Rules for built images, asked inside their running containers through testinfra's `host`.

Each rule takes one `Stage` (a container of the image in its role) and returns what it found; none of them starts or
stops anything. What needs a signal or a broken role is in `rehearsal/image_stage.py`.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from slipway.checks.issue import Issue, Severity
from slipway.config.workspace import Role, Service, Workspace
from slipway.ports import BuiltImage
from slipway.secret import Secret

HEALTHCHECK = "/usr/local/bin/healthcheck"
APPLICATION = "/app"
PORTAL_ROOT = "/usr/share/nginx/html"
_LOOPBACK_6 = "0" * 24 + "01000000"
_COMPILERS = ("gcc", "cc", "g++", "make", "ld", "npm", "node")
_KEYS_AND_HISTORIES = "-name id_rsa -o -name id_dsa -o -name id_ecdsa -o -name id_ed25519 -o -name '.*history'"
_OURS = f"{APPLICATION} {PORTAL_ROOT}"
_ENV_FILES = "-name .env -o -name '.env.*' -o -name '*.secrets.env' -o -name '*.pem' -o -name '*.key'"
_EXAMPLES = (".example", ".sample", ".template")  # an env file without values
# grep answers 1 where nothing holds one, and that is also the answer where none of our folders is.
_HOLDING = (
    f'set --; for folder in {_OURS}; do [ -d "$folder" ] && set -- "$@" "$folder"; done; [ $# -gt 0 ] || exit 1; '
    'LC_ALL=C exec grep -rlF -f - -- "$@"'
)
_SHORTEST_SECRET = 6  # a shorter value is found in ordinary words


@dataclass(frozen=True, slots=True)
class Stage:
    """A container of one service on the stage: testinfra's `host` as the image's user, `root` as uid 0."""

    name: str
    service: Service
    workspace: Workspace
    image: BuiltImage
    host: Any
    root: Any
    secrets: tuple[Secret, ...] = ()

    def issue(self, rule: str, message: str, hint: str = "", severity: Severity = Severity.ERROR) -> Issue:
        """Return an issue about this container."""
        return Issue(f"images.{rule}", severity, self.name, f"{self.name} ({self.image.tags[0]})", message, hint)


Rule = Callable[[Stage], Iterable[Issue]]


def runs_unprivileged(stage: Stage) -> Iterable[Issue]:
    """The image names a user, and no process in the container runs as root."""
    if stage.image.user.split(":")[0] in ("", "0", "root"):
        yield stage.issue("user", "the image runs as root", "end the Dockerfile with USER 10001:10001")
    table = _processes(stage.host.run("cat /proc/[0-9]*/status 2>/dev/null").stdout)
    if 1 not in table:
        yield stage.issue("user", "the container's processes cannot be read", "does the image have `cat`?")
    for pid in sorted(_rooted_processes(table)):
        yield stage.issue("user", f"process {pid} runs as root", "drop privileges before starting it")


@dataclass(frozen=True, slots=True)
class _Process:
    parent: int
    uids: tuple[int, ...]  # real, effective, saved, of the file system


def _processes(statuses: str) -> dict[int, _Process]:
    """Read `/proc/<pid>/status` files one after another; one that vanished half way is left out."""
    table = {}
    pid = parent = -1
    for line in statuses.splitlines():
        key, _, value = line.partition(":")
        if key == "Pid":
            pid, parent = int(value), -1
        elif key == "PPid":
            parent = int(value)
        elif key == "Uid" and parent >= 0:
            table[pid] = _Process(parent, tuple(map(int, value.split())))
    return table


def _rooted_processes(table: dict[int, _Process]) -> set[int]:
    """Return process 1 and its descendants that have root's rights; the shells of this check hang below nobody."""
    found = set()
    for pid, process in table.items():
        ancestor = pid
        while ancestor in table and ancestor != 1:
            ancestor = table[ancestor].parent
        if ancestor == 1 and 0 in process.uids:
            found.add(pid)
    return found


def listens(stage: Stage) -> Iterable[Issue]:
    """The declared port is open to other containers; nothing else, and for worker and beat nothing at all, is."""
    table = stage.host.run("cat /proc/net/tcp /proc/net/tcp6 2>/dev/null").stdout
    if "local_address" not in table:
        yield stage.issue("port", "the container's sockets cannot be read", "does the image have `cat`?")
        return
    rows = [row.split()[1].rsplit(":", 1) for row in table.splitlines() if " 0A " in row]
    # Docker's embedded DNS listens on 127.0.0.11 in every container of a user-defined network.
    listening = {(address, int(port, 16)) for address, port in rows if address != "0B00007F"}
    # Loopback in the kernel's byte order: 127.0.0.0/8 and ::1.
    outside = {port for address, port in listening if not address.endswith("7F") and address != _LOOPBACK_6}
    inside = {port for _, port in listening}
    expected = {stage.service.port} if stage.service.port else set()
    for port in sorted(expected - outside):
        who = "is open on loopback only, where no router reaches it" if port in inside else "is not open"
        yield stage.issue("port", f"port {port} {who}", "is `port` of the service right?")
    if surplus := inside - expected:
        yield stage.issue("port", f"also listens on {', '.join(map(str, sorted(surplus)))}")


def is_green(stage: Stage) -> Iterable[Issue]:
    """The image ships the health check and it is green in this role."""
    if not stage.host.file(HEALTHCHECK).exists:
        yield stage.issue("health", f"there is no {HEALTHCHECK}")
        return
    answer = stage.host.run(HEALTHCHECK)
    if answer.rc != 0:
        yield stage.issue("health", answer.stdout.strip() or answer.stderr.strip() or f"answers {answer.rc}")


def ships_static_files(stage: Stage) -> Iterable[Issue]:
    """The backend has collected static files; a portal an index and the scripts that it names."""
    if stage.service.role is Role.STATIC:
        index = stage.host.run("cat %s/index.html", PORTAL_ROOT)
        if index.rc != 0:
            yield stage.issue("static", f"no {PORTAL_ROOT}/index.html", "did `vite build` write into dist?")
            return
        named = stage.host.run(
            'grep -o \'/assets/[^"]*\' %s/index.html | while read -r f; do [ -s %s"$f" ] || echo "$f"; done',
            PORTAL_ROOT,
            PORTAL_ROOT,
        )
        if "/assets/" not in index.stdout:
            yield stage.issue("static", "index.html names no asset")
        for path in named.stdout.splitlines():
            yield stage.issue("static", f"index.html names {path}, which is not in the image")
    elif stage.service.role is Role.WEB:
        root = f"{APPLICATION}/{stage.workspace.backend.static_root}"
        count = stage.host.run("find %s -type f | wc -l", root).stdout.strip()
        if not count.isdigit() or int(count) == 0:
            yield stage.issue("static", f"{root} is empty", "is backend.static_root the project's STATIC_ROOT?")


def keeps_no_secrets(stage: Stage) -> Iterable[Issue]:
    """No key, env file or shell history is in the image, no known secret in its files, variables, labels or history."""
    if stage.root.run("find / -xdev -maxdepth 0").rc != 0:
        yield stage.issue("secrets", "the image has no `find`, so its files cannot be looked through")
        return
    asked = (
        f"find / -xdev -type f \\( {_KEYS_AND_HISTORIES} \\) 2>/dev/null",
        f"find {_OURS} -xdev -type f \\( {_ENV_FILES} \\) ! -path '*/site-packages/*' 2>/dev/null",
    )
    left = {path for question in asked for path in stage.root.run(question).stdout.splitlines()}
    for path in sorted(left):
        if not path.endswith(_EXAMPLES):
            yield stage.issue("secrets", f"{path} is in the image", "name it in .dockerignore")
    values = _recognisable(stage.secrets)
    seen: set[str] = set()
    for name, text in (*stage.image.labels.items(), *stage.image.environment.items()):
        if held := {value for value in values if value in text}:
            seen |= held
            yield stage.issue("secrets", f"a secret's value is baked into {name}", "give it when the container starts")
    # Variables and labels stand in the history, too; here is what only that shows, as a build argument.
    for number, line in enumerate(stage.image.history, 1):
        if any(value in line for value in values if value not in seen):
            told = f"a secret's value is in line {number} of the image's history"
            yield stage.issue("secrets", told, "give it to the build as a secret, never as an argument")
    yield from _secrets_in_files(stage, values)


def _recognisable(secrets: Iterable[Secret]) -> list[str]:
    """Return what each secret is looked for by: its longest line, unless that is found in ordinary words."""
    lines = {max(secret.reveal().splitlines(), key=len, default="") for secret in secrets}
    return sorted(line for line in lines if len(line) >= _SHORTEST_SECRET)


def _secrets_in_files(stage: Stage, values: list[str]) -> Iterable[Issue]:
    if not values:
        return
    # The values travel as standard input: an argument would show in the host's process list.
    asked = stage.root.run(_HOLDING, stdin="\n".join(values))
    if asked.rc > 1:
        yield stage.issue("secrets", f"its files cannot be searched: {asked.stderr.strip()[:200]}")
    for path in sorted(asked.stdout.splitlines()):
        yield stage.issue("secrets", f"a secret's value is in {path}", "keep it out of what the image is built from")


def builds_nothing(stage: Stage) -> Iterable[Issue]:
    """No compiler and no package cache came along."""
    # One name at a time: dash's `command -v` looks at its first operand only.
    found = stage.host.run(f"for name in {' '.join(_COMPILERS)}; do command -v $name; done").stdout.split()
    for path in found:
        yield stage.issue("compilers", f"{path} is in the production image", "keep it in a build stage")
    caches = stage.root.run(
        "find /root/.cache /root/.npm /var/lib/apt/lists -type f ! -name lock 2>/dev/null | head -n 3"
    ).stdout.splitlines()
    if caches:
        yield stage.issue("caches", f"package caches came along: {caches[0]}", severity=Severity.WARNING)


RULES: tuple[Rule, ...] = (
    runs_unprivileged,
    listens,
    is_green,
    ships_static_files,
    keeps_no_secrets,
    builds_nothing,
)


def check_stage(stage: Stage) -> list[Issue]:
    """Ask every rule about one container."""
    return [issue for rule in RULES for issue in rule(stage)]
