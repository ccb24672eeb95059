"""References: `${...}` inside a value, resolved from the workspace, the environment and what the platform hands out."""

import re
from collections.abc import Mapping
from urllib.parse import unquote, urlsplit

from slipway.config.workspace import Engine, Workspace
from slipway.secret import Secret

REFERENCE = re.compile(r"\$\{([^{}\r\n]*)\}")
"""`${domain}`, `${service.postgres.internal_url}`, `${variable.NAME}`; there is no escape: `${` always begins one."""

VARIABLE = "variable."
"""What a reference to another variable of the environment begins with."""

DATABASE_PARTS = ("internal_url", "host", "port", "user", "password", "database")
"""What every platform hands out of a database inside its network."""

EXTERNAL = "external_url"
"""A database's address from outside the platform's network: there only where somebody made the database public."""

# Braces inside a secret are no reference, so only what reads like one is shown.
_SHOWABLE = re.compile(
    r"domain|service\.[a-z0-9-]{1,31}(\.[a-z_]{1,30})?|secret\.[A-Z0-9_]{1,40}|variable\.[A-Z]+(_[A-Z0-9]+){0,9}"
)

_SAMPLES = {
    Engine.POSTGRESQL: {"host": "database", "port": "5432", "user": "app", "password": "sample", "database": "app"},
    Engine.REDIS: {"host": "cache", "port": "6379", "user": "default", "password": "sample", "database": "0"},
}

Values = Mapping[str, str | Secret]
"""What references stand for, by the text between the braces."""


def references(text: str) -> tuple[str, ...]:
    """Return the names between the braces, in order, each once. A `${` that is no reference yields the name ""."""
    found = dict.fromkeys(match[1] for match in REFERENCE.finditer(text))
    if "${" in REFERENCE.sub("", text):
        found[""] = None
    return tuple(found)


def observed_names(workspace: Workspace) -> tuple[str, ...]:
    """Return the references that only the platform can resolve: what runs inside its network."""
    databases = [f"service.{name}.{part}" for name in workspace.databases for part in (*DATABASE_PARTS, EXTERNAL)]
    ports = [name for name, service in workspace.services.items() if service.port]
    return (*databases, *(f"service.{name}.{part}" for name in ports for part in ("internal_url", "host", "port")))


def sample_values(workspace: Workspace) -> dict[str, str]:
    """Return a made-up value of its kind for every reference that only the platform can resolve."""
    samples: dict[str, str] = {}
    for name, database in workspace.databases.items():
        parts = _SAMPLES[database.engine]
        url = f"{database.engine}://{parts['user']}:{parts['password']}@{parts['host']}:{parts['port']}"
        urls = dict.fromkeys(("internal_url", EXTERNAL), f"{url}/{parts['database']}")
        samples |= {f"service.{name}.{part}": value for part, value in {**parts, **urls}.items()}
    for name, service in workspace.services.items():
        if service.port:
            samples |= service_values(name, name, service.port)
    return samples


def database_values(name: str, internal_url: Secret, external_url: Secret | None = None) -> dict[str, str | Secret]:
    """Return what references to the database `name` stand for, read from the addresses that a platform hands out.

    A part that the address does not have (a Redis without a user) is left out, so a reference to it stays open.
    """
    found: dict[str, str | Secret] = {"internal_url": internal_url}
    if external_url:
        found[EXTERNAL] = external_url
    try:
        url = urlsplit(internal_url.reveal())
        parts = {"host": url.hostname, "port": str(url.port or ""), "user": unquote(url.username or "")}
    except ValueError:  # no address, or a port that is none
        return {f"service.{name}.{part}": value for part, value in found.items()}
    found |= {part: value for part, value in parts.items() if value}
    if url.password:
        found["password"] = Secret(unquote(url.password))
    if database := unquote(url.path.removeprefix("/")):
        found["database"] = database
    return {f"service.{name}.{part}": value for part, value in found.items()}


def service_values(name: str, host: str, port: int) -> dict[str, str]:
    """Return what references to a service inside the platform's network stand for."""
    parts = {"internal_url": f"http://{host}:{port}", "host": host, "port": str(port)}
    return {f"service.{name}.{part}": value for part, value in parts.items()}


def public_values(workspace: Workspace, domain: str) -> dict[str, str]:
    """Return what the environment's domain alone decides: every public host and address."""
    values = {"domain": domain}
    for name, service in workspace.services.items():
        if service.subdomain:
            host = f"{service.subdomain}.{domain}"
            values[f"service.{name}.public_host"] = host
            values[f"service.{name}.public_url"] = f"https://{host}"
    return values


def known_names(workspace: Workspace) -> tuple[str, ...]:
    """Return every reference that a value in an env file may hold."""
    return (*public_values(workspace, ""), *observed_names(workspace))


def shown(name: str) -> str:
    """Return a reference for a message, or a stand-in where it could be a part of a secret."""
    if not name:
        return "a ${ without its end"
    return f"${{{name}}}" if _SHOWABLE.fullmatch(name) else "something in ${ }"


def expand(text: str, values: Values) -> str | Secret:
    """Return `text` with its references replaced; a `Secret` as soon as one of them was.

    Replaced text is not looked at again. Raises `KeyError` with the first name that `values` does not hold.
    """
    is_secret = False

    def replace(match: re.Match[str]) -> str:
        nonlocal is_secret
        value = values[match[1]]
        if isinstance(value, Secret):
            is_secret = True
            return value.reveal()
        return value

    expanded = REFERENCE.sub(replace, text)
    return Secret(expanded) if is_secret else expanded
