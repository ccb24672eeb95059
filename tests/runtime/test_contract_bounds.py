"""What a process of the image refuses at its start, `inv check.env` refuses before: bounds and words are the same."""

import secrets
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from slipway_runtime.conf import CannotCompose, compose
from slipway_runtime.options import WrongOption, read

from slipway.checks.environment import check_environment
from slipway.checks.issue import Severity
from slipway.config.config import load_config
from slipway.config.generated import generate_secrets
from slipway.config.kinds import LISTS, Kind
from slipway.config.schema import Phase, Variable
from slipway.config.schema_file import load_schema
from slipway.config.workspace import Workspace
from slipway.config.workspace_file import load_workspace
from slipway.secret import Secret

ROOT = Path(__file__).parents[2]
PROJECT = """
DATABASES = {name: {"ENGINE": "django.db.backends.postgresql", "NAME": name} for name in ("default", "replica")}
"""
PORTALS = ",".join(f"https://{name}.zamio.com" for name in ("frontend", "admin", "publisher", "stations"))
RIGHT = {
    "SLIPWAY_PROJECT_SETTINGS": "bounded_project",
    "SECRET_KEY": secrets.token_urlsafe(64),
    "DATABASE_URL": "postgresql://app:x@db:5432/app",
    "REDIS_URL": "redis://default:x@cache:6379/0",
    "ALLOWED_HOSTS": "api.zamio.com,localhost,127.0.0.1",
    "BASE_URL": "https://api.zamio.com",
    "CSRF_TRUSTED_ORIGINS": PORTALS,
    "CORS_ALLOWED_ORIGINS": PORTALS,
    "AWS_ACCESS_KEY_ID": "AKq7Zt2mXw9pLr4v",
    "AWS_SECRET_ACCESS_KEY": "hG5-tR8_wQz1mNb6XsVc",
    "AWS_STORAGE_BUCKET_NAME": "zamio-media",
}
WITH = {
    ("CELERY_VISIBILITY_TIMEOUT", "2s"): {"CELERY_TIME_LIMIT": "1"},
    ("SLIPWAY_DRAIN_SECONDS", "600"): {"SLIPWAY_GRACE_SECONDS": "604"},
    ("SLIPWAY_GRACE_SECONDS", "4"): {"SLIPWAY_DRAIN_SECONDS": "0"},
}
"""What a bound needs beside it, as the rules over several variables ask."""
_OF_THE_CONTAINER = {"slipway.E003", "slipway.E074", "slipway.E075"}
"""A module or a folder that is not there: what the text alone does not say."""
WORDS = (
    "x", "X", "-", "-0", "-1", "0", "1e3", "1.5", "1 0", "10", "99999999999999999", "true", "none", "None", "self",
    "'none' 'self'", "a;b", "a,b", "a b", "*", "/", "/a,b", "health", "databse", "everybody", "picture", "strict",
    "same-site", "camera none", "camera=()", "camera=(),", "unsafe-inline", "nonce-abc", "sha256-abc",
    "https://a.org;script-src *", "https://a.org", "http://a.org", "https://A.org", "HTTPS://a.org",
    "https://a.org:443", "https://a.org:", "https://a.org?", "https://*.a.org", "null", "ftp://a.org", "a.org",
    "A.org", "a.org:80", ".a.org", "-a.org", "a..org", "[::1]", "10.0.0.0/8", "10.0.0.1/8", "300.0.0.1", "8.8.8.8",
    "0.0.0.0/0", "::/0", "fc00::/7", "none,10.0.0.0/8", "30", "30s", "0s", "1ms", "2d", "365d", "99999999d", "5 m",
    "3fish", "database:replica", "core/settings.py", "core.", "ü", "short", "a" * 60, "change-me-" * 6, "DEBUG",
    "debug", "SECRET", "x" * 64,
)  # fmt: skip


def schema_of() -> dict[str, Variable]:
    workspace = load_workspace(ROOT / "example" / "workspace.yaml", ROOT / "example")
    found = load_schema(ROOT / "env" / "schema.yaml", ROOT, workspace).variables
    backend = {"backend", "web", "worker", "beat"}
    return {
        name: variable
        for name, variable in found.items()
        if variable.phase is Phase.RUN and backend & set(variable.services) and not variable.computed
    }


VARIABLES = schema_of()


def edges(variable: Variable) -> Iterator[str]:
    """Yield texts at the bounds of a variable, and every word that it may be."""
    bounds, unit = variable.constraints, "s" if variable.type is Kind.DURATION else ""
    yield from (f"{bound:.12g}{unit}" for bound in (bounds.min, bounds.max) if bound is not None)
    yield from bounds.choices
    if variable.default is not None:
        yield variable.default
    if variable.type in LISTS and bounds.choices:
        yield ",".join(bounds.choices)
    if variable.type is Kind.BOOLEAN:
        yield from ("true", "false", "True", "FALSE")


