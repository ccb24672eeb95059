"""`inv check.env`: every problem of one environment at once, each with file and line."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ParamSpec

from slipway.checks import (
    addresses,
    capacity,
    carrying,
    django,
    exposed,
    health,
    https,
    mail,
    placeholders,
    portal_values,
    secrets,
    stores,
    strength,
    target,
    urls,
    variables,
)
from slipway.checks.facts import Facts
from slipway.checks.issue import Issue, Severity
from slipway.checks.look import Look
from slipway.config.config import SCHEMA, Config, read_config
from slipway.config.fault import Fault, refuse
from slipway.config.kept import keep_patterns
from slipway.config.known_values import elsewhere, examples
from slipway.config.sealed import Unseal
from slipway.config.tracked import tracked
from slipway.config.workspace import Workspace

P = ParamSpec("P")
Rule = Callable[[Facts], Iterator[Issue]]

RULES: tuple[Rule, ...] = (
    variables.missing,
    variables.empty,
    variables.misfit,
    variables.reference,
    variables.unknown,
    variables.duplicate,
    variables.misplaced,
    variables.computed,
    variables.given,
    variables.deprecated,
    variables.built_in,
    placeholders.placeholder,
    variables.probes,
    secrets.committed,
    secrets.tracked,
    strength.weak,
    strength.without_password,
    secrets.reused,
    secrets.same_elsewhere,
    secrets.unread,
    secrets.example,
    exposed.exposed,
    exposed.vite_names,
    urls.encoding,
    urls.loopback,
    django.debug,
    django.hosts,
    django.health_host,
    django.base_url,
    django.origins,
    django.cors_for_all,
    django.https,
    django.mail_tls,
    django.celery_limits,
    https.proxy,
    https.overlay_off,
    https.hsts,
    https.same_site,
    https.log_level,
    stores.persistent,
    stores.sqlite,
    stores.version,
    stores.redis_shared,
    stores.redis_database,
    stores.visibility,
    stores.alike,
    capacity.connections,
    mail.pairs,
    mail.backend,
    mail.encryption,
    mail.media_domain,
    addresses.public_addresses,
    addresses.domain,
    addresses.api_of_portals,
    target.coolify,
    target.host,
    health.contract,
    health.inside,
    portal_values.refused,
    carrying.uncarried,
)
"""Every rule over an environment; each has a stable id, named in its docstring and in docs/checks.md."""


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check found, and what it looked at, so that silence means something."""

    issues: tuple[Issue, ...]
    rules: int
    variables: int
    services: int

    def looked_at(self, seconds: float) -> str:
        """Return what was looked at, in words."""
        return f"{self.rules} rules over {self.variables} variables of {self.services} services in {seconds:.1f} s"


def check(
    root: Path,
    environment: str,
    workspace: Workspace,
    process: Mapping[str, str] | None = None,
    secrets_file: Path | None = None,
    unseal: Unseal | None = None,
    more: Sequence[Callable[[Config], Iterable[Issue]]] = (),
) -> Checked:
    """Return every problem of `environment` as configured below `root/env`, and what was looked at.

    The problems are in the order of the files; no rule and no variable was looked at where the schema cannot be used.
    `process` are values given explicitly, `secrets_file` a further file of secrets, `unseal` opens a sealed one, `more`
    looks at more than the files of the environment; a `Look` tells how many rules it has. Touches nothing. Raises
    `UsageError` only for an environment that does not exist.
    """
    config, faults = read_config(root, environment, workspace, process or {}, secrets_file, unseal)
    refuse([fault for fault in faults if fault.id == "env.environment"], f"environment {environment}")
    issues = [_from_fault(fault, environment) for fault in faults]
    if config is None:
        return Checked(_in_order(issues), 0, 0, len(workspace.services))
    whole = not any(fault.fatal and fault.id.startswith("file.") for fault in faults)
    others, unread = elsewhere(root, environment, unseal)
    facts = Facts(
        config,
        tracked(root, config.layers.files),
        whole,
        elsewhere=others,
        unread=unread,
        examples=examples(root, workspace),
    )
    issues += [issue for rule in RULES for issue in rule(facts)]
    issues += [issue for look in more for issue in look(config)]
    keep_patterns(root / SCHEMA, root, workspace)
    ran = len(RULES) + sum(look.counted() if isinstance(look, Look) else 1 for look in more)
    return Checked(_in_order(issues), ran, len(config.schema.variables), len(workspace.services))


def _listed(look: Callable[P, Checked]) -> Callable[P, list[Issue]]:
    """Return the same question for whoever wants the issues alone."""
    return lambda *given, **named: list(look(*given, **named).issues)


check_environment = _listed(check)


def _in_order(issues: Iterable[Issue]) -> tuple[Issue, ...]:
    return tuple(sorted(dict.fromkeys(issues), key=_place))


def _from_fault(fault: Fault, environment: str) -> Issue:
    severity = Severity.ERROR if fault.fatal else Severity.WARNING
    return Issue(fault.id, severity, environment, fault.where, fault.message, fault.hint)


def _place(issue: Issue) -> tuple[str, int, str]:
    match = re.fullmatch(r"(.*):(\d+)", issue.where)
    return (match[1], int(match[2]), issue.id) if match else (issue.where, 0, issue.id)
