"""Stage: what a rule is given, a running container of one service seen through testinfra's `host`."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from slipway.checks.issue import Issue, Severity
from slipway.config.workspace import Service, Workspace
from slipway.ports import BuiltImage
from slipway.secret import Secret

HEALTHCHECK = "/usr/local/bin/healthcheck"
APPLICATION = "/app"
PORTAL_ROOT = "/usr/share/nginx/html"
RUN_DIR = "/run/slipway"


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
