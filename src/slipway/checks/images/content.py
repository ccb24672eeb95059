"""What an image brings: its health check and static files; no compiler, no cache, nothing that is not its own."""

from collections.abc import Iterable

from slipway.checks.images.stage import APPLICATION, HEALTHCHECK, PORTAL_ROOT, Stage
from slipway.checks.issue import Issue, Severity
from slipway.config.workspace import Role

_COMPILERS = ("gcc", "cc", "g++", "make", "ld", "npm", "node")
_CACHES = (
    "find /root/.cache /root/.npm /tmp/.cache/pip /var/cache/apt /var/lib/apt/lists -type f ! -name lock"
    " 2>/dev/null | head -n 3"
)


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


def builds_nothing(stage: Stage) -> Iterable[Issue]:
    """No compiler and no package cache came along."""
    # One name at a time: dash's `command -v` looks at its first operand only.
    found = stage.host.run(f"for name in {' '.join(_COMPILERS)}; do command -v $name; done").stdout.split()
    for path in found:
        yield stage.issue("compilers", f"{path} is in the production image", "keep it in a build stage")
    caches = stage.root.run(_CACHES).stdout.splitlines()
    if caches:
        yield stage.issue("caches", f"package caches came along: {caches[0]}", severity=Severity.WARNING)
