"""What the services themselves said: the answers of `slipway_runtime.connect` and `.probe`, as findings. Pure.

Nothing is passed in silence: a question without an answer, an answer that is no JSON, a program that is not there, each
is an error that says "unanswered".
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf
from typing import Any

from slipway.checks.capacity import exceeded
from slipway.checks.effective import text
from slipway.checks.issue import Issue, Severity
from slipway.checks.mail import SMTP
from slipway.command import Result
from slipway.config.config import Config
from slipway.config.workspace import Engine, Role
from slipway.errors import SlipwayError
from slipway.secret import Secret

_VARIABLES = {
    "database": "DATABASE_URL",
    "read-database": "DATABASE_READ_URL",
    "redis": "REDIS_URL",
    "mail": "EMAIL_HOST",
    "bucket": "AWS_STORAGE_BUCKET_NAME",
    "names": "SLIPWAY_DOMAIN",
}
_READ = {
    "database": ("DATABASE_URL",),
    "read-database": ("DATABASE_READ_URL",),
    "redis": ("REDIS_URL", "REDIS_NAMESPACE"),
    "mail": ("EMAIL_",),
    "bucket": ("AWS_",),
    "names": (),
}
"""What the answer to a question hangs on: names of variables, or their beginning."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One container: it has the values of `service` and asks `questions`, each for the services whose values it has."""

    service: str
    questions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


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


def asked(config: Config, variables: Mapping[str, Mapping[str, str | Secret]]) -> tuple[Asked, ...]:
    """Return which service asks what, so that every question is asked once for each set of values that it hangs on.

    `variables` holds what each service gets, references resolved. A service that has nothing of its own asks nothing.
    """
    first: dict[tuple[object, ...], str] = {}
    shared: dict[str, dict[str, list[str]]] = {name: {} for name in variables}
    for service, values in variables.items():
        plain = {name: value.reveal() if isinstance(value, Secret) else value for name, value in values.items()}
        for question in _there(config, service, plain):
            read = _READ[question]
            about = tuple((name, text) for name, text in sorted(plain.items()) if read and name.startswith(read))
            key = (question, config.workspace.services[service].image, about)
            shared[first.setdefault(key, service)].setdefault(question, []).append(service)
    return tuple(
        Asked(service, {question: tuple(services) for question, services in mine.items()})
        for service, mine in shared.items()
        if mine
    )


def _there(config: Config, service: str, values: Mapping[str, str]) -> Iterator[str]:
    """Return what this service has to ask. Names are asked by one, and not where they are looked for elsewhere."""
    for question, name in _VARIABLES.items():
        if question == "names":
            is_there = service == config.workspace.services_with(Role.WEB)[0]
            is_there = is_there and not text(config, "SLIPWAY_PUBLIC_ADDRESS", service)
        else:
            is_there = bool(values.get(name))
        if question == "mail":
            is_there = is_there and text(config, "EMAIL_BACKEND", service) == SMTP
        if is_there:
            yield question


def arguments(config: Config, one: Asked) -> tuple[str, ...]:
    """Return the words of `python -m slipway_runtime.connect`."""
    versions = [found.version for found in config.workspace.databases.values() if found.engine is Engine.POSTGRESQL]
    hosts = (config.public_host(service) for service in config.workspace.services)
    return (
        "--ask",
        ",".join(one.questions),
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


def heard(config: Config, one: Asked, result: Result) -> Heard:
    """Read what `connect` answered in one container."""
    document = _document(result)
    if document is None or not isinstance(document.get("answered"), dict):
        return Heard(tuple(unanswered(config, name, _why(result), one) for name in one.questions), {})
    answered: dict[str, dict[str, Any]] = {
        str(name): facts if isinstance(facts, dict) else {} for name, facts in document["answered"].items()
    }
    issues = [*_issues(config, document, one)]
    told = {(found.id, found.subject) for found in issues}
    silent = [
        name for name in one.questions if name not in answered and ("connect.unanswered", _subject(name)) not in told
    ]
    issues += [unanswered(config, name, "the program in the container says nothing of it", one) for name in silent]
    return Heard(tuple(issues), answered)


def together(config: Config, several: Sequence[Heard]) -> Heard:
    """Join what the containers heard. Of several databases the one with the fewest connections is counted with."""
    answered: dict[str, Mapping[str, Any]] = {}
    for one in sorted(several, key=lambda heard: heard.max_connections or inf):
        answered = {**one.answered, **answered}
    joined = Heard(tuple(dict.fromkeys(issue for one in several for issue in one.issues)), answered)
    found = exceeded(config, joined.max_connections, "read from the server") if joined.max_connections else None
    return Heard((*joined.issues, found), answered) if found else joined


def probe_heard(config: Config, result: Result) -> tuple[Issue, ...]:
    """Read what `probe` answered."""
    document = _document(result)
    if document is None or not isinstance(document.get("asked"), int):
        return (unanswered(config, "probe", _why(result)),)
    if document["asked"] == 0 and not document.get("issues"):
        return (unanswered(config, "probe", "it asked nothing"),)
    return tuple(_issues(config, document))


def unanswered(config: Config, name: str, why: str, one: Asked | None = None) -> Issue:
    """Return the issue of a question that nobody answered."""
    message = f"{_subject(name)}{_of(name, one)} is unanswered: {why}"
    hint = "nothing is known about it; mend that first and ask again"
    return Issue("connect.unanswered", Severity.ERROR, _subject(name), _where(config, name, one), message, hint)


def unasked(config: Config, service: str, error: SlipwayError) -> Issue:
    """Return the issue of a service whose values are not to be had, so that nothing of it was tried."""
    message = f"nothing of {service} was tried: {'; '.join((error.message, *error.details[:3]))}"
    return Issue(
        "connect.unanswered", Severity.ERROR, service, error.where or _where(config, service), message, error.hint
    )


def _issues(config: Config, document: Mapping[str, Any], asked: Asked | None = None) -> Iterator[Issue]:
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
            _where(config, name if name != "probe" else subject, asked),
            f"{subject}{_of(name, asked) if name != 'probe' else ':'} {one.get('message')}",
            str(one.get("hint") or ""),
        )


def _subject(name: str) -> str:
    return _VARIABLES.get(name, name)


def _of(name: str, one: Asked | None) -> str:
    """Return the services that a question was asked for, as they stand behind the variable's name."""
    services = one.questions.get(name, ()) if one and _READ.get(name) else ()
    return f" of {', '.join(services)}" if services else ""


def _where(config: Config, name: str, one: Asked | None = None) -> str:
    service = one.service if one else config.workspace.services_with(Role.WEB)[0]
    variable = _VARIABLES.get(name, name)
    found = config.setting(variable, service) if variable in config.schema.variables else None
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
