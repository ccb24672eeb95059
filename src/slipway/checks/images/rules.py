"""The rules for one running container, in the order in which they are told."""

from slipway.checks.images.content import builds_nothing, is_green, ships_static_files
from slipway.checks.images.paths import guards_its_paths
from slipway.checks.images.place import keeps_universal_time, speaks_utf8
from slipway.checks.images.ports import listens
from slipway.checks.images.processes import runs_unprivileged, runs_what_it_should
from slipway.checks.images.secrets import keeps_no_secrets
from slipway.checks.images.stage import Rule, Stage
from slipway.checks.issue import Issue

RULES: tuple[Rule, ...] = (
    runs_unprivileged,
    runs_what_it_should,
    guards_its_paths,
    listens,
    is_green,
    keeps_universal_time,
    speaks_utf8,
    ships_static_files,
    keeps_no_secrets,
    builds_nothing,
)


def check_stage(stage: Stage) -> list[Issue]:
    """Ask every rule about one container."""
    return [issue for rule in RULES for issue in rule(stage)]