def beyond(variable: Variable) -> Iterator[str]:
    """Yield texts beside the bounds, and each word with a letter missing."""
    bounds = variable.constraints
    for bound in (bound for bound in (bounds.min, bounds.max) if bound is not None):
        for step in (-1, -0.01, 0.01, 1):
            if variable.type is Kind.DURATION:
                yield f"{bound + step:.12g}s"
                yield f"{(bound + step) * 1000:.12g}ms"
            else:
                yield f"{bound + step:.12g}"
    for choice in bounds.choices:
        yield from (choice[1:], choice.upper(), choice.swapcase(), f"{choice} ", f"{choice},nothing")


def refusals(environ: dict[str, str], role: str = "web") -> set[str]:
    """Return why a process of the image would not start with these variables."""
    environ["SLIPWAY_ROLE"] = role
    found: set[str] = set()
    try:
        read([role], environ)
    except WrongOption as error:
        found.add(str(error))
    try:
        problems = compose(environ)["SLIPWAY"]["problems"]
    except CannotCompose as error:
        problems = error.problems
    found |= {f"{problem.id} {problem.name}" for problem in problems if problem.fatal}
    return {one for one in found if one.split()[0] not in _OF_THE_CONTAINER}


def role_of(variable: Variable) -> str:
    """Return a role that gets the variable."""
    return "worker" if set(variable.services) <= {"worker", "beat"} else "web"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bounded_project.py").write_text(PROJECT)
    monkeypatch.syspath_prepend(tmp_path)


@pytest.fixture
def refused_before(root: Path, workspace: Workspace) -> Callable[[str, str], bool]:
    """Whether the check has an error for one variable with a text, in a production that is right otherwise."""
    schema = load_config(root, "production", workspace).schema
    by_hand = {name: Secret(secrets.token_urlsafe(24)) for name in ("EMAIL_HOST_PASSWORD", "SLIPWAY_COOLIFY_TOKEN")}
    made = {**generate_secrets(schema, by_hand), **by_hand}
    file = root / "env" / "production.secrets.env"
    file.write_text("".join(f"{name}={value.reveal()}\n" for name, value in made.items()))
    file.chmod(0o600)
    of_bucket = {name: text for name, text in RIGHT.items() if name.startswith("AWS_")}

    def errors(**given: str) -> bool:
        issues = check_environment(root, "production", workspace, {**of_bucket, **given})
        return any(issue.severity is Severity.ERROR for issue in issues)

    assert not errors()
    return lambda name, text: errors(**{name: text})


@pytest.mark.usefixtures("project")
def test_what_is_right_is_not_refused() -> None:
    assert refusals(RIGHT) == set()


@pytest.fixture
def variables(project: None) -> dict[str, Variable]:
    """What the overlay reads of the schema."""
    read_names = Watched(RIGHT)
    refusals(read_names)
    refusals(read_names, "worker")
    return {name: variable for name, variable in VARIABLES.items() if name in read_names.names}


class Watched(dict[str, str]):
    """Variables that note which of them are asked for."""

    def __init__(self, given: Mapping[str, str]) -> None:
        super().__init__(given)
        self.names: set[str] = set()

    def get(self, name: str, default: Any = None) -> Any:
        self.names.add(name)
        return super().get(name, default)


def test_no_text_passes_the_check_and_ends_the_container(
    variables: dict[str, Variable], refused_before: Callable[[str, str], bool]
) -> None:
    passed: dict[str, set[str]] = {}
    refused: set[str] = set()
    for name, variable in variables.items():
        for text in dict.fromkeys((*WORDS, *beyond(variable))):
            misfits = variable.misfit(text) is not None
            if misfits and name in refused:
                continue  # that the overlay takes part at all is seen already
            if why := refusals({**RIGHT, name: text}, role_of(variable)):
                refused.add(name)
                if not misfits and not refused_before(name, text):
                    passed[f"{name}={text}"] = why

    assert passed == {}
    assert len(variables) > 90
    assert len(refused) > 75


def test_what_stands_at_the_bounds_of_the_schema_starts(variables: dict[str, Variable]) -> None:
    refused = {
        f"{name}={text}": why
        for name, variable in variables.items()
        for text in edges(variable)
        if (
            why := variable.misfit(text)
            or refusals({**RIGHT, **WITH.get((name, text), {}), name: text}, role_of(variable))
        )
    }
    assert refused == {}
