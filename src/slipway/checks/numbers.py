"""Figures of one service as rules count with them."""

from slipway.config.config import Config, Setting

_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def setting(config: Config, name: str, service: str | None = None) -> Setting | None:
    """Return a variable with a value that fits; None where it has none, or where that is a finding of its own."""
    found = config.setting(name, service) if name in config.schema.variables else None
    if found is None or found.references or found.variable.misfit(found.text.reveal()):
        return None
    return found


def text(config: Config, name: str, service: str | None = None) -> str:
    """Return a variable's text, "" without one."""
    found = setting(config, name, service)
    return found.text.reveal() if found else ""


def number(config: Config, name: str, default: int, service: str | None = None) -> int:
    """Return a whole number, `default` (what the overlay takes) where there is none."""
    found = text(config, name, service)
    return int(found) if found.lstrip("-").isdecimal() else default


def seconds(duration: str) -> float:
    """Return a duration that fits its kind (`500ms`, `5m`) in seconds."""
    digits = duration.rstrip("mshd")
    return float(digits) * _SECONDS[duration.removeprefix(digits)]
