"""`inv check.env`: every problem of one environment at once, each with file and line."""

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from slipway.checks import addresses, carrying, django, health, secrets, variables
from slipway.checks.facts import Facts
from slipway.checks.issue import Issue, Severity
from slipway.config.config import read_config
from slipway.config.fault import Fault, refuse
from slipway.config.sealed import Unseal
from slipway.config.tracked import tracked
from slipway.config.workspace import Workspace

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
    variables.placeholder,
    variables.probes,
    secrets.committed,
    secrets.tracked,
    secrets.weak,
    secrets.reused,
    secrets.exposed,
    secrets.vite_names,
    django.debug,
    django.hosts,
    django.origins,
    django.cors_for_all,
    django.https,
    django.mail_tls,
    django.celery_limits,
    addresses.public_addresses,
    addresses.domain,
    health.contract,
    carrying.uncarried,
)
"""Every rule over an environment; each has a stable id, named in its docstring and in docs/checks.md."""


def check_environment(
    root: Path,
    environment: str,
    workspace: Workspace,
    process: Mapping[str, str] | None = None,
    secrets_file: Path | None = None,
    unseal: Unseal | None = None,
) -> list[Issue]:
    """Return every problem of `environment` as configured below `root/env`, in the order of the files.

    `process` are values given explicitly, `secrets_file` a further file of secrets, `unseal` opens a sealed one.
    Touches nothing. Raises `UsageError` only for an environment that does not exist.
    """
    config, faults = read_config(root, environment, workspace, process or {}, secrets_file, unseal)
    refuse([fault for fault in faults if fault.id == "env.environment"], f"environment {environment}")
    issues = [_from_fault(fault, environment) for fault in faults]
    if config is not None:
        files = tracked(root, config.layers.files)
        whole = not any(fault.fatal and fault.id.startswith("file.") for fault in faults)
        facts = Facts(config, files, whole)
        issues += [issue for rule in RULES for issue in rule(facts)]
    return sorted(dict.fromkeys(issues), key=_place)


def _from_fault(fault: Fault, environment: str) -> Issue:
    severity = Severity.ERROR if fault.fatal else Severity.WARNING
    return Issue(fault.id, severity, environment, fault.where, fault.message, fault.hint)


def _place(issue: Issue) -> tuple[str, int, str]:
    match = re.fullmatch(r"(.*):(\d+)", issue.where)
    return (match[1], int(match[2]), issue.id) if match else (issue.where, 0, issue.id)
