"""Effective values: what one service has for a variable, with references put in place as every rule sees them."""

from collections.abc import Iterable
from dataclasses import replace

from slipway.config import references
from slipway.config.config import DOMAIN, Config, Setting
from slipway.config.kinds import items
from slipway.secret import Secret

OVERLAY_OFF = "SLIPWAY_OVERLAY_OFF"


def domain(config: Config) -> str:
    """Return the environment's domain, a stand-in when it is not set (a finding of its own)."""
    found = config.setting(DOMAIN) if DOMAIN in config.schema.variables else None
    return found.text.reveal() if found and found.text else "domain.missing"


def stand_ins(config: Config) -> dict[str, str]:
    """Return what references stand for: public values, and samples of what only the platform knows."""
    workspace = config.workspace
    return {**references.sample_values(workspace), **references.public_values(workspace, domain(config))}


def setting(config: Config, name: str, service: str | None = None) -> Setting | None:
    """Return a variable, references in place; None without a value, or where it does not fit (a finding of its own)."""
    found = config.setting(name, service) if name in config.schema.variables else None
    if found is not None and found.references:
        values = stand_ins(config)
        if any(one not in values for one in found.references):
            return None
        found = replace(found, text=Secret(str(references.expand(found.text.reveal(), values))))
    return None if found is None or found.variable.misfit(found.text.reveal()) else found


def text(config: Config, name: str, service: str | None = None) -> str:
    """Return a variable's text, "" without one."""
    found = setting(config, name, service)
    return found.text.reveal() if found else ""


def number(config: Config, name: str, default: int, service: str | None = None) -> int:
    """Return a whole number, `default` (what the overlay takes) where there is none."""
    found = text(config, name, service)
    return int(found) if found.lstrip("-").isdecimal() else default


def is_laid(config: Config, subject: str, services: Iterable[str | None]) -> bool:
    """Whether the overlay lays a subject (a module of its conf, such as `database`) in each of these services."""
    return all(subject not in items(text(config, OVERLAY_OFF, service)) for service in services)
