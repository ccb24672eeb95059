"""The rules against real containers of good and bad images."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import docker
import pytest

from slipway.checks.images.rules import check_stage
from slipway.checks.images.stage import HEALTHCHECK, PORTAL_ROOT, Stage
from slipway.checks.issue import Issue
from slipway.config.workspace import Backend, Role, Service
from slipway.engines.container_host import ExecBackend, container_host
from slipway.ports import BuiltImage
from tests import tiny

STATIC = Service(role=Role.STATIC, image="admin", port=8080)
WORKSPACE: Any = SimpleNamespace(backend=Backend(path="backend"))


GOOD = {
    HEALTHCHECK: "#!/bin/sh\necho green\n",
    f"{PORTAL_ROOT}/index.html": '<script src="/assets/a.js"></script>',
    f"{PORTAL_ROOT}/assets/a.js": "1",
}
SERVE = "exec httpd -f -p 8080"
ZOMBIE = "(sleep 0.1 & exec sleep 100) & sleep 0.3; exec httpd -f -p 8080"


def ask(
    files: dict[str, str | None] | None = None,
    user: str = "10001:10001",
    serve: str = SERVE,
    modes: dict[str, int] | None = None,
    **options: Any,
) -> list[Issue]:
    """Check a portal's image like GOOD but for `files` (None takes one away)."""
    merged = {path: text for path, text in (GOOD | (files or {})).items() if text is not None}
    client = docker.from_env()
    try:
        with (
            tiny.image(client, merged, f"USER {user}", modes={"/run": 0o755, **(modes or {})}) as reference,
            tiny.running(client, reference, command=["sh", "-c", serve], **{"init": True, **options}) as container,
            ExecBackend(client, container.id or "") as host,
            ExecBackend(client, container.id or "", user="0") as root,
        ):
            tiny.wait_until(lambda: " 0A " in host.run("cat /proc/net/tcp /proc/net/tcp6").stdout)
            built = BuiltImage(name="admin", user=user, tags=(reference,), id=reference, size=1)
            asked = Stage("api", STATIC, WORKSPACE, built, container_host(host), container_host(root))
            # Busybox serves here, which a portal's container has no need of.
            return [issue for issue in check_stage(asked) if not issue.message.startswith(("httpd runs", "sh runs"))]
    finally:
        client.close()


@pytest.mark.docker
def test_a_good_image_has_no_issue() -> None:
    assert ask() == []


BAD: dict[str, tuple[Callable[[], list[Issue]], set[str]]] = {
    "root": (lambda: ask(user="0"), {"images.user", "images.writable"}),
    "port": (lambda: ask(serve="httpd -f -p 8081"), {"images.port"}),
    "loopback": (lambda: ask(serve="httpd -f -p 127.0.0.1:8080"), {"images.port"}),
    "env file": (lambda: ask({"/app/.env": "A=1"}), {"images.secrets"}),
    "key": (lambda: ask({"/root/.ssh/id_ed25519": "key"}), {"images.secrets"}),
    "history": (lambda: ask({"/srv/app/.ash_history": "ls"}), {"images.secrets"}),
    "no init": (lambda: ask(init=False), {"images.processes"}),
    "zombie": (lambda: ask(serve=ZOMBIE), {"images.processes"}),
    "setuid": (lambda: ask({"/bin/lent": "x"}, modes={"/bin/lent": 0o4755}), {"images.setuid"}),
    "setgid": (lambda: ask({"/bin/lent": "x"}, modes={"/bin/lent": 0o2755}), {"images.setuid"}),
    "open to all": (lambda: ask({"/etc/open": "x"}, modes={"/etc/open": 0o666}), {"images.writable"}),
    "time zone": (lambda: ask(environment={"TZ": "XYZ-2"}), {"images.time-zone"}),
    "red": (lambda: ask({HEALTHCHECK: "#!/bin/sh\nexit 1\n"}), {"images.health"}),
    "no check": (lambda: ask({HEALTHCHECK: None}), {"images.health"}),
    "no page": (lambda: ask({f"{PORTAL_ROOT}/index.html": None}), {"images.static"}),
    "no script": (lambda: ask({f"{PORTAL_ROOT}/assets/a.js": None}), {"images.static"}),
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
