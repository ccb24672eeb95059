"""What the services themselves said: the answers of `slipway_runtime.connect` and `.probe`, as findings. Pure.

Nothing is passed in silence: a question without an answer, an answer that is no JSON, a program that is not there, each
is an error that says "unanswered".
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from slipway.checks.capacity import exceeded
from slipway.checks.effective import text
from slipway.checks.issue import Issue, Severity
from slipway.checks.mail import SMTP
from slipway.command import Result
from slipway.config.config import Config
from slipway.config.workspace import Engine, Role

_VARIABLES = {
    "database": "DATABASE_URL",
    "read-database": "DATABASE_READ_URL",
    "redis": "REDIS_URL",
    "mail": "EMAIL_HOST",
    "bucket": "AWS_STORAGE_BUCKET_NAME",
    "names": "SLIPWAY_DOMAIN",
}


@dataclass(frozen=True, slots=True)
class Heard:
    """What came back: findings, and what was answered (question -> facts)."""

    issues: tuple[Issue, ...]
    answered: Mapping[str, Mapping[str, Any]]

    @property
    def max_connections(self) -> int:
        """The database's own limit, 0 where it did not say."""
        most = self.answered.get("database", {}).get("max_connections")
        return most if isinstance(most, int) and not isinstance(most, bool) else 0


def questions(config: Config) -> tuple[str, ...]:
    """Return what there is to ask in this environment. Names are not asked where they are looked for elsewhere."""
    api = config.workspace.services_with(Role.WEB)[0]
    seen = {name for name in _VARIABLES.values() if name in config.schema.variables and config.setting(name, api)}
    there = {
        "database": "DATABASE_URL" in seen,
        "read-database": "DATABASE_READ_URL" in seen,
        "redis": "REDIS_URL" in seen,
        "mail": "EMAIL_HOST" in seen and text(config, "EMAIL_BACKEND", api) == SMTP,
        "bucket": "AWS_STORAGE_BUCKET_NAME" in seen,
        "names": not text(config, "SLIPWAY_PUBLIC_ADDRESS"),
    }
    return tuple(name for name, is_there in there.items() if is_there)


def arguments(config: Config, asked: Iterable[str]) -> tuple[str, ...]:
    """Return the words of `python -m slipway_runtime.connect`."""
    versions = [one.version for one in config.workspace.databases.values() if one.engine is Engine.POSTGRESQL]
    hosts = (config.public_host(service) for service in config.workspace.services)
    return (
        "--ask",
        ",".join(asked),
        "--postgres",
        versions[0].partition(".")[0] if versions else "0",
        "--names",
        ",".join(host for host in hosts if host),
        "--host",
        text(config, "SLIPWAY_SSH_HOST"),
    )


def probed(config: Config) -> tuple[str, ...]:
    """Return the words of `python -m slipway_runtime.probe`: every portal asks, every API answers."""
    services = config.workspace
    portals = [config.public_url(name) for name in services.services_with(Role.STATIC) if config.public_host(name)]
    apis = [host for name in services.services_with(Role.WEB) if (host := config.public_host(name))]
    return ("--origins", ",".join(portals), "--api-hosts", ",".join(apis))


def heard(config: Config, asked: Iterable[str], result: Result) -> Heard:
    """Read what `connect` answered."""
    document = _document(result)
    if document is None or not isinstance(document.get("answered"), dict):
        return Heard(tuple(unanswered(config, name, _why(result)) for name in asked), {})
    answered: dict[str, dict[str, Any]] = {
        str(name): facts if isinstance(facts, dict) else {} for name, facts in document["answered"].items()
    }
    issues = [*_issues(config, document)]
    told = {(found.id, found.subject) for found in issues}
    silent = [name for name in asked if name not in answered and ("connect.unanswered", _subject(name)) not in told]
    issues += [unanswered(config, name, "the program in the container says nothing of it") for name in silent]
    most = answered.get("database", {}).get("max_connections")
    if (
        isinstance(most, int)
        and not isinstance(most, bool)
        and (found := exceeded(config, most, "read from the server"))
    ):
        issues.append(found)
    return Heard(tuple(issues), answered)


def probe_heard(config: Config, result: Result) -> tuple[Issue, ...]:
    """Read what `probe` answered."""
    document = _document(result)
    if document is None or not isinstance(document.get("asked"), int):
        return (unanswered(config, "probe", _why(result)),)
    if document["asked"] == 0 and not document.get("issues"):
        return (unanswered(config, "probe", "it asked nothing"),)
    return tuple(_issues(config, document))


def unanswered(config: Config, name: str, why: str) -> Issue:
    """Return the issue of a question that nobody answered."""
    message = f"{_subject(name)} is unanswered: {why}"
    hint = "nothing is known about it; mend that first and ask again"
    return Issue("connect.unanswered", Severity.ERROR, _subject(name), _where(config, name), message, hint)


def _issues(config: Config, document: Mapping[str, Any]) -> Iterator[Issue]:
    for one in document.get("issues") or ():
        if not isinstance(one, dict):
            continue
        name = str(one.get("question") or "probe")
        severity = str(one.get("severity"))
        subject = _subject(name) if name != "probe" else str(one.get("where") or "probe")
        yield Issue(
            str(one.get("id") or "connect.unanswered"),
            Severity(severity) if severity in {*Severity} else Severity.ERROR,
            subject,
            _where(config, name if name != "probe" else subject),
            f"{subject} {one.get('message')}" if name != "probe" else f"{subject}: {one.get('message')}",
            str(one.get("hint") or ""),
        )


def _subject(name: str) -> str:
    return _VARIABLES.get(name, name)


def _where(config: Config, name: str) -> str:
    api, variable = config.workspace.services_with(Role.WEB)[0], _VARIABLES.get(name, name)
    found = config.setting(variable, api) if variable in config.schema.variables else None
    return found.where if found else f"env/{config.environment}.env"


def _document(result: Result) -> dict[str, Any] | None:
    """Return the JSON object that is all of standard output, or its last line."""
    said = result.stdout.strip()
    for candidate in (said, said.rpartition("\n")[2]):
        try:
            found = json.loads(candidate)
        except (ValueError, RecursionError):
            continue
        if isinstance(found, dict):
            return found
    return None


def _why(result: Result) -> str:
    lines = [line for line in f"{result.stdout}\n{result.stderr}".strip().splitlines() if line.strip()]
    if any("No module named" in line for line in lines):
        return "the image has another version of slipway-runtime; build and push it again"
    last = lines[-1].strip()[:200] if lines else "nothing was said"
    return f"the container ended with {result.code}: {last}"
