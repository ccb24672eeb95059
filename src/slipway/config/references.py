"""References: `${...}` inside a value, resolved from the workspace, the environment and what the platform hands out."""

import re
from collections.abc import Mapping

from slipway.config.workspace import Workspace
from slipway.secret import Secret

REFERENCE = re.compile(r"\$\{([^{}\r\n]*)\}")
"""`${domain}`, `${service.postgres.internal_url}`, `${secret.NAME}`; there is no escape: `${` always begins one."""

# Braces inside a secret are no reference, so only what reads like one is shown.
_SHOWABLE = re.compile(r"domain|service\.[a-z0-9-]{1,31}(\.[a-z_]{1,30})?|secret\.[A-Z0-9_]{1,40}")

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
    databases = [f"service.{name}.internal_url" for name in workspace.databases]
    return (*databases, *(f"service.{name}.internal_url" for name, s in workspace.services.items() if s.port))


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
