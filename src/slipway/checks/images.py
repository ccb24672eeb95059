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
_COMPILERS = ("gcc", "cc", "g++", "make", "ld", "npm", "node")
_HISTORIES = "/root/.*history /home/*/.*history /app/.*history /tmp/.*history"


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
        return Issue(f"images.{rule}", severity, self.name, self.image.tags[0], message, hint)


Rule = Callable[[Stage], Iterable[Issue]]


def runs_unprivileged(stage: Stage) -> Iterable[Issue]:
    """The image names a user, and no process in the container runs as root."""
    if stage.image.user.split(":")[0] in ("", "0", "root"):
        yield stage.issue("user", "the image runs as root", "end the Dockerfile with USER 10001:10001")
    rows = stage.host.run("cat /proc/[0-9]*/status 2>/dev/null | grep -E '^(Pid|PPid|Uid):'").stdout.splitlines()
    for pid in sorted(_rooted_processes(rows)):
        yield stage.issue("user", f"process {pid} runs as root", "drop privileges before starting it")


def _rooted_processes(rows: list[str]) -> set[int]:
    """Return process 1 and its descendants that run as root; the shells of this check hang below nobody."""
    values = [row.split() for row in rows]
    table = {int(a[1]): (int(b[1]), int(c[1])) for a, b, c in zip(*[iter(values)] * 3, strict=False)}
    found = set()
    for pid, (_, uid) in table.items():
        ancestor = pid
        while ancestor in table and ancestor != 1:
            ancestor = table[ancestor][0]
        if ancestor == 1 and uid == 0:
            found.add(pid)
    return found


def listens(stage: Stage) -> Iterable[Issue]:
    """The declared port, and for worker and beat no port at all, is open."""
    table = stage.host.run("cat /proc/net/tcp /proc/net/tcp6 2>/dev/null").stdout
    listening = {int(row.split()[1].rsplit(":", 1)[1], 16) for row in table.splitlines() if " 0A " in row}
    # Docker's embedded DNS listens on 127.0.0.11 in every container of a user-defined network.
    dns = {int(r.split()[1].rsplit(":", 1)[1], 16) for r in table.splitlines() if " 0A " in r and "0B00007F" in r}
    expected = {stage.service.port} if stage.service.port else set()
    missing, surplus = expected - listening, listening - expected - dns
    if missing:
        yield stage.issue("port", f"nothing listens on {missing.pop()}", "is `port` of the service right?")
    if surplus:
        yield stage.issue("port", f"also listens on {', '.join(map(str, sorted(surplus)))}")


def is_green(stage: Stage) -> Iterable[Issue]:
    """The image ships the health check and it is green in this role."""
    if not stage.host.file(HEALTHCHECK).exists:
        yield stage.issue("health", f"there is no {HEALTHCHECK}")
        return
    answer = stage.host.run(HEALTHCHECK)
    if answer.rc != 0:
        yield stage.issue("health", f"red: {answer.stdout.strip() or answer.stderr.strip()}")


def ships_static_files(stage: Stage) -> Iterable[Issue]:
    """The backend has collected static files; a portal an index and the scripts that it names."""
    if stage.service.role is Role.STATIC:
        index = stage.host.run("cat %s/index.html", PORTAL_ROOT)
        if index.rc != 0:
            yield stage.issue("static", f"no {PORTAL_ROOT}/index.html", "did `vite build` write into dist?")
            return
        named = stage.host.run(
            "grep -o '/assets/[^\"]*' %s/index.html | while read -r f; do [ -s %s$f ] || echo $f; done",
            PORTAL_ROOT,
            PORTAL_ROOT,
        )
        if "/assets/" not in index.stdout:
            yield stage.issue("static", "index.html names no asset")
        for path in named.stdout.split():
            yield stage.issue("static", f"index.html names {path}, which is not in the image")
    elif stage.service.role is Role.WEB:
        root = f"{APPLICATION}/{stage.workspace.backend.static_root}"
        count = stage.host.run("find %s -type f | wc -l", root).stdout.strip()
        if not count.isdigit() or int(count) == 0:
            yield stage.issue("static", f"{root} is empty", "is backend.static_root the project's STATIC_ROOT?")


def keeps_no_secrets(stage: Stage) -> Iterable[Issue]:
    """No env file, shell history or known secret value is in the image's files, variables or labels."""
    left = stage.root.run(
        "find %s %s -xdev \\( -name '.env' -o -name '.env.*' -o -name '*.secrets.env' -o -name '*.pem'"
        " -o -name 'id_*' \\) -type f -not -path '*/site-packages/*' 2>/dev/null; ls -d " + _HISTORIES + " 2>/dev/null",
        APPLICATION,
        PORTAL_ROOT,
    )
    for path in left.stdout.split():
        yield stage.issue("secrets", f"{path} is in the image", "name it in .dockerignore")
    shown = "\n".join(f"{k}={v}" for k, v in (*stage.image.environment.items(), *stage.image.labels.items()))
    for secret in stage.secrets:
        if secret.reveal() in shown:
            yield stage.issue("secrets", "a secret's value is baked into the image's variables or labels")


def builds_nothing(stage: Stage) -> Iterable[Issue]:
    """No compiler and no package cache came along."""
    found = stage.host.run("command -v " + " ".join(_COMPILERS)).stdout.split()
    for path in found:
        yield stage.issue("compilers", f"{path} is in the production image", "keep it in a build stage")
    caches = stage.root.run("find /root/.cache /root/.npm /var/lib/apt/lists -type f 2>/dev/null | head -3")
    if caches.stdout.strip():
        yield stage.issue("caches", f"package caches came along: {caches.stdout.split()[0]}", severity=Severity.WARNING)


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
