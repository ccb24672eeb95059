"""Portals: what was really built into them, read out of the finished images."""

import re
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor

from slipway.checks.issue import Issue, Severity
from slipway.checks.portals import Bundle, check_bundle
from slipway.config.config import Config
from slipway.config.workspace import Configured
from slipway.errors import Refused
from slipway.plan import Outcome, Progress, StepResult
from slipway.plans.build_portals import CONFIGURED
from slipway.ports import BuiltImage, ImageFiles

ROOT = "/usr/share/nginx/html"
"""Where a portal's image has its bundle."""

STEP = "read bundles"
_TEXT = re.compile(r"\.([cm]?js|html|css)$")


def bundle_of(files: ImageFiles, config: Config, image: BuiltImage) -> Bundle:
    """Return the bundle in a portal's image with what was meant to be in it; the image's own label tells which way."""
    read = files.read(image.id, ROOT)
    workspace = config.workspace
    configured = Configured(image.labels.get(CONFIGURED, "build"))
    return Bundle(
        image.name,
        image.tags[0] if image.tags else image.id,
        configured,
        {path: content.decode(errors="replace") for path, content in read.items() if _TEXT.search(path)},
        config.bundled(image.name),
        (config.build_arguments(image.name) if configured is Configured.BUILD else {}) | config.built_in(image.name),
        {*workspace.services, *workspace.databases},
    )


def bundle_issues(files: ImageFiles, config: Config, built: Mapping[str, BuiltImage]) -> list[Issue]:
    """Return what the rules say of every portal among `built` (image name -> image)."""
    portals = [image for name, image in built.items() if name in config.workspace.frontend.portals]
    with ThreadPoolExecutor(max(1, len(portals))) as pool:
        found = pool.map(lambda image: check_bundle(bundle_of(files, config, image)), portals)
        return [issue for issues in found for issue in issues]


def look_into(
    files: ImageFiles, config: Config, built: Mapping[str, BuiltImage], progress: Progress
) -> tuple[StepResult, ...]:
    """Refuse portals whose bundle is not what was meant, and take their tags away: nothing ships them by mistake."""
    portals = {name: image for name, image in built.items() if name in config.workspace.frontend.portals}
    if not portals:
        return ()
    begin = time.monotonic()
    progress.started(STEP)
    issues = bundle_issues(files, config, portals)
    for issue in issues:
        progress.line(STEP, f"{issue.severity} {issue.where}: {issue.message}")
    errors = [issue for issue in issues if issue.severity is Severity.ERROR]
    for name in dict.fromkeys(issue.subject for issue in errors):
        for tag in portals[name].tags:
            files.untag(tag)
    seconds = time.monotonic() - begin
    if errors:
        told = f"{len(errors)} errors in {', '.join(dict.fromkeys(issue.subject for issue in errors))}"
        progress.ended(StepResult(STEP, Outcome.FAILED, seconds, told))
        raise Refused(
            f"{told}: built otherwise than meant, and untagged again",
            where="portals",
            details=tuple(f"{issue.where}: {issue.message} [{issue.id}]" for issue in errors[:20]),
            hint=next((issue.hint for issue in errors if issue.hint), ""),
        )
    done = StepResult(STEP, Outcome.DONE, seconds, "; ".join(_seen(portals, issues)))
    progress.ended(done)
    return (done,)


def _seen(portals: Mapping[str, BuiltImage], issues: list[Issue]) -> Iterator[str]:
    ways = [image.labels.get(CONFIGURED, "build") for image in portals.values()]
    if "start" in ways:
        yield f"{ways.count('start')} configured at start, every look-up declared"
    if "build" in ways:
        yield f"{ways.count('build')} configured at build, every value in place"
    if warnings := sum(issue.severity is Severity.WARNING for issue in issues):
        yield f"{warnings} warnings"
