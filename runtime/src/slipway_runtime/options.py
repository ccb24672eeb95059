"""Options: the overlay's own variables, read once; every one that is wrong is named."""

from collections.abc import Mapping
from dataclasses import dataclass

ROLES = ("web", "worker", "beat", "migrate")
PRIVATE_NETWORKS = "127.0.0.0/8,10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,::1,fc00::/7"


class WrongOption(Exception):
    """A variable or an argument that cannot be used; the message names it."""


@dataclass(frozen=True, slots=True)
class Options:
    """What one process of the image needs to know. Times are seconds."""

    role: str
    asgi: str = "core.asgi:application"
    host: str = "0.0.0.0"  # noqa: S104  (a container is reached from its network)
    port: int = 8000
    drain: float = 14.0
    grace: float = 45.0
    wait: float = 60.0
    lock_timeout: float = 5.0
    lock_retries: int = 5
    statement_timeout: float = 900.0
    index_timeout: float = 3600.0
    migrate_wait: float = 30.0
    plan: bool = False
    trusted_proxies: str = PRIVATE_NETWORKS
    processes: int = 0
    """Web processes; 0 is what fits."""
    gc_threshold: int = 50_000
    """Objects that a web process makes between two looks for cycles; 0 keeps Python's own number."""


def read(argv: list[str], environment: Mapping[str, str]) -> Options:
    """Read the command line (at most one role, `migrate` with --plan) and the environment. Raises `WrongOption`."""
    plan = argv[1:] == ["--plan"] and argv[0] == "migrate"
    if len(argv) > 1 and not plan:
        raise WrongOption(f"one role at most, not {' '.join(argv)}")
    role = argv[0] if argv else environment.get("SLIPWAY_ROLE") or "web"
    if role not in ROLES:
        raise WrongOption(f"the role is one of {', '.join(ROLES)}, not {role!r} (argument or SLIPWAY_ROLE)")
    options = Options(
        role=role,
        asgi=environment.get("SLIPWAY_ASGI") or "core.asgi:application",
        port=_port(environment),
        drain=_seconds(environment, "SLIPWAY_DRAIN_SECONDS", 14.0),
        grace=_seconds(environment, "SLIPWAY_GRACE_SECONDS", 45.0),
        wait=_seconds(environment, "SLIPWAY_WAIT_SECONDS", 60.0),
        lock_timeout=_seconds(environment, "SLIPWAY_LOCK_TIMEOUT_SECONDS", 5.0),
        lock_retries=_number(environment, "SLIPWAY_LOCK_RETRIES", 5, 20),
        statement_timeout=_seconds(environment, "SLIPWAY_MIGRATE_STATEMENT_SECONDS", 900.0),
        index_timeout=_seconds(environment, "SLIPWAY_MIGRATE_INDEX_SECONDS", 3600.0, 86400),
        migrate_wait=_seconds(environment, "SLIPWAY_MIGRATE_WAIT_SECONDS", 30.0),
        plan=plan,
        trusted_proxies=environment.get("FORWARDED_ALLOW_IPS") or PRIVATE_NETWORKS,
        processes=_processes(environment),
        gc_threshold=_number(environment, "WEB_GC_THRESHOLD", 50_000, 1_000_000),
    )
    if role == "web" and options.drain + KILL_MARGIN >= options.grace:
        times = f"SLIPWAY_DRAIN_SECONDS {options.drain:g} and SLIPWAY_GRACE_SECONDS {options.grace:g}"
        raise WrongOption(f"{times} leave no time to stop after the drain")
    return options


KILL_MARGIN = 3.0
"""Seconds before the platform's SIGKILL at which the supervisor kills what still runs, to say so in the log."""


def _processes(environment: Mapping[str, str]) -> int:
    text = environment.get("WEB_CONCURRENCY") or "0"
    if not text.isascii() or not text.isdigit() or int(text) > 256:
        raise WrongOption(f"WEB_CONCURRENCY is a number of processes up to 256, not {text!r}")
    return int(text)


def _port(environment: Mapping[str, str]) -> int:
    text = environment.get("PORT") or "8000"
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 65535:
        raise WrongOption(f"PORT is a port number, not {text!r}")
    return int(text)


def _number(environment: Mapping[str, str], name: str, default: int, most: int) -> int:
    text = environment.get(name) or str(default)
    if not text.isascii() or not text.isdigit() or int(text) > most:
        raise WrongOption(f"{name} is a whole number between 0 and {most}, not {text!r}")
    return int(text)


def _seconds(environment: Mapping[str, str], name: str, default: float, most: float = 3600) -> float:
    text = environment.get(name)
    if not text:
        return default
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= most:
        raise WrongOption(f"{name} is a number of seconds between 0 and {most:g}, not {text!r}")
    return value
